"""Which steps may begin: those whose turn it is and for which there is room.

Steps begin in the order of the plan. One for which there is no room yet is overtaken by later ones
that fit, but not for ever: once that happened `OVERTAKEN_AT_MOST` times, what it needs is kept
free, and only those begin that it does not have to wait for.
"""

from __future__ import annotations

import heapq
from bisect import insort
from typing import Final

from mlform.apply.slots import Needs, Slots
from mlform.dataclass import dataclass, field
from mlform.tasks import Requirements

OVERTAKEN_AT_MOST: Final = 8
_LOOK_AHEAD: Final = 256
"""Waiting steps that are looked at for one with room, so that long queues stay cheap."""


@dataclass(slots=True)
class _Waiting:
    """A step whose turn it is."""

    rank: int
    id: str
    needs: Needs
    overtaken: int = 0

    def __lt__(self, other: _Waiting) -> bool:
        return self.rank < other.rank


@dataclass(slots=True)
class _Paused:
    """A step that is tried again later."""

    due: float
    step: _Waiting

    def __lt__(self, other: _Paused) -> bool:
        return (self.due, self.step) < (other.due, other.step)


@dataclass(slots=True)
class Scheduler:
    """The steps that could begin, and what the machine has for them.

    Attributes:
        slots: What is free.
        parallelism: How many steps run at the same time at most.
        running: Ids of the steps that run.
    """

    slots: Slots
    parallelism: int
    running: set[str] = field(default_factory=set)
    _waiting: list[_Waiting] = field(default_factory=list)
    _paused: list[_Paused] = field(default_factory=list)

    def add(self, id: str, rank: int, needs: Needs) -> None:  # noqa: A002 - of a step
        """Queue a step whose needs are met; `rank` is its place in the plan."""
        insort(self._waiting, _Waiting(rank, id, needs))

    def pause(self, id: str, rank: int, needs: Needs, due: float) -> None:  # noqa: A002 - of a step
        """Queue a step once the clock shows `due`."""
        heapq.heappush(self._paused, _Paused(due, _Waiting(rank, id, needs)))

    def wake(self, now: float) -> None:
        """Queue the steps whose pause is over."""
        while self._paused and self._paused[0].due <= now:
            insort(self._waiting, heapq.heappop(self._paused).step)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing is to come by itself."""
        return not self.running and not self._waiting and not self._paused

    @property
    def waiting(self) -> int:
        """How many steps wait for room."""
        return len(self._waiting)

    @property
    def paused(self) -> list[str]:
        """Ids of the steps that wait for their next attempt, in no order."""
        return [item.step.id for item in self._paused]

    def begin_next(self) -> tuple[str, Requirements] | None:
        """Return the next step with what it is given, or None while there is no room for any."""
        if len(self.running) >= self.parallelism:
            return None
        kept: Needs | None = None
        for position, waiting in enumerate(self._waiting[:_LOOK_AHEAD]):
            if self.slots.fits(waiting.needs, beside=kept):
                return waiting.id, self._begin(position)
            if kept is None and waiting.overtaken >= OVERTAKEN_AT_MOST:
                kept = waiting.needs
        return None

    def _begin(self, position: int) -> Requirements:
        for earlier in self._waiting[:position]:
            earlier.overtaken += 1
        sharing = sum(waiting.needs.share for waiting in self._waiting)
        waiting = self._waiting.pop(position)
        self.running.add(waiting.id)
        return self.slots.take(waiting.id, waiting.needs, sharing=max(1, sharing))

    def stuck(self) -> str | None:
        """Return a step for which there will never be room, or None.

        Where nothing runs, nothing becomes free any more.
        """
        if self.running or not self._waiting:
            return None
        return self._waiting.pop(0).id

    def end(self, id: str) -> None:  # noqa: A002 - of a step
        """Take back what a step had that has ended."""
        self.running.discard(id)
        self.slots.give_back(id)

    def lose(self, id: str) -> None:  # noqa: A002 - of a step
        """Wait no longer for a step; it may still run, so it keeps what it has."""
        self.running.discard(id)
