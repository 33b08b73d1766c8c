"""Not waiting for ever for a runtime that ought to have answered long ago."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mlform.errors import MlformError
from mlform.waiting import answers

Answer = TypeVar("Answer")


def within(seconds: float | None, call: Callable[[], Answer], late: MlformError) -> Answer:
    """Make a call and return its answer.

    Args:
        seconds: How long it may take; None for as long as it likes.
        call: What is called, on a thread of its own if its time is limited. If it is late, nobody
            waits for it any more, but it may go on.
        late: Raised then.

    Raises:
        MlformError: `late`, or what the call raises.
    """
    if seconds is None:
        return call()
    for answer in answers(call, within=seconds):
        return answer
    raise late
