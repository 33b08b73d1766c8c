"""Counting the calls that some work takes, which time on a busy machine does not tell."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType


def calls_of(work: Callable[[], object]) -> Counter[str]:
    """How often each function of mlform is called, by its name in its module."""
    found: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: object) -> None:
        del argument
        module = str(frame.f_globals.get("__name__"))
        if event == "call" and module.startswith("mlform."):
            found[f"{module}.{frame.f_code.co_qualname}"] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found


def growth(work: Callable[[int], Callable[[], object]], size: int) -> float:
    """How many times as many calls it takes to do twice as much.

    Args:
        work: Prepares work of a size; what it returns is done twice, because what is loaded and
            compiled by the first time does not count.
        size: The smaller one.
    """
    taken = []
    for each in (size, 2 * size):
        prepared = work(each)
        prepared()
        taken.append(calls_of(prepared).total())
    return taken[1] / taken[0]
