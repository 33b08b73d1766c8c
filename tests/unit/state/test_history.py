"""What the journals tell: who did what to which object, and what there was at a time."""

from __future__ import annotations

from mlform.addresses import parse_address
from mlform.backends.memory import MemoryBackend, MemoryPlace
from mlform.dataclass import replace
from mlform.digests import digest_bytes
from mlform.state.history import Done, Happening, Replay, in_order
from mlform.state.journal import Base, Damaged, Journal, Run
from mlform.state.snapshot import (
    Abandoned,
    Deposed,
    Entry,
    Intent,
    Moved,
    Recorded,
    Removed,
    State,
)
from tests.contracts.state_samples import MODEL, PROVENANCE, RUN, TRAIN, journals, record, state

LATER = "2099-01-01T00:00:00Z"
SERVED = parse_address("endpoint.p")


def journal(
    *entries: Entry,
    run: Run = RUN,
    serial: int = 0,
    base: str = "",
    seal: str = "",
    died: bool = False,
) -> Journal:
    return Journal(
        base=Base(
            lineage="line-1", serial=serial, digest=digest_bytes((base or str(serial)).encode())
        ),
        run=run,
        entries=entries,
        seals=() if died and not seal else (digest_bytes((seal or str(serial + 1)).encode()),),
        lines=0,
        size=0,
        died=died,
    )


def told(*told: Journal, now: str = LATER) -> list[Happening]:
    replay = Replay(now=now)
    found: list[Happening] = []
    for each in in_order(told):
        assert isinstance(each, Journal)
        found += replay.add(each)
    return found


def done(happened: list[Happening]) -> list[tuple[str, str, str]]:
    return [(each.at[11:19], str(each.address), each.done.value) for each in happened]


def at(second: int) -> str:
    return f"2026-03-01T12:00:{second:02}Z"


def test_an_overlap_is_told_as_it_was() -> None:
    old, new = record(SERVED, url="http://a", container="c1"), record(SERVED, url="http://a")
    new = replace(new, provenance=replace(PROVENANCE, applied_at=at(30)))
    happened = told(
        journal(
            Intent(step="s1", address=SERVED, operation="create", at=at(1)),
            Recorded(step="s1", record=old, at=at(2)),
        ),
        journal(
            Deposed(address=SERVED, deposed="d1", at=at(30)),
            Recorded(step="s2", record=new, at=at(30)),
            Removed(step="s3", address=SERVED, deposed="d1", at=at(40)),
            serial=1,
        ),
    )
    assert done(happened) == [
        ("12:00:02", "endpoint.p", "created"),
        ("12:00:30", "endpoint.p", "deposed"),
        ("12:00:30", "endpoint.p", "replaced"),
        ("12:00:40", "endpoint.p", "destroyed"),
    ]
    assert [each.deposed for each in happened] == ["", "d1", "", "d1"]
    assert happened[0].served == {"url": "http://a", "container": "c1"}


def test_both_objects_are_there_while_they_overlap() -> None:
    first = journal(Recorded(step="s1", record=record(SERVED, n=1), at=at(2)))
    second = journal(
        Deposed(address=SERVED, deposed="d1", at=at(30)),
        Recorded(step="s2", record=record(SERVED, n=2), at=at(30)),
        Removed(step="s3", address=SERVED, deposed="d1", at=at(40)),
        serial=1,
    )

    def there(moment: str) -> dict[str, object]:
        replay = Replay(now=LATER, moment=moment)
        replay.add(first)
        replay.add(second)
        found = replay.state_then(None)
        return {key: item.attributes["n"] for (_, key), item in found.objects.items()}

    assert there(at(1)) == {}
    assert there(at(29)) == {"": 1}
    assert there(at(35)) == {"": 2, "d1": 1}
    assert there(at(41)) == {"": 2}


def test_each_deed_has_its_word() -> None:
    made = record(TRAIN, rows=1)
    again = replace(made, provenance=replace(PROVENANCE, applied_at=at(9)))
    happened = told(
        journal(Recorded(step="adopt dataset.train", record=made)),
        journal(Recorded(step="", record=replace(made, tainted=True)), serial=1),
        journal(Recorded(step="", record=made), serial=2),
        journal(Recorded(step="", record=replace(made, dependencies=())), serial=3),
        journal(Recorded(step="", record=record(TRAIN, rows=2)), serial=4),
        journal(Recorded(step="s", record=again), serial=5),
        journal(
            Recorded(step="refresh dataset.train", record=replace(again, attributes={"rows": 3})),
            Recorded(step="s", record=replace(again, attributes={"rows": 4})),
            serial=6,
        ),
        journal(
            Moved(source=TRAIN, record=replace(again, address=MODEL)),
            Abandoned(step="x"),
            serial=7,
        ),
        journal(Removed(step="", address=MODEL), serial=8),
        journal(
            Recorded(step="s", record=made),
            Removed(step="delete", address=TRAIN),
            Recorded(step="s", record=made),
            Removed(step="forget dataset.train", address=TRAIN),
            Removed(step="again", address=TRAIN),
            serial=9,
        ),
    )
    assert [each.done.value for each in happened] == [
        "imported",
        "tainted",
        "untainted",
        "refreshed",
        "changed",
        "refreshed",
        "changed",
        "moved",
        "forgotten",
        "created",
        "destroyed",
        "replaced",
        "forgotten",
    ]
    moved = happened[7]
    assert (moved.source, moved.address, moved.done) == (TRAIN, MODEL, Done.MOVED)
    assert happened[1].tainted


