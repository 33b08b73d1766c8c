"""What was applied to which address and when: the journals of all runs, replayed.

A journal continues the snapshot whose digest it names, so the states follow from each other however
the journals are ordered: also where a backup was restored and the runs after it began with an older
state again, or where a run died and another one took over what it had recorded.

Times come from the clocks of those who ran. Since a clock can be wrong, what happened after
something else is never told as earlier, and a time that is still to come counts for nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Final

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass, field, replace
from mlform.digests import Digest
from mlform.state.journal import Base, Damaged, Journal, Run
from mlform.state.snapshot import (
    CURRENT,
    Deposed,
    Entry,
    Moved,
    ObjectKey,
    Provenance,
    Recorded,
    Removed,
    ResourceRecord,
    State,
    Unfolded,
)

_STATES: Final = 64
"""States that are kept to find again which one a journal continues, should a backup be restored."""
_SHOWN: Final = ("url", "container", "model_digest")
"""Attributes of a served object that tell what served where."""


class Done(Enum):
    """What happened to an object."""

    CREATED = "created"
    REPLACED = "replaced"
    CHANGED = "changed"
    IMPORTED = "imported"
    REFRESHED = "refreshed"
    TAINTED = "tainted"
    UNTAINTED = "untainted"
    MOVED = "moved"
    DEPOSED = "deposed"
    DESTROYED = "destroyed"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to one object.

    Attributes:
        at: When, in UTC, ISO 8601; empty where nothing tells.
        done: What happened.
        address: Of the object.
        deposed: Its deposed key, or an empty string for the current object.
        source: Where it was before it moved, or None.
        run: By which run.
        died: Whether that run did not come to its end.
        serial: Of the state that the run began with.
        provenance: Who made the object as it was then.
        tainted: Whether it was made half-way only.
        recipe_digest: Digest of its recipe, or None.
        artifact: Its artifact, or None.
        served: What served where: `url`, `container`, `model_digest`.
    """

    at: str
    done: Done
    address: ResourceAddress
    deposed: str = CURRENT
    source: ResourceAddress | None = None
    run: Run
    died: bool
    serial: int
    provenance: Provenance
    tainted: bool = False
    recipe_digest: Digest | None = None
    artifact: Digest | None = None
    served: Mapping[str, str] = field(default_factory=dict)


def in_order(told: Iterable[Journal | Damaged]) -> Iterator[Journal | Damaged]:
    """Return journals so that each comes after the one it continues; they come by serial."""
    waiting: list[Journal] = []
    for each in told:
        if isinstance(each, Damaged):
            yield each
            continue
        if waiting and waiting[0].base.serial != each.base.serial:
            yield from _chained(waiting)
            waiting = []
        waiting.append(each)
    yield from _chained(waiting)


def _chained(journals: list[Journal]) -> Iterator[Journal]:
    """Return journals that begin with the same serial: the dead ones before those that follow."""
    left = sorted(journals, key=lambda journal: journal.run.started)
    while left:
        free = (each for each in left if not any(_follows(each, other) for other in left))
        following = next(free, left[0])
        left.remove(following)
        yield following


def _follows(journal: Journal, other: Journal) -> bool:
    return other is not journal and journal.base.digest in other.seals


@dataclass(frozen=True, slots=True)
class _Point:
    """Where the states are at the end of a journal: the state and its time."""

    state: State
    at: str


