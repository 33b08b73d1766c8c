"""What only the local file promises: names, modes, backup, faults, and death."""

from __future__ import annotations

import multiprocessing
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlform.backends.local import LocalBackend
from mlform.errors import BackendError, StateConflict, StateCorrupt
from mlform.state.codec import decode_state, encode_state
from mlform.state.snapshot import Recorded, State
from tests.contracts.state_samples import MODEL, RUN, TRAIN, lock_info, record, state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mlform.mlfstate"


@contextmanager
def _files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _started(path: Path) -> LocalBackend:
    run = LocalBackend(path)
    run.begin(state(), RUN)
    return run


def _names(path: Path) -> set[str]:
    return {found.name for found in path.parent.iterdir()}


def test_all_files_are_private_and_go_by_their_names(path: Path) -> None:
    run = _started(path)
    run.lock(lock_info("id-1"))
    run.append((Recorded(step="s", record=record(TRAIN)),))
    run.write(state(record(TRAIN), serial=1), expected_serial=0)
    run.begin(state(record(TRAIN), serial=1), RUN)
    assert _names(path) == {
        "mlform.mlfstate",
        "mlform.mlfstate.journal",
        "mlform.mlfstate.backup",
        "mlform.mlfstate.history",
        ".mlform.mlfstate.lock",
    }
    for found in path.parent.rglob("*"):
        assert stat.S_IMODE(found.stat().st_mode) == (0o700 if found.is_dir() else 0o600)
    run.write(state(record(TRAIN), serial=2), expected_serial=1)
    run.unlock("id-1")
    assert _names(path) == {
        "mlform.mlfstate",
        "mlform.mlfstate.backup",
        "mlform.mlfstate.history",
    }


def test_the_backup_is_the_version_before(path: Path) -> None:
    backend = LocalBackend(path)
    backend.write(state(serial=1), expected_serial=None)
    assert not path.with_name("mlform.mlfstate.backup").exists()
    backend.write(state(serial=2), expected_serial=1)
    backend.write(state(serial=3), expected_serial=2)
    backup = path.with_name("mlform.mlfstate.backup").read_bytes()
    assert decode_state(backup) == state(serial=2)


def test_a_linked_state_stays_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path.symlink_to(tmp_path / "elsewhere" / "team.mlfstate")
    LocalBackend(path).write(state(serial=1), expected_serial=None)
    assert path.is_symlink()
    assert LocalBackend(path).read() == state(serial=1)


def test_a_damaged_state_is_left_alone_and_the_way_back_named(path: Path) -> None:
    backend = LocalBackend(path)
    backend.write(state(serial=1), expected_serial=None)
    backend.write(state(serial=2), expected_serial=1)
    path.write_bytes(path.read_bytes()[:40])
    for attempt in (
        backend.read,
        lambda: backend.begin(state(serial=2), RUN),
        lambda: backend.write(state(serial=3), expected_serial=2),
    ):
        with pytest.raises(StateCorrupt) as caught:
            attempt()
        assert str(path) in caught.value.detail
        assert "mlform.mlfstate.backup" in caught.value.detail
    assert len(path.read_bytes()) == 40


def test_a_damaged_journal_is_left_alone_and_named(path: Path) -> None:
    run = _started(path)
    run.append((Recorded(step="s", record=record(TRAIN)),))
    run.append((Recorded(step="s", record=record(MODEL)),))
    journal = path.with_name("mlform.mlfstate.journal")
    damaged = journal.read_bytes().replace(b'by":"ada@lab', b'by":"eve@lab', 1)
    journal.write_bytes(damaged)
    with pytest.raises(StateCorrupt, match="entry 1") as caught:
        LocalBackend(path).read()
    assert str(journal) in caught.value.detail
    assert journal.read_bytes() == damaged


def test_the_torn_tail_of_a_dead_run_is_cut_off_before_more_follows(path: Path) -> None:
    run = _started(path)
    run.append((Recorded(step="s", record=record(TRAIN)),))
    journal = path.with_name("mlform.mlfstate.journal")
    with journal.open("ab") as stream:
        stream.write(b'{"seq":2,"sum":"')
    following = LocalBackend(path)
    recovered = following.read()
    assert recovered == state(record(TRAIN))
    following.write(state(record(TRAIN), serial=1), expected_serial=0)
    assert LocalBackend(path).read() == state(record(TRAIN), serial=1)


def test_a_write_that_died_between_rename_and_removal_counts_once(path: Path) -> None:
    run = _started(path)
    run.append((Recorded(step="s", record=record(TRAIN)),))
    journal = path.with_name("mlform.mlfstate.journal")
    run.write(state(serial=0), expected_serial=0)  # what follows removed the object again
    assert not journal.exists()
    run = _started(path)
    run.append((Recorded(step="s", record=record(TRAIN)),))
    entries = journal.read_bytes()
    run.write(state(record(MODEL), serial=1), expected_serial=0)
    journal.write_bytes(entries)
    assert LocalBackend(path).read() == state(record(MODEL), serial=1)