def test_an_imported_one_is_told_by_its_command() -> None:
    run = replace(RUN, operation="import")
    assert told(journal(Recorded(step="", record=record(TRAIN)), run=run))[0].done is Done.IMPORTED


def test_sensitive_values_are_not_told() -> None:
    hidden = replace(record(SERVED, url="http://a", container="c"), sensitive=(("url",),))
    assert told(journal(Recorded(step="", record=hidden)))[0].served == {"container": "c"}


def test_a_clock_that_jumps_turns_nothing_round() -> None:
    runs = [
        journal(Recorded(step="1", record=record(TRAIN), at="2026-03-01T12:00:00Z")),
        journal(Recorded(step="2", record=record(MODEL), at="1970-01-01T00:00:00Z"), serial=1),
        journal(Recorded(step="3", record=record(SERVED), at="2031-01-01T00:00:00Z"), serial=2),
        journal(Removed(step="4", address=SERVED, at="2026-03-02T12:00:00Z"), serial=3),
    ]
    happened = told(*runs, now="2026-04-01T00:00:00Z")
    assert [each.at for each in happened] == [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00Z",
        "2026-03-02T12:00:00Z",
    ]


def test_old_journals_tell_the_time_of_their_run() -> None:
    assert told(journal(Recorded(step="", record=record(TRAIN))))[0].at == RUN.started


def test_the_dead_come_before_those_that_follow_whatever_their_clocks_say() -> None:
    dead = journal(
        Recorded(step="1", record=record(TRAIN, n=1)),
        run=replace(RUN, id="dead", started="2026-05-01T00:00:00Z"),
        seal="recovered",
        died=True,
    )
    following = journal(
        Recorded(step="2", record=record(TRAIN, n=2)),
        run=replace(RUN, id="next", started="2026-03-01T00:00:00Z"),
        base="recovered",
    )
    ordered = list(in_order([following, dead]))
    assert ordered == [dead, following]
    happened = told(following, dead)
    assert [(each.run.id, each.died) for each in happened] == [("dead", True), ("next", False)]


def test_a_restored_backup_is_continued_from_where_it_was() -> None:
    replay = Replay(now=LATER)
    replay.add(journal(Recorded(step="1", record=record(TRAIN))))
    replay.add(journal(Recorded(step="2", record=record(MODEL)), serial=1, seal="lost"))
    replay.add(journal(Recorded(step="3", record=record(SERVED)), serial=1, base="1"))
    assert replay.state is not None
    assert {str(key[0]) for key in replay.state.objects} == {"dataset.train", "endpoint.p"}
    assert replay.gaps == []


def test_what_is_missing_is_known() -> None:
    replay = Replay(now=LATER, moment=at(50))
    replay.add(journal(Recorded(step="1", record=record(TRAIN), at=at(30)), serial=4))
    replay.add(journal(Recorded(step="2", record=record(MODEL), at=at(40)), serial=8))
    assert replay.gaps == [4, 8]
    old = replace(record(SERVED), provenance=replace(PROVENANCE, applied_at=at(10)))
    young = replace(
        record(parse_address("endpoint.q")), provenance=replace(PROVENANCE, applied_at=at(55))
    )
    found = replay.state_then(state(old, young))
    assert {str(key[0]) for key in found.objects} == {"dataset.train", str(MODEL), "endpoint.p"}


def test_damaged_ones_keep_their_place() -> None:
    one, two = journal(), journal(serial=1)
    broken = Damaged(where="here", problem="half")
    assert list(in_order([one, broken, two])) == [broken, one, two]


def test_a_journal_kept_twice_changes_nothing() -> None:
    place = MemoryPlace()
    backend = MemoryBackend(place)
    backend.begin(state(), RUN)
    backend.append((Recorded(step="1", record=record(TRAIN)),))
    backend.write(state(record(TRAIN), serial=1), expected_serial=0)
    (kept,) = journals(backend)
    replay = Replay(now=LATER)
    replay.add(kept)
    assert replay.state is not None
    assert replay.state.objects == State(lineage="x", objects={(TRAIN, ""): record(TRAIN)}).objects
