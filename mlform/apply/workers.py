"""Threads that do what takes long, and hand back how it went.

They are daemons: a runtime that never answers must not keep mlform from ending.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from mlform.apply.making import Made
from mlform.dataclass import dataclass, field
from mlform.tasks import TaskEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a thread hands back of an attempt.

    Attributes:
        attempt: Its identity.
        made: What there is now; None for a removal that is done.
        problem: Why it failed, or None.
        left_behind: Whether something of it may still be in the world.
        progress: News; the attempt goes on then.
    """

    attempt: str
    made: Made | None = None
    problem: BaseException | None = None
    left_behind: bool = False
    progress: TaskEvent | None = None


Work: TypeAlias = Callable[[Callable[[TaskEvent], None]], Made | None]
"""Does the work of an attempt; it may tell of its progress."""


@dataclass(slots=True)
class Workers:
    """The threads of one apply."""

    _outcomes: queue.SimpleQueue[Outcome] = field(default_factory=queue.SimpleQueue)
    _threads: dict[str, threading.Thread] = field(default_factory=dict)

    def start(self, attempt: str, work: Work, clean: Callable[[], None]) -> None:
        """Do the work of an attempt on a thread of its own.

        Args:
            attempt: Its identity.
            work: What is done.
            clean: Called where the work fails, to leave nothing of it; may fail in turn.
        """

        def tell(event: TaskEvent) -> None:
            self._outcomes.put(Outcome(attempt=attempt, progress=event))

        def run() -> None:
            try:
                made = work(tell)
            except BaseException as problem:  # noqa: BLE001 - handed to the main thread
                left = isinstance(problem, Exception) and not _succeeds(clean)
                self._outcomes.put(Outcome(attempt=attempt, problem=problem, left_behind=left))
            else:
                self._outcomes.put(Outcome(attempt=attempt, made=made))

        thread = threading.Thread(target=run, name=f"mlform-{attempt}", daemon=True)
        self._threads[attempt] = thread
        thread.start()

    def next_outcome(self, timeout: float) -> Outcome | None:
        """Return what comes first, or None where nothing comes within so many seconds."""
        try:
            outcome = self._outcomes.get(block=timeout > 0, timeout=timeout or None)
        except queue.Empty:
            return None
        if outcome.progress is None:
            self._threads.pop(outcome.attempt, None)
        return outcome

    def join(self, limit: float) -> None:
        """Wait until every thread has ended, at most so many seconds."""
        deadline = time.monotonic() + limit
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))


def _succeeds(clean: Callable[[], None]) -> bool:
    """Whether cleaning up is done, whatever goes wrong: without an outcome, all would wait."""
    try:
        clean()
    except Exception:  # noqa: BLE001 - the failure before is what is told, and the intent stays
        return False
    return True
