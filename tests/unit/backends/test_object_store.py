"""States in an object store: what is asked of it, and that nothing gets lost or comes between."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest

from mlform.backends.base import StateBackend
from mlform.backends.object_store import ObjectStoreWorkspaces
from mlform.backends.objects import Objects
from mlform.errors import BackendError, LockLost, StateConflict, StateCorrupt
from mlform.state.snapshot import Recorded
from tests.contracts.faulty_objects import FaultyObjects, Result, memory_objects, surroundings
from tests.contracts.state_samples import MODEL, RUN, TRAIN, journals, lock_info, record, state

FOLDER = "workspaces/default"
CURRENT = f"{FOLDER}/current.jsonl"


def opened(objects: Objects) -> StateBackend:
    return ObjectStoreWorkspaces(objects, surroundings()).open("default")


def keys(objects: Objects) -> list[str]:
    return sorted(key.removeprefix(f"{FOLDER}/") for key in objects.keys(FOLDER))


def rows(number: int) -> Recorded:
    return Recorded(step="s", record=record(TRAIN, rows=number))


def test_a_whole_run_leaves_snapshot_history_and_what_locks() -> None:
    objects = memory_objects()
    backend = opened(objects)
    backend.lock(lock_info("id-1"))
    backend.begin(state(), RUN)
    backend.append((rows(1),))
    backend.write(state(record(TRAIN, rows=1), serial=1), expected_serial=0)
    backend.unlock("id-1")
    current, history, lock, before, snapshot = keys(objects)
    assert history.startswith("history/00000001-")
    assert (current, lock) == ("current.jsonl", "lock.json")
    assert before.startswith("snapshots/00000001-")
    assert snapshot.startswith("snapshots/00000003-")
    found = objects.get(f"{FOLDER}/lock.json")
    assert found is not None
    assert found.content == b""


def test_reading_asks_twice_however_long_the_history() -> None:
    objects = memory_objects()
    opened(objects).write(state(serial=1), expected_serial=None)
    for at in range(50):
        objects.put(f"{FOLDER}/history/{at:08d}-x.jsonl", b"")
    counted = FaultyObjects(objects)
    assert opened(counted).read() == state(serial=1)
    current, snapshot = counted.requests
    assert current == f"get {CURRENT}"
    assert snapshot.startswith(f"get {FOLDER}/snapshots/")


def test_appending_asks_once() -> None:
    counted = FaultyObjects(memory_objects())
    backend = opened(counted)
    backend.lock(lock_info("id-1"))
    backend.begin(state(), RUN)
    for at in range(3):
        before = len(counted.requests)
        backend.append((rows(at),))
        assert counted.requests[before:] == [f"swap {CURRENT}"]
    before = len(counted.requests)
    backend.unlock("id-1")
    assert counted.requests[before:] == [f"swap {FOLDER}/lock.json"]


class _Sizes(FaultyObjects):
    """Notes how much is written at once."""

    def __init__(self, inner: Objects) -> None:
        super().__init__(inner)
        self.sizes: list[int] = []

    def put(self, key: str, content: bytes) -> None:
        self.sizes.append(len(content))
        super().put(key, content)

    def swap(self, key: str, content: bytes, *, expected: str) -> str | None:
        self.sizes.append(len(content))
        return super().swap(key, content, expected=expected)


def test_appending_costs_the_same_however_much_was_appended() -> None:
    objects = memory_objects()
    sizes = _Sizes(objects)
    backend = opened(sizes)
    backend.begin(state(), RUN)
    before, asked = len(sizes.sizes), len(sizes.requests)
    entries = 300
    for at in range(entries):
        backend.append((rows(at),))
    assert max(sizes.sizes[before:]) < 40 * 1024
    parts = [key for key in keys(objects) if key.startswith("journal/")]
    assert len(parts) > 3
    assert len(sizes.requests) - asked == entries + len(parts)
    assert opened(objects).read() == state(record(TRAIN, rows=entries - 1))
    backend.write(state(record(TRAIN, rows=entries), serial=1), expected_serial=0)
    assert not [key for key in keys(objects) if key.startswith("journal/")]
    (journal,) = journals(opened(objects))
    assert len(journal.entries) == entries + 1


def test_the_next_run_removes_the_parts_of_a_dead_one() -> None:
    objects = memory_objects()
    dead = opened(objects)
    dead.begin(state(), RUN)
    for at in range(100):
        dead.append((rows(at),))
    assert any(key.endswith("000000.jsonl") for key in keys(objects))
    following = opened(objects)
    recovered = following.read()
    assert recovered == state(record(TRAIN, rows=99))
    following.begin(recovered, RUN)
    assert not [key for key in keys(objects) if key.startswith("journal/")]
    (journal,) = journals(opened(objects))
    assert len(journal.entries) == 100


@pytest.mark.parametrize("done", [False, True])
def test_an_answer_that_never_came_loses_and_doubles_nothing(done: bool) -> None:  # noqa: FBT001 - by pytest
    for fails_at in count(1):
        objects = memory_objects()
        opened(objects).write(state(serial=1), expected_serial=None)
        faulty = FaultyObjects(objects, fails_at=fails_at, done=done, dies=False)
        backend = opened(faulty)
        with suppress(BackendError):
            backend.begin(state(serial=1), RUN)
        sent = 0
        was_told = False
        while sent < 90 or not was_told:
            was_told = False
            with suppress(BackendError):
                sent += 1
                backend.append((rows(sent),))
                was_told = True
            if sent > 100:
                break  # it never began
        if faulty.survived:
            break
        if was_told:
            assert opened(objects).read() == state(record(TRAIN, rows=sent), serial=1)
            backend.write(state(serial=2), expected_serial=1)
            (journal,) = journals(opened(objects))
            assert journal.entries[:-1] == tuple(rows(at) for at in range(1, sent + 1))
    assert fails_at > 90


class _Between(FaultyObjects):
    """Lets something else happen before the n-th request."""

    def __init__(self, inner: Objects, at: int, what: Callable[[], None]) -> None:
        super().__init__(inner)
        self._at = at
        self._what = what
        self.happened = False

    def _request(self, name: str, work: Callable[[], Result]) -> Result:
        if len(self.requests) + 1 == self._at:
            self.happened = True
            self._what()
        return super()._request(name, work)


def test_no_run_comes_between_what_another_reads_and_writes() -> None:
    """Without any lock: of the two, each is either told to stop, or is in the state."""
    for at in count(2):  # from when it has read what the state is
        objects = memory_objects()
        opened(objects).write(state(serial=1), expected_serial=None)
        safe: list[str] = []

        def run_beside(objects: Objects = objects, safe: list[str] = safe) -> None:
            other = opened(objects)
            begun = other.read()
            assert begun is not None
            other.begin(begun, replace(RUN, id="id-2"))
            other.append((Recorded(step="s", record=record(MODEL)),))
            safe.append("other")

        between = _Between(objects, at, run_beside)
        with suppress(StateConflict):
            opened(between).write(state(record(TRAIN), serial=2), expected_serial=1, run=RUN)
            safe.append("ours")
        if not between.happened:
            break
        found = opened(objects).read()
        assert found is not None
        expected = {"other": MODEL, "ours": TRAIN}
        assert {address for address, _ in found.objects} == {expected[each] for each in safe}
    assert at > 5


def test_a_reader_sees_one_moment_whatever_happens_meanwhile() -> None:
    for at in count(1):
        objects = memory_objects()
        running = opened(objects)
        running.begin(state(), RUN)
        for number in range(90):
            running.append((rows(number),))

        def go_on(running: StateBackend = running) -> None:
            running.write(state(record(TRAIN, rows=90), serial=1), expected_serial=0)
            running.begin(state(record(TRAIN, rows=90), serial=1), RUN)
            running.append((Recorded(step="s", record=record(MODEL)),))

        between = _Between(objects, at, go_on)
        seen = opened(between).read()
        assert seen in (
            state(record(TRAIN, rows=89)),
            state(record(TRAIN, rows=90), serial=1),
            state(record(TRAIN, rows=90), record(MODEL), serial=1),
        )
        if not between.happened:
            break
    assert at > 3


def test_a_run_that_lost_its_lock_stops_at_its_next_request() -> None:
    objects = memory_objects()
    run = opened(objects)
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    waiting = opened(objects)
    waiting.lock(lock_info("id-2"), timeout=5)
    with pytest.raises(LockLost, match="ada@lab holds it now"):
        run.append((rows(1),))
    found = opened(objects).read()
    assert found is not None
    assert found.objects == {}


def test_a_run_that_lost_its_lock_begins_nothing() -> None:
    objects = memory_objects()
    run = opened(objects)
    run.lock(lock_info("id-1"))
    opened(objects).break_lock("id-1")
    with pytest.raises(LockLost):
        run.begin(state(), RUN)
    assert opened(objects).read() is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]\n", b"\xff"])
def test_what_says_what_the_state_is_must_be_understood(content: bytes) -> None:
    objects = memory_objects()
    objects.put(CURRENT, content)
    with pytest.raises(StateCorrupt, match=r"current\.jsonl is not what mlform writes there"):
        opened(objects).read()


def test_only_the_snapshot_before_is_kept() -> None:
    objects = memory_objects()
    for serial in range(5):
        backend = opened(objects)
        backend.write(state(serial=serial), expected_serial=serial - 1 if serial else None)
    assert len([key for key in keys(objects) if key.startswith("snapshots/")]) == 2


def test_a_snapshot_that_was_removed_is_named_with_the_one_before() -> None:
    objects = memory_objects()
    opened(objects).write(state(serial=1), expected_serial=None)
    opened(objects).write(state(serial=2), expected_serial=1)
    before, snapshot = (key for key in keys(objects) if key.startswith("snapshots/"))
    objects.delete([f"{FOLDER}/{snapshot}"])
    with pytest.raises(StateCorrupt, match="The one before is") as caught:
        opened(objects).read()
    assert before in caught.value.detail
    assert snapshot in caught.value.detail


def test_what_a_run_that_was_shut_out_left_is_removed_by_the_next_recovery() -> None:
    objects = memory_objects()
    opened(objects).begin(state(), RUN)
    objects.put(f"{FOLDER}/snapshots/00000002-left.mlfstate", b"never became the state")
    objects.put(f"{FOLDER}/journal/other/000000.jsonl", b"")
    following = opened(objects)
    following.begin(state(), RUN)
    assert [key for key in keys(objects) if "/" in key] == [
        key for key in keys(objects) if key.startswith("snapshots/00000001-")
    ]
    assert opened(objects).read() == state()


def test_a_journal_with_a_part_missing_is_named() -> None:
    objects = memory_objects()
    run = opened(objects)
    run.begin(state(), RUN)
    for at in range(90):
        run.append((rows(at),))
    parts = [key for key in keys(objects) if key.endswith("000000.jsonl")]
    objects.delete([f"{FOLDER}/{parts[0]}"])
    with pytest.raises(StateCorrupt, match="lacks some of the 1 objects"):
        opened(objects).read()


def test_what_the_store_does_not_take_is_kept_on_this_machine() -> None:
    kept: list[bytes] = []

    def rescue(snapshot: bytes) -> str:
        kept.append(snapshot)
        return "here"

    objects = memory_objects()
    around = replace(surroundings(), rescue=rescue)
    run = ObjectStoreWorkspaces(objects, around).open("default")
    run.begin(state(), RUN)
    opened(objects).begin(state(), RUN)
    with pytest.raises(StateConflict, match='"mlform state push here"'):
        run.append((rows(1),))
    assert json.loads(kept[0])["serial"] == 1


class _Heedless(FaultyObjects):
    """Says yes to everything, as some look-alikes do."""

    def swap(self, key: str, content: bytes, *, expected: str) -> str | None:
        del expected
        self.put(key, content)
        return "[null, null]"


class _Late(FaultyObjects):
    """Heeds that an object must not be there, and no versions."""

    def swap(self, key: str, content: bytes, *, expected: str) -> str | None:
        found = self.get(key)
        return super().swap(key, content, expected=found.version if expected and found else "")


class _Stubborn(FaultyObjects):
    """Never replaces anything."""

    def swap(self, key: str, content: bytes, *, expected: str) -> str | None:
        return None if expected else super().swap(key, content, expected="")


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (_Heedless, "Of 4 that made one object at the same time, 4 were told so"),
        (_Late, "replaced an object that had been written in between"),
        (_Stubborn, "refused to replace"),
    ],
)
def test_a_store_that_heeds_no_conditions_is_refused_before_anything_is_written(
    store: type[FaultyObjects], words: str
) -> None:
    objects = memory_objects()
    with pytest.raises(BackendError, match=words):
        opened(store(objects)).lock(lock_info("id-1"))
    with pytest.raises(BackendError, match=words):
        opened(store(objects)).begin(state(), RUN)
    with pytest.raises(BackendError, match=words):
        opened(store(objects)).write(state(), expected_serial=None)
    with pytest.raises(BackendError, match=words):
        ObjectStoreWorkspaces(store(objects), surroundings()).create("w")
    assert list(objects.keys("")) == []


def test_a_store_is_tried_once_for_all_runs() -> None:
    objects = memory_objects()
    first, second = FaultyObjects(objects), FaultyObjects(objects)
    for counted in (first, second):
        backend = opened(counted)
        backend.lock(lock_info("id-1"))
        backend.begin(state(), RUN)
        backend.unlock("id-1")
    assert sum("conditions-" in request for request in first.requests) > 5
    assert not [request for request in second.requests if "conditions-" in request]


def test_workspaces_are_folders() -> None:
    objects = memory_objects()
    objects.put("other/thing", b"of somebody else")
    workspaces = ObjectStoreWorkspaces(objects, surroundings())
    assert workspaces.names() == ("default",)
    odd = "a b/c%20é"
    workspaces.create(odd)
    workspaces.create("a")
    workspaces.open("default").write(state(serial=7), expected_serial=None)
    assert workspaces.names() == ("default", "a", odd)
    with pytest.raises(BackendError, match="already exists"):
        workspaces.create(odd)
    workspaces.open(odd).write(state(record(TRAIN), serial=1), expected_serial=None)
    assert workspaces.open("a").read() is None
    assert workspaces.open(odd).read() == state(record(TRAIN), serial=1)
    workspaces.delete(odd)
    assert workspaces.names() == ("default", "a")
    assert workspaces.open(odd).read() is None
    assert workspaces.open("default").read() == state(serial=7)
    workspaces.delete("nowhere")
    other = objects.get("other/thing")
    assert other is not None
    assert other.content == b"of somebody else"
