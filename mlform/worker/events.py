"""Progress of a task as JSON lines."""

from __future__ import annotations

import json
from time import monotonic
from typing import TYPE_CHECKING, Final

from mlform.tasks import TaskEvent

if TYPE_CHECKING:
    from typing import TextIO

_INTERVAL: Final = 0.1
"""Seconds between two events of the same message."""


class Progress:
    """Writes events, at most about ten a second; the first of a message and the last are kept."""

    def __init__(self, stream: TextIO) -> None:
        """Write to a text stream."""
        self._stream = stream
        self._next = 0.0
        self._message = ""
        self._held: TaskEvent | None = None

    def report(
        self, message: str, done: int | None = None, total: int | None = None, detail: str = ""
    ) -> None:
        """Say how far the work is."""
        event = TaskEvent(message=message, done=done, total=total, detail=detail)
        now = monotonic()
        if message == self._message and now < self._next and (done is None or done != total):
            self._held = event
            return
        if message != self._message:
            self.flush()
        self._write(event)
        self._message, self._next = message, now + _INTERVAL

    def tell(self, message: str) -> None:
        """Say what people have to hear even where they do not watch the progress."""
        self.flush()
        self._write(TaskEvent(message=message, lasting=True))

    def flush(self) -> None:
        """Write the newest event if it was held back."""
        if self._held is not None:
            self._write(self._held)

    def _write(self, event: TaskEvent) -> None:
        self._held = None
        self._stream.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
        self._stream.flush()
