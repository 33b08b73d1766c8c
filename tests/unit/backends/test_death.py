"""A run that dies at any call loses nothing that it was told is safe."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from mlform.backends.base import StateBackend
from mlform.backends.http import HttpBackend, HttpStorage
from mlform.backends.http_journals import LocalJournals
from mlform.backends.http_lock import HttpLock
from mlform.backends.http_site import HttpSite
from mlform.backends.journaled import JournaledBackend
from mlform.backends.local import LocalBackend
from mlform.backends.memory import MemoryBackend, MemoryPlace
from mlform.backends.object_store import ObjectStoreWorkspaces
from mlform.backends.objects import Objects
from mlform.backends.pg import PgLock, PgPlace, PgStorage, PgWorkspace
from mlform.backends.pg_session import make_target
from mlform.backends.storage import Lock
from mlform.state.snapshot import Intent, Recorded, State
from mlform.wiring import utc_now
from tests.contracts.faulty_backend import Died, FaultyBackend
from tests.contracts.faulty_objects import FaultyObjects, memory_objects, surroundings
from tests.contracts.faulty_storage import FaultyStorage, JoiningStorage
from tests.contracts.places import Opener
from tests.contracts.state_samples import MODEL, RUN, TRAIN, journals, lock_info, record, state
from tests.postgres import PostgresServer
from tests.state_server import StateServer, http_place

STEPS = 4


def _dead_run(backend: StateBackend) -> None:
    """Leave what a run leaves that recorded an object and died within the next step."""
    backend.write(state(serial=1), expected_serial=None)
    backend.begin(state(serial=1), RUN)
    backend.append((Recorded(step="s1", record=record(TRAIN)),))
    backend.append((Intent(step="s2", address=MODEL, operation="create"),))


def _next_run(backend: StateBackend, told: list[int]) -> None:
    """Recover, record another object, fold; say in `told` which steps are safe."""
    recovered = backend.read()
    assert recovered is not None
    backend.begin(recovered, RUN)
    told.append(1)
    backend.append((Recorded(step="s2", record=record(MODEL)),))
    told.append(2)
    folded = backend.read()
    assert folded is not None
    backend.write(replace(folded, serial=2), expected_serial=1)
    told.append(3)
    backend.begin(replace(folded, serial=2), RUN)
    told.append(STEPS)


def _check(found: State | None, told: int) -> None:
    assert found is not None
    assert found.current(TRAIN) == record(TRAIN)
    if told >= 2:
        assert found.current(MODEL) == record(MODEL)
        assert found.intents == ()
    else:
        assert (found.current(MODEL) == record(MODEL)) != bool(found.intents)
    assert found.serial in ((1, 2) if told < 3 else (2,))


def _go_on(opened: Opener) -> None:
    """Check that whoever comes next can work, and that the history is whole."""
    again = opened()
    recovered = again.read()
    assert recovered is not None
    again.begin(recovered, RUN)
    assert opened().read() == recovered
    again.append((Recorded(step="s3", record=record(TRAIN, rows=7)),))
    again.write(replace(recovered, serial=recovered.serial + 1), expected_serial=recovered.serial)
    kept = [entry for journal in journals(opened()) for entry in journal.entries]
    assert Recorded(step="s1", record=record(TRAIN)) in kept


@pytest.mark.parametrize("done", [False, True])
def test_death_at_any_call_of_the_backend(done: bool) -> None:  # noqa: FBT001 - by pytest
    for dies_at in count(1):
        place = MemoryPlace()
        _dead_run(MemoryBackend(place))
        faulty = FaultyBackend(MemoryBackend(place), dies_at=dies_at, done=done)
        told: list[int] = []
        try:
            _next_run(faulty, told)
        except Died:
            _check(MemoryBackend(place).read(), max(told, default=0))
        else:
            assert faulty.survived
            break
    assert dies_at == 7, "it makes six calls"


@pytest.mark.parametrize("done", [False, True])
def test_death_at_any_request_to_an_object_store(done: bool) -> None:  # noqa: FBT001 - by pytest
    told: list[int] = []
    for dies_at in count(1):
        objects = memory_objects()

        def opened(through: Objects = objects) -> StateBackend:
            return ObjectStoreWorkspaces(through, surroundings()).open("default")

        _dead_run(opened())
        faulty = FaultyObjects(objects, fails_at=dies_at, done=done)
        told = []
        with suppress(Died):
            _next_run(opened(faulty), told)
        _check(opened().read(), max(told, default=0))
        _go_on(opened)
        if faulty.survived:
            break
    assert max(told) == STEPS
    assert dies_at > 15, "it makes many requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a backend is made of."""

    storage: JoiningStorage
    lock: Lock

    def backend(self, storage: JoiningStorage | None = None) -> StateBackend:
        """Put it together, or with another storage."""
        used = storage or self.storage
        return JournaledBackend(used, self.lock, together=used.together)


def _parts_in_postgres(request: pytest.FixtureRequest) -> Callable[[], _Parts]:
    server: PostgresServer = request.getfixturevalue("postgres")
    target = make_target(server.url, server.new_schema(), {})
    workspaces = count()
    opened: list[PgWorkspace] = []

    def parts() -> _Parts:
        for each in opened:
            each.session.close()
        opened.append(PgWorkspace(PgPlace(target=target), f"w{next(workspaces)}"))
        return _Parts(storage=PgStorage(opened[-1]), lock=PgLock(opened[-1]))

    return parts


