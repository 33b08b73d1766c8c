"""What every state backend promises; run unchanged on each adapter."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from mlform.backends.memory import MemoryBackend, MemoryPlace
from mlform.errors import BackendError, LockLost, StateConflict, StateLocked
from mlform.state.snapshot import (
    Abandoned,
    CheckedObject,
    CheckRecord,
    ChecksSet,
    Deposed,
    Intent,
    OutputRecord,
    OutputsSet,
    Recorded,
    Removed,
)
from tests.contracts.places import PLACES, Opener
from tests.contracts.state_samples import (
    MODEL,
    RUN,
    TRAIN,
    journals,
    lock_info,
    record,
    state,
)


@pytest.fixture(params=sorted(PLACES))
def opener(request: pytest.FixtureRequest) -> Opener:
    return PLACES[str(request.param)](request)


def test_nothing_is_read_where_nothing_is_stored(opener: Opener) -> None:
    assert opener().read() is None


def test_a_written_state_is_read_again(opener: Opener) -> None:
    written = replace(
        state(record(TRAIN, rows=[1, 2]), record(MODEL, score=0.5), serial=3),
        outputs={"auc": OutputRecord(value=0.5, type="number", sensitive=True)},
    )
    opener().write(written, expected_serial=None)
    assert opener().read() == written


def test_write_refuses_to_replace_what_it_did_not_expect(opener: Opener) -> None:
    opener().write(state(serial=3), expected_serial=None)
    for expected in (None, 2, 4):
        with pytest.raises(StateConflict, match="serial 3"):
            opener().write(state(record(TRAIN), serial=5), expected_serial=expected)
    assert opener().read() == state(serial=3)
    opener().write(state(serial=4), expected_serial=3)
    assert opener().read() == state(serial=4)


def test_write_refuses_where_the_expected_state_is_gone(opener: Opener) -> None:
    with pytest.raises(StateConflict, match="no state is stored"):
        opener().write(state(serial=3), expected_serial=2)
    assert opener().read() is None


CHECK = CheckRecord(
    kind="check",
    block="check.c",
    status="fail",
    objects=(CheckedObject(address="check.c", status="fail", messages=("too few",)),),
)


def test_appended_entries_are_seen_by_others_at_once(opener: Opener) -> None:
    run = opener()
    run.begin(state(record(MODEL, version=1)), RUN)
    run.append((Intent(step="s1", address=TRAIN, operation="create"),))
    seen = opener().read()
    assert seen is not None
    assert [intent.step for intent in seen.intents] == ["s1"]
    run.append(
        (
            Recorded(step="s1", record=record(TRAIN, rows=5)),
            Deposed(address=MODEL, deposed="d1"),
            OutputsSet(outputs={"rows": OutputRecord(value=5, type="number")}),
            ChecksSet(checks=(CHECK,)),
        )
    )
    seen = opener().read()
    assert seen is not None
    assert seen.intents == ()
    assert seen.current(TRAIN) == record(TRAIN, rows=5)
    assert seen.deposed == (("d1", record(MODEL, version=1)),)
    assert seen.outputs["rows"].value == 5
    assert seen.checks == (CHECK,)
    run.append((Removed(step="s2", address=MODEL, deposed="d1"), Abandoned(step="s3")))
    seen = opener().read()
    assert seen is not None
    assert seen.deposed == ()


def test_a_run_that_begins_stores_its_lineage(opener: Opener) -> None:
    opener().begin(state(lineage="mine"), RUN)
    seen = opener().read()
    assert seen is not None
    assert (seen.lineage, seen.serial) == ("mine", 0)


def test_a_written_state_holds_no_entries_twice(opener: Opener) -> None:
    run = opener()
    run.begin(state(), RUN)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    run.write(state(serial=1), expected_serial=0)
    assert opener().read() == state(serial=1)


def test_the_entries_of_a_dead_run_survive_the_next_run(opener: Opener) -> None:
    dead = opener()
    dead.begin(state(), RUN)
    dead.append((Recorded(step="s1", record=record(TRAIN)),))
    dead.append((Intent(step="s2", address=MODEL, operation="create"),))
    following = opener()
    recovered = following.read()
    assert recovered is not None
    following.begin(recovered, RUN)
    assert opener().read() == recovered
    following.append((Abandoned(step="s2"),))
    assert opener().read() == state(record(TRAIN))
    following.write(state(record(TRAIN), serial=1), expected_serial=0)
    assert opener().read() == state(record(TRAIN), serial=1)


def test_the_entries_of_a_dead_run_can_be_settled_before_begin(opener: Opener) -> None:
    dead = opener()
    dead.begin(state(), RUN)
    dead.append((Intent(step="s2", address=MODEL, operation="create"),))
    following = opener()
    following.begin(state(record(TRAIN)), RUN)
    assert opener().read() == state(record(TRAIN))


def test_begin_refuses_a_state_read_before_a_run_died(opener: Opener) -> None:
    opener().write(state(), expected_serial=None)
    early = opener().read()
    assert early is not None
    dead = opener()
    dead.begin(early, RUN)
    dead.append((Recorded(step="s1", record=record(TRAIN)),))
    with pytest.raises(StateConflict, match="Run the command again"):
        opener().begin(early, RUN)
    assert opener().read() == state(record(TRAIN))


@pytest.mark.parametrize("other", [state(serial=1), state(serial=3), state(lineage="other")])
def test_begin_refuses_another_version(opener: Opener, other: object) -> None:
    opener().write(state(serial=2), expected_serial=None)
    assert isinstance(other, type(state()))
    with pytest.raises(StateConflict):
        opener().begin(other, RUN)


def test_nothing_is_appended_before_begin_or_after_write(opener: Opener) -> None:
    run = opener()
    with pytest.raises(BackendError):
        run.append((Abandoned(step="s"),))
    run.begin(state(), RUN)
    run.write(state(serial=1), expected_serial=0)
    with pytest.raises(BackendError):
        run.append((Abandoned(step="s"),))


def test_append_refuses_once_another_run_began(opener: Opener) -> None:
    first, second = opener(), opener()
    first.begin(state(), RUN)
    second.begin(state(), RUN)
    with pytest.raises(StateConflict):
        first.append((Recorded(step="s1", record=record(TRAIN)),))
    second.append((Recorded(step="s2", record=record(MODEL)),))
    assert opener().read() == state(record(MODEL))


def test_append_and_write_refuse_once_another_run_wrote(opener: Opener) -> None:
    first = opener()
    first.begin(state(), RUN)
    opener().write(state(serial=1), expected_serial=0)
    with pytest.raises(StateConflict):
        first.append((Recorded(step="s1", record=record(TRAIN)),))
    with pytest.raises(StateConflict):
        first.write(state(record(TRAIN), serial=1), expected_serial=0)
    assert opener().read() == state(serial=1)


def test_a_value_that_is_no_json_does_not_spoil_later_entries(opener: Opener) -> None:
    run = opener()
    run.begin(state(), RUN)
    with pytest.raises(ValueError, match="JSON"):
        run.append((Recorded(step="s1", record=record(TRAIN, score=float("nan"))),))
    run.append((Recorded(step="s2", record=record(MODEL)),))
    assert opener().read() == state(record(MODEL))


def test_the_lock_names_its_holder(opener: Opener) -> None:
    opener().lock(lock_info("id-1"))
    with pytest.raises(StateLocked) as caught:
        opener().lock(lock_info("id-2"))
    for part in ("ada@lab", "4711", "apply", "2026-03-01T12:00:00Z", "id-1"):
        assert part in caught.value.detail


def test_a_lock_given_back_is_free(opener: Opener) -> None:
    first, second = opener(), opener()
    first.lock(lock_info("id-1"))
    first.unlock("id-1")
    first.unlock("id-1")
    second.lock(lock_info("id-2"))
    first.unlock("id-1")
    with pytest.raises(StateLocked, match="id-2"):
        first.lock(lock_info("id-1"))
    second.unlock("id-2")
    first.lock(lock_info("id-1"))


def test_a_lock_is_forced_open_by_its_id_only(opener: Opener) -> None:
    with pytest.raises(BackendError, match="not locked"):
        opener().break_lock("id-1")
    holder = opener()
    holder.lock(lock_info("id-1"))
    opener().unlock("id-1")
    with pytest.raises(BackendError, match="id-1 for apply"):
        opener().break_lock("id-9")
    with pytest.raises(StateLocked):
        opener().lock(lock_info("id-2"))
    opener().break_lock("id-1")
    opener().lock(lock_info("id-2"))


def test_the_holder_of_the_lock_is_known(opener: Opener) -> None:
    assert opener().holder() is None
    holder = opener()
    holder.lock(lock_info("id-1"))
    found = opener().holder()
    assert found is not None
    assert (found.id, found.host, found.started) == ("id-1", "lab", "boot:1:2")
    holder.unlock("id-1")
    assert opener().holder() is None


def test_a_run_whose_lock_was_taken_stops_and_loses_nothing(opener: Opener) -> None:
    run = opener()
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    opener().break_lock("id-1")
    thief = opener()
    thief.lock(lock_info("id-2"))
    with pytest.raises(LockLost, match="taken from this run"):
        run.append((Recorded(step="s2", record=record(MODEL)),))
    with pytest.raises(LockLost):
        run.write(state(record(TRAIN), record(MODEL), serial=1), expected_serial=0)
    run.unlock("id-1")
    found = thief.holder()
    assert found is not None
    assert found.id == "id-2"
    assert opener().read() == state(record(TRAIN))


def test_what_runs_did_is_kept(opener: Opener) -> None:
    assert list(opener().history()) == []
    run = opener()
    run.begin(state(), RUN)
    run.append((Intent(step="s1", address=TRAIN, operation="create"),))
    run.append((Recorded(step="s1", record=record(TRAIN, rows=1)),))
    run.write(state(record(TRAIN, rows=1), serial=1), expected_serial=0)
    run.begin(state(record(TRAIN, rows=1), serial=1), RUN)
    run.write(state(record(TRAIN, rows=1), serial=2), expected_serial=1)
    other = replace(RUN, id="id-2", operation="state rm")
    opener().write(state(serial=3), expected_serial=2, run=other)
    first, nothing, second = journals(opener())
    assert (nothing.base.serial, nothing.entries, nothing.died) == (1, (), False)
    assert (first.base.serial, first.run) == (0, RUN)
    assert first.entries == (
        Intent(step="s1", address=TRAIN, operation="create"),
        Recorded(step="s1", record=record(TRAIN, rows=1)),
    )
    assert (second.base.serial, second.run) == (2, other)
    assert second.entries == (Removed(step="", address=TRAIN),)


def test_what_a_run_did_that_died_is_kept_by_the_next(opener: Opener) -> None:
    dead = opener()
    dead.begin(state(), RUN)
    dead.append((Recorded(step="s1", record=record(TRAIN)),))
    following = opener()
    recovered = following.read()
    assert recovered is not None
    other = replace(RUN, id="id-2")
    following.begin(recovered, other)
    following.append((Recorded(step="s2", record=record(MODEL)),))
    following.write(state(record(TRAIN), record(MODEL), serial=1), expected_serial=0)
    kept = {journal.run.id: journal.entries for journal in journals(opener())}
    assert kept == {
        "id-1": (Recorded(step="s1", record=record(TRAIN)),),
        "id-2": (Recorded(step="s2", record=record(MODEL)),),
    }


def test_a_run_that_works_or_died_comes_last_in_the_history(opener: Opener) -> None:
    first = opener()
    first.begin(state(), RUN)
    first.append((Recorded(step="s1", record=record(TRAIN)),))
    first.write(state(record(TRAIN), serial=1), expected_serial=0)
    second = opener()
    second.begin(state(record(TRAIN), serial=1), replace(RUN, id="id-2"))
    assert [journal.run.id for journal in journals(opener())] == ["id-1"]
    second.append((Removed(step="s2", address=TRAIN, at="2026-03-01T12:00:01Z"),))
    found = journals(opener())
    assert [(journal.run.id, journal.died) for journal in found] == [
        ("id-1", False),
        ("id-2", True),
    ]
    assert found[1].entries == (Removed(step="s2", address=TRAIN, at="2026-03-01T12:00:01Z"),)


def test_who_died_and_who_came_to_an_end_is_told(opener: Opener) -> None:
    dead = opener()
    dead.begin(state(), RUN)
    dead.append((Recorded(step="s1", record=record(TRAIN)),))
    following = opener()
    following.begin(state(record(TRAIN)), replace(RUN, id="id-2"))
    following.write(state(record(MODEL), serial=1), expected_serial=0)
    opener().write(state(serial=2), expected_serial=1, run=replace(RUN, id="id-3"))
    assert {journal.run.id: journal.died for journal in journals(opener())} == {
        "id-1": True,
        "id-2": False,
        "id-3": False,
    }


def test_what_a_run_did_elsewhere_can_be_kept(opener: Opener) -> None:
    place = MemoryPlace()
    dead = MemoryBackend(place)
    dead.begin(state(), RUN)
    dead.append((Recorded(step="s1", record=record(TRAIN)),))
    following = MemoryBackend(place)
    following.begin(state(record(TRAIN)), replace(RUN, id="id-2"))
    following.write(state(record(MODEL), serial=1), expected_serial=0)
    told = journals(following)
    backend = opener()
    backend.write(state(record(MODEL), serial=1), expected_serial=None, run=replace(RUN, id="x"))
    backend.keep(told[:1])
    backend.keep(told)
    found = {journal.run.id: journal for journal in journals(opener())}
    assert set(found) == {"id-1", "id-2", "x"}
    for journal in told:
        kept = found[journal.run.id]
        assert (kept.base, kept.entries, kept.seals, kept.died) == (
            journal.base,
            journal.entries,
            journal.seals,
            journal.died,
        )
    assert backend.read() == state(record(MODEL), serial=1)


def test_what_was_not_appended_is_in_the_history_too(opener: Opener) -> None:
    run = opener()
    run.begin(state(record(TRAIN)), RUN)
    run.write(state(record(MODEL), serial=1), expected_serial=0)
    (journal,) = journals(opener())
    assert journal.entries == (
        Removed(step="", address=TRAIN),
        Recorded(step="", record=record(MODEL)),
    )


def test_waiting_for_the_lock_ends_when_it_is_given_back(opener: Opener) -> None:
    holder, waiter = opener(), opener()
    holder.lock(lock_info("id-1"))
    timer = threading.Timer(0.15, holder.unlock, ("id-1",))
    timer.start()
    began = time.monotonic()
    waiter.lock(lock_info("id-2"), timeout=20)
    assert time.monotonic() - began < 10
    timer.join()


def test_waiting_for_the_lock_ends_in_time(opener: Opener) -> None:
    opener().lock(lock_info("id-1"))
    began = time.monotonic()
    with pytest.raises(StateLocked):
        opener().lock(lock_info("id-2"), timeout=0.2)
    assert 0.2 <= time.monotonic() - began < 5


def test_reading_needs_no_lock(opener: Opener) -> None:
    opener().write(state(serial=1), expected_serial=None)
    opener().lock(lock_info("id-1"))
    assert opener().read() == state(serial=1)


def test_a_place_can_be_named(opener: Opener) -> None:
    assert opener().describe()
