"""Random histories replayed: every state that was ever written is found again.

Runs come to their end, die half-way, are recovered, push states, restore backups; the snapshots
that they leave are the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from mlform.addresses import ResourceAddress, parse_address
from mlform.backends.memory import MemoryBackend, MemoryPlace
from mlform.dataclass import replace
from mlform.state.codec import encode_state
from mlform.state.history import Replay, in_order
from mlform.state.journal import Journal, Run
from mlform.state.snapshot import (
    CURRENT,
    Abandoned,
    Deposed,
    Entry,
    Intent,
    Moved,
    ObjectKey,
    Provenance,
    Recorded,
    Removed,
    ResourceRecord,
    State,
    apply_entries,
)
from tests.contracts.state_samples import journals

ADDRESSES = [parse_address(text) for text in ("mlform_data.a", "mlform_data.b[0]", "endpoint.p")]
LATER = "2099-01-01T00:00:00Z"


def time_of(minute: int) -> str:
    return f"2026-03-{minute // 1440 + 1:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"


@dataclass(slots=True)
class Line:
    """A place, a clock, and what was there at each minute of it."""

    place: MemoryPlace = field(default_factory=MemoryPlace)
    minute: int = 0
    number: int = 0
    written: dict[str, Mapping[ObjectKey, ResourceRecord]] = field(default_factory=dict)
    backup: bytes | None = None

    def tick(self) -> str:
        self.minute += 1
        return time_of(self.minute)

    def backend(self) -> MemoryBackend:
        return MemoryBackend(self.place)

    def state(self) -> State:
        return self.backend().read() or State(lineage="line-1")

    def record(self, address: ResourceAddress) -> ResourceRecord:
        self.number += 1
        made = Provenance(
            applied_at=time_of(self.minute), applied_by="ada@lab", mlform_version="0.1.0"
        )
        return ResourceRecord(address=address, attributes={"n": self.number}, provenance=made)

    def note(self) -> None:
        self.written[time_of(self.minute)] = dict(self.state().objects)

    def run(self, entries: list[tuple[str, int]], *, dies: bool, operation: str = "apply") -> None:
        state = self.state()
        backend = self.backend()
        started = self.tick()
        run = Run(id=f"run-{started}", operation=operation, who="ada@lab", started=started)
        backend.begin(state, run)
        for kind, which in entries:
            at = self.tick()
            found = self.entry(kind, which, state, at)
            if found is None:
                continue
            backend.append(found)
            state = apply_entries(state, found)
            self.note()
        if not dies:
            after = replace(state, serial=state.serial + 1, intents=())
            backend.write(after, expected_serial=state.serial)
            self.tick()
            self.note()

    def entry(self, kind: str, which: int, state: State, at: str) -> tuple[Entry, ...] | None:
        address = ADDRESSES[which]
        exists = (address, CURRENT) in state.objects
        step = f"step-{at}"
        if kind == "record":
            return (
                Intent(step=step, address=address, operation="create", at=at),
                Recorded(step=step, record=self.record(address), at=at),
            )
        if kind == "replace" and exists:
            return (
                Deposed(address=address, deposed=f"d{self.minute}", at=at),
                Recorded(step=step, record=self.record(address), at=at),
            )
        if kind == "clear":
            gone = [key for key in sorted(state.objects) if key[0] == address]
            found = (
                Removed(step=step, address=address, deposed=deposed, at=at) for _, deposed in gone
            )
            return tuple(found) or None
        other = ADDRESSES[(which + 1) % len(ADDRESSES)]
        if kind == "move" and exists and (other, CURRENT) not in state.objects:
            moved = replace(state.objects[(address, CURRENT)], address=other)
            return (Moved(source=address, record=moved, at=at),)
        if kind == "fail":
            return (
                Intent(step=step, address=address, operation="create", at=at),
                Abandoned(step=step, at=at),
            )
        return None

    def push(self, *, lineage: str) -> None:
        state = self.state()
        if self.place.snapshot is None:
            return
        started = self.tick()
        backend = self.backend()
        backend.begin(state, Run(id=f"push-{started}", operation="state push", started=started))
        pushed = replace(state, lineage=lineage, serial=state.serial + 5, intents=())
        backend.write(pushed, expected_serial=state.serial)
        self.note()

    def keep_backup(self) -> None:
        if self.place.snapshot is not None:
            self.backup = self.place.snapshot

    def restore(self) -> None:
        """Put an older snapshot back by hand, as the how-to says; a dead run is recovered first."""
        if self.backup is None:
            return
        self.run([("record", 0)], dies=False)
        self.tick()
        self.place.snapshot = self.backup  # nothing tells of that but the run after it


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["record", "replace", "clear", "move", "fail"]),
        st.integers(0, len(ADDRESSES) - 1),
    ),
    min_size=1,
    max_size=4,
)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), STEPS),
        st.tuples(st.just("die"), STEPS),
        st.tuples(st.sampled_from(["backup", "restore", "push", "push other"]), st.just([])),
    ),
    min_size=1,
    max_size=9,
)


def lived(deeds: list[tuple[str, list[tuple[str, int]]]]) -> Line:
    line = Line()
    for deed, steps in deeds:
        match deed:
            case "run" | "die":
                line.run(steps, dies=deed == "die")
            case "backup":
                line.keep_backup()
            case "restore":
                line.restore()
            case "push":
                line.push(lineage=line.state().lineage)
            case _:
                line.push(lineage=f"line-{line.minute}")
    return line


def replayed(line: Line, moment: str) -> State:
    replay = Replay(now=LATER, moment=moment)
    for journal in in_order(journals(line.backend())):
        assert journal is not None
        assert isinstance(journal, Journal)
        replay.add(journal)
    return replay.state_then(line.backend().read())


@given(DEEDS)
def test_the_state_at_any_time_is_what_was_there(
    deeds: list[tuple[str, list[tuple[str, int]]]],
) -> None:
    line = lived(deeds)
    for moment, objects in line.written.items():
        assert replayed(line, moment).objects == objects, moment


@given(DEEDS)
def test_each_snapshot_is_found_by_its_digest(
    deeds: list[tuple[str, list[tuple[str, int]]]],
) -> None:
    line = lived(deeds)
    replay = Replay(now=LATER)
    for journal in in_order(journals(line.backend())):
        assert isinstance(journal, Journal)
        replay.add(journal)
    current = line.backend().read()
    assert replay.gaps == []
    if current is not None and not any(deed == "restore" for deed, _ in deeds) and replay.state:
        assert encode_state(replace(replay.state, serial=0, lineage="", intents=())) == (
            encode_state(replace(current, serial=0, lineage="", intents=()))
        )