def _parts_over_http(request: pytest.FixtureRequest) -> Callable[[], _Parts]:
    server: StateServer = request.getfixturevalue("http_states")
    folder: Path = request.getfixturevalue("tmp_path")
    numbers = count()

    def parts() -> _Parts:
        number = next(numbers)
        place = http_place(server, folder / str(number), path=f"/{number}")
        site, journals = HttpSite(place, utc_now), LocalJournals(place.folder)
        return _Parts(storage=HttpStorage(site, journals), lock=HttpLock(site, journals))

    return parts


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("place", [_parts_in_postgres, _parts_over_http])
def test_death_at_any_call_of_the_storage(
    request: pytest.FixtureRequest,
    place: Callable[[pytest.FixtureRequest], Callable[[], _Parts]],
    done: bool,  # noqa: FBT001 - by pytest
) -> None:
    new_parts = place(request)
    told: list[int] = []
    for dies_at in count(1):
        parts = new_parts()
        _dead_run(parts.backend())
        faulty = FaultyStorage(parts.storage, dies_at=dies_at, done=done)
        told = []
        with suppress(Died):
            _next_run(parts.backend(faulty), told)
        _check(parts.backend().read(), max(told, default=0))
        _go_on(parts.backend)
        if faulty.survived:
            break
    assert max(told) == STEPS
    assert dies_at > 12, "it makes many calls"


@pytest.mark.parametrize("done", [False, True])
def test_death_at_any_request_while_locking(done: bool) -> None:  # noqa: FBT001 - by pytest
    for dies_at in count(1):
        objects = memory_objects()
        faulty = FaultyObjects(objects, fails_at=dies_at, done=done)
        with suppress(Died):
            dead = ObjectStoreWorkspaces(faulty, surroundings()).open("default")
            dead.lock(lock_info("id-1"))
            dead.unlock("id-1")
        around = replace(surroundings(), new_id=lambda: "of-another-run")
        following = ObjectStoreWorkspaces(objects, around).open("default")
        following.lock(lock_info("id-2"), timeout=5)
        found = following.holder()
        assert found is not None
        assert found.id == "id-2"
        if faulty.survived:
            break
    assert dies_at > 10, "the store is tried, and then it locks"


class _Telling(list[int]):
    """Says each number to another process at once."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def append(self, number: int) -> None:
        os.write(self._descriptor, bytes([number]))


def _killed() -> None:
    os._exit(9)


def _interrupted() -> None:
    """Be interrupted as by Ctrl-C outside of an apply: what tidies up still does so."""
    raise KeyboardInterrupt


def _die_at_system_call(
    opened: Opener, dies_at: int, end: Callable[[], None], descriptor: int
) -> None:
    calls = count(1)

    def die(event: str, _arguments: tuple[object, ...]) -> None:
        if event.startswith(("open", "os.", "fcntl.", "http.")) and next(calls) == dies_at:
            end()

    backend = opened()
    sys.addaudithook(die)
    try:
        _next_run(backend, _Telling(descriptor))
    except KeyboardInterrupt:
        os._exit(9)
    os._exit(0)


def _told_before_death(
    opened: Opener, dies_at: int, end: Callable[[], None] = _killed
) -> tuple[int, int | None]:
    reading, writing = os.pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_die_at_system_call, args=(opened, dies_at, end, writing)
    )
    child.start()
    os.close(writing)
    child.join(60)
    with os.fdopen(reading, "rb") as stream:
        return max(stream.read(), default=0), child.exitcode


@pytest.mark.parametrize("end", [_killed, _interrupted])
def test_death_before_any_call_of_the_system(tmp_path: Path, end: Callable[[], None]) -> None:
    """Python announces opening, linking, renaming, cutting and removing before it does it."""
    told = 0
    for dies_at in count(1):
        path = tmp_path / str(dies_at) / "mlform.mlfstate"
        path.parent.mkdir()
        _dead_run(LocalBackend(path))
        told, status = _told_before_death(partial(LocalBackend, path), dies_at, end)
        _check(LocalBackend(path).read(), told)
        again = LocalBackend(path)
        recovered = again.read()
        assert recovered is not None
        again.begin(recovered, RUN)
        assert LocalBackend(path).read() == recovered
        assert not [found for found in path.parent.iterdir() if found.name.endswith(".tmp")]
        if status == 0:
            break
        assert status == 9
    assert told == STEPS
    assert dies_at > 20, "it makes many calls"


def test_death_before_any_request_and_any_call_of_the_system(
    tmp_path: Path, http_states: StateServer
) -> None:
    told = 0
    for dies_at in count(1):
        place = http_place(http_states, tmp_path / str(dies_at), path=f"/{dies_at}")
        opened = partial(HttpBackend, place, now=utc_now)
        _dead_run(opened())
        told, status = _told_before_death(opened, dies_at)
        _check(opened().read(), told)
        _go_on(opened)
        left = [found for found in place.folder.rglob("*") if found.is_file()]
        assert not left, "everything is on the server in the end"
        if status == 0:
            break
        assert status == 9
    assert told == STEPS
    assert dies_at > 20, "it makes many calls"