class Replay:
    """The states that journals lead to, one after the other."""

    def __init__(self, *, now: str, moment: str = "") -> None:
        """Begin with nothing.

        Args:
            now: The time in UTC, ISO 8601.
            moment: The time of the state to find; empty for none.
        """
        self._now = now
        self._moment = moment
        self._points: OrderedDict[Digest, _Point] = OrderedDict()
        self._last: _Point | None = None
        self._last_base: Base | None = None
        self._then: _Point | None = None
        self._touched: set[ObjectKey] = set()
        self.gaps: list[int] = []
        """Serials before which something is missing."""

    @property
    def state(self) -> State | None:
        """The state that the last journal led to, or None before the first one."""
        return None if self._last is None else self._last.state

    def add(self, journal: Journal) -> tuple[Happening, ...]:
        """Take the next journal, and return what happened in it."""
        begin = self._begin(journal.base)
        unfolded = Unfolded(begin.state)
        at = self._time(journal.run.started, after=begin.at)
        telling = _Telling(journal)
        found: list[Happening] = []
        for entry in journal.entries:
            when = self._time(entry.at, after=at)
            if at <= self._moment < when:
                self._meet(_Point(unfolded.state, at))
            at = when
            self._touched.update(_touched(entry))
            happening = telling.tell(entry, unfolded.objects, at)
            if happening is not None:
                found.append(happening)
            unfolded.add(entry)
        end = _Point(unfolded.state, at)
        if at <= self._moment:
            self._meet(end)
        self._remember(journal, begin, end)
        return tuple(found)

    def state_then(self, current: State | None) -> State:
        """Return the state at the moment.

        Args:
            current: The state now. What it holds and no journal speaks of was there before the
                first of them, and since it was applied.
        """
        found = self._then.state if self._then is not None else None
        objects = {} if found is None else dict(found.objects)
        for key, record in {} if current is None else current.objects.items():
            made = record.provenance.applied_at
            if key not in self._touched and made and made <= self._moment:
                objects[key] = record
        if found is not None:
            return replace(found, objects=objects)
        return State(lineage="" if current is None else current.lineage, objects=objects)

    def _time(self, told: str, *, after: str) -> str:
        return told if after < told <= self._now else after

    def _meet(self, point: _Point) -> None:
        if self._then is None or point.at >= self._then.at:
            self._then = point

    def _begin(self, base: Base) -> _Point:
        """Return the point that a journal continues."""
        known = self._points.get(base.digest)
        if known is not None:
            return known
        last, before = self._last, self._last_base
        if last is None or before is None:
            if base.serial > 0:
                self.gaps.append(base.serial)
            return _Point(State(lineage=base.lineage), "")
        if before.lineage != base.lineage or base.serial - before.serial not in {0, 1}:
            self.gaps.append(base.serial)
        return last

    def _remember(self, journal: Journal, begin: _Point, end: _Point) -> None:
        self._points.setdefault(journal.base.digest, begin)
        # Without a seal the snapshot that it began with is still the stored one.
        for digest in journal.seals or (journal.base.digest,):
            self._points[digest] = end
            self._points.move_to_end(digest)
        while len(self._points) > _STATES:
            self._points.popitem(last=False)
        self._last, self._last_base = end, journal.base


def _touched(entry: Entry) -> Iterator[ObjectKey]:
    match entry:
        case Recorded():
            yield entry.record.address, entry.deposed
        case Moved():
            yield entry.source, entry.deposed
            yield entry.record.address, entry.deposed
        case Removed():
            yield entry.address, entry.deposed
        case Deposed():
            yield entry.address, CURRENT
            yield entry.address, entry.deposed
        case _:
            return


class _Telling:
    """Tells what the entries of one journal mean, one after the other."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._left: set[ResourceAddress] = set()

    def tell(
        self, entry: Entry, objects: Mapping[ObjectKey, ResourceRecord], at: str
    ) -> Happening | None:
        """Return what happened, or None where nothing did that matters to anybody later.

        Args:
            entry: The entry.
            objects: As they were before it.
            at: When it happened.
        """
        match entry:
            case Recorded():
                before = objects.get((entry.record.address, entry.deposed))
                done = self._recorded(entry, before)
                return None if done is None else self._of(entry.record, done, at, entry.deposed)
            case Moved():
                moved = self._of(entry.record, Done.MOVED, at, entry.deposed)
                return replace(moved, source=entry.source)
            case Deposed():
                self._left.add(entry.address)
                record = objects.get((entry.address, CURRENT))
                return None if record is None else self._of(record, Done.DEPOSED, at, entry.deposed)
            case Removed():
                record = objects.get((entry.address, entry.deposed))
                if record is None:
                    return None
                self._left.add(entry.address)
                return self._of(record, _removed(entry, record), at, entry.deposed)
            case _:
                return None

    def _recorded(self, entry: Recorded, before: ResourceRecord | None) -> Done | None:
        record = entry.record
        if before is None:
            if record.address in self._left and entry.deposed == CURRENT:
                return Done.REPLACED
            imported = self._journal.run.operation == "import" or entry.step.startswith("adopt ")
            return Done.IMPORTED if imported else Done.CREATED
        if record.tainted is not before.tainted:
            return Done.TAINTED if record.tainted else Done.UNTAINTED
        if record.provenance != before.provenance:
            return Done.CHANGED
        if record.attributes == before.attributes:
            return None
        # What is updated in place is not made anew, so its provenance stays.
        is_noted = not entry.step or entry.step.startswith("refresh ")
        return Done.REFRESHED if is_noted else Done.CHANGED

    def _of(self, record: ResourceRecord, done: Done, at: str, deposed: str) -> Happening:
        hidden = {path[0] for path in record.sensitive if path}
        return Happening(
            at=at,
            done=done,
            address=record.address,
            deposed=deposed,
            run=self._journal.run,
            died=self._journal.died,
            serial=self._journal.base.serial,
            provenance=record.provenance,
            tainted=record.tainted,
            recipe_digest=record.recipe_digest,
            artifact=record.artifact,
            served={
                name: value
                for name in _SHOWN
                if name not in hidden
                and isinstance(value := record.attributes.get(name), str)
                and value
            },
        )


def _removed(entry: Removed, record: ResourceRecord) -> Done:
    # What a command forgets by hand was no step of a plan.
    kept = record.stays or entry.step.startswith("forget ") or not entry.step
    return Done.FORGOTTEN if kept else Done.DESTROYED
