"""The log file of a task: made before the task begins, kept within bounds while it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlform.bounded import cut_middle
from mlform.dataclass import dataclass, field
from mlform.tasks import TaskEvent


def make_log(path: Path) -> None:
    """Make a log file, so that one that cannot be written is known before anything has run.

    Raises:
        OSError: If it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@dataclass(slots=True)
class TaskLog:
    """The log of a task that runs.

    A line that cannot be written any more is no reason to end the task: it is told once.

    Attributes:
        path: The file.
        on_event: Called with what people have to hear of it.
    """

    path: Path
    on_event: Callable[[TaskEvent], None]
    _is_torn: bool = field(default=False, init=False)

    def append(self, content: bytes) -> None:
        """Add what a task printed, if there is room for it."""
        try:
            with self.path.open("ab") as stream:
                stream.write(content)
        except OSError as problem:
            if not self._is_torn:
                self._is_torn = True
                message = f"its log is incomplete: {self.path}: {problem.strerror or problem}"
                self.on_event(TaskEvent(message=message, lasting=True))

    def bound(self) -> None:
        """Take out the middle of a log that has become too long."""
        cut_middle(self.path)
