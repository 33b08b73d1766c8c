"""Calls on threads of their own, so that whoever waits for them can stop waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class _Pending(Generic[Answer]):
    """A call that is being made; it never keeps the process alive."""

    def __init__(self, call: Callable[[], Answer]) -> None:
        self._call = call
        self._answers: list[Answer] = []
        self._problems: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="mlform-waited-for", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answers.append(self._call())
        except BaseException as problem:  # noqa: BLE001 - raised where it is waited for
            self._problems.append(problem)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is over, or for so long; a signal can end the waiting."""
        self._thread.join(seconds)

    def answers(self) -> tuple[Answer, ...]:
        """Return the answer, or nothing where there is none yet; raise what the call raised."""
        for problem in self._problems:
            raise problem
        return tuple(self._answers)


def answers(call: Callable[[], Answer], *, within: float | None = None) -> tuple[Answer, ...]:
    """Make a call and wait for its answer; a signal can end the waiting.

    Args:
        call: What is called. If nobody waits for it any more, it may go on.
        within: Seconds to wait at most; None for as long as it takes.

    Returns:
        The answer, or nothing if it is late.
    """
    pending = _Pending(call)
    pending.wait(within)
    return pending.answers()


def together(calls: Iterable[Callable[[], Answer]]) -> tuple[Answer, ...]:
    """Make calls at the same time and return their answers in order; see `answers`.

    What one of them raises is raised when all of them are over.
    """
    made = [_Pending(call) for call in calls]
    for each in made:
        each.wait()
    return tuple(answer for each in made for answer in each.answers())