@pytest.mark.parametrize("vanished", ["mlform.mlfstate", "mlform.mlfstate.journal"])
def test_a_removed_file_is_a_conflict_and_nothing_is_lost(path: Path, vanished: str) -> None:
    run = _started(path)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    path.with_name(vanished).unlink()
    with pytest.raises(StateConflict) as caught:
        run.append((Recorded(step="s2", record=record(MODEL)),))
    kept = path.with_name("mlform.errored.mlfstate")
    assert str(kept) in caught.value.detail
    assert decode_state(kept.read_bytes()) == state(record(TRAIN), record(MODEL), serial=1)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_what_an_earlier_run_could_not_write_is_kept(path: Path) -> None:
    kept = path.with_name("mlform.errored.mlfstate")
    kept.write_bytes(b"of an earlier run")
    run = _started(path)
    path.unlink()
    for address in (TRAIN, MODEL):
        with pytest.raises(StateConflict, match="errored-2"):
            run.append((Recorded(step="s1", record=record(address)),))
    assert kept.read_bytes() == b"of an earlier run"
    second = decode_state(path.with_name("mlform.errored-2.mlfstate").read_bytes())
    assert second == state(record(TRAIN), record(MODEL), serial=1)


def test_the_kept_state_takes_the_place_of_the_old_one(path: Path) -> None:
    run = _started(path)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    LocalBackend(path).write(state(serial=0), expected_serial=0)
    with pytest.raises(StateConflict):
        run.append((Recorded(step="s2", record=record(MODEL)),))
    path.with_name("mlform.errored.mlfstate").replace(path)
    assert LocalBackend(path).read() == state(record(TRAIN), record(MODEL), serial=1)


def test_a_disk_that_takes_no_more_loses_nothing(path: Path) -> None:
    run = _started(path)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    size = path.with_name("mlform.mlfstate.journal").stat().st_size
    with _files_no_larger_than(size + 20), pytest.raises(BackendError) as caught:
        run.append((Recorded(step="s2", record=record(MODEL, note="x" * 5000)),))
    assert "It could not be kept anywhere else" in caught.value.detail
    assert LocalBackend(path).read() == state(record(TRAIN))
    third = record(TRAIN, rows=3)
    run.append((Recorded(step="s3", record=third),))
    expected = state(third, record(MODEL, note="x" * 5000))
    assert LocalBackend(path).read() == expected, "the entry that failed is written with the next"


def test_a_write_that_fails_leaves_snapshot_and_journal_whole(path: Path) -> None:
    run = _started(path)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    large = state(record(TRAIN, note="x" * 50_000), serial=1)
    with _files_no_larger_than(20_000), pytest.raises(BackendError):
        run.write(large, expected_serial=0)
    assert LocalBackend(path).read() == state(record(TRAIN))
    run.append((Recorded(step="s2", record=record(MODEL)),))
    assert LocalBackend(path).read() == state(record(TRAIN), record(MODEL))
    run.write(large, expected_serial=0)
    assert LocalBackend(path).read() == large
    assert not [name for name in _names(path) if name.endswith(".tmp")]


def test_a_folder_in_the_way_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(BackendError, match=r"mlform\.mlfstate"):
        LocalBackend(path).read()


def test_temporary_files_of_a_dead_run_are_swept(path: Path) -> None:
    left = path.with_name(".mlform.mlfstate.abc.tmp")
    left.write_bytes(b"half")
    _started(path)
    assert not left.exists()


def test_an_append_costs_the_same_whatever_the_size(path: Path) -> None:
    run = LocalBackend(path)
    records = [record(type(TRAIN)("dataset", f"n{at}"), rows=at) for at in range(500)]
    run.begin(state(*records), RUN)
    journal = path.with_name("mlform.mlfstate.journal")
    before = journal.stat().st_size
    run.append((Recorded(step="s", record=record(TRAIN)),))
    assert journal.stat().st_size - before < 1000
    assert path.stat().st_size > 100_000


def _hold_and_die(path: Path) -> None:
    LocalBackend(path).lock(lock_info("dead"))
    os._exit(9)


def test_the_lock_of_a_dead_process_is_free_at_once(path: Path) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(path,))
    child.start()
    child.join(60)
    assert child.exitcode == 9
    assert path.with_name(".mlform.mlfstate.lock").exists()
    LocalBackend(path).lock(lock_info("next"))


def test_equal_states_are_written_as_equal_bytes(path: Path) -> None:
    written: State = state(record(TRAIN), serial=1)
    LocalBackend(path).write(written, expected_serial=None)
    assert path.read_bytes() == encode_state(written)
