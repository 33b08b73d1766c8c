"""States copied between backends of every type, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import pytest

from mlform.backends.base import StateBackend, Workspaces
from mlform.backends.http import HttpBackend, HttpWorkspaces
from mlform.backends.local import LocalWorkspaces
from mlform.backends.memory import MemoryPlace, MemoryWorkspaces
from mlform.backends.object_store import ObjectStoreWorkspaces
from mlform.backends.pg import PgPlace, PgWorkspaces
from mlform.backends.pg_session import make_target
from mlform.dataclass import replace
from mlform.errors import BackendError
from mlform.operations.environment import Environment
from mlform.operations.migrating import Migration
from mlform.operations.results import Meeting
from mlform.state.journal import Damaged
from mlform.state.snapshot import Deposed, OutputRecord, Recorded, State
from mlform.wiring import utc_now
from tests.ciphers import RAW, cipher_of
from tests.contracts.faulty_backend import Died, FaultyBackend
from tests.contracts.faulty_objects import FaultyObjects, memory_objects, surroundings
from tests.contracts.state_samples import MODEL, RUN, TRAIN, journals, record, state
from tests.engine import Engine
from tests.postgres import PostgresServer
from tests.state_server import StateServer, http_place

Opened = Callable[[pytest.FixtureRequest, Path], Workspaces]


def local(request: pytest.FixtureRequest, folder: Path) -> Workspaces:
    del request
    return LocalWorkspaces(folder / "s.json", folder=folder / "s.d")


def encrypted(request: pytest.FixtureRequest, folder: Path) -> Workspaces:
    del request
    return LocalWorkspaces(folder / "s.json", folder=folder / "s.d", cipher=cipher_of(RAW))


def memory(request: pytest.FixtureRequest, folder: Path) -> Workspaces:
    del request, folder
    return MemoryWorkspaces()


def object_store(request: pytest.FixtureRequest, folder: Path) -> Workspaces:
    del request, folder
    return ObjectStoreWorkspaces(memory_objects(), surroundings())


def pg(request: pytest.FixtureRequest, folder: Path) -> Workspaces:
    del folder
    server: PostgresServer = request.getfixturevalue("postgres")
    request.addfinalizer(server.end_sessions)
    return PgWorkspaces(PgPlace(target=make_target(server.url, server.new_schema(), {})))


def http(request: pytest.FixtureRequest, folder: Path) -> Workspaces:
    server: StateServer = request.getfixturevalue("http_states")
    place = http_place(server, folder, path=quote(str(folder)))
    return HttpWorkspaces(HttpBackend(place, now=utc_now))


WITH_WORKSPACES: Mapping[str, Opened] = MappingProxyType(
    {"memory": memory, "encrypted": encrypted, "object_store": object_store, "pg": pg}
)
PLACES: Mapping[str, Opened] = MappingProxyType({**WITH_WORKSPACES, "http": http})


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Engine(tmp_path).environment([])


def filled(workspaces: Workspaces, name: str = "default") -> State:
    """A state with everything in it, which two runs made and one of which died."""
    backend = workspaces.open(name)
    first = record(TRAIN, rows=1)
    backend.begin(state(lineage=f"line of {name}"), RUN)
    backend.append((Recorded(step="s1", record=first, at="2026-03-01T12:00:01Z"),))
    after = state(first, serial=1, lineage=f"line of {name}")
    backend.write(after, expected_serial=0)
    dead = workspaces.open(name)
    dead.begin(after, replace(RUN, id="dead"))
    dead.append((Recorded(step="s2", record=record(MODEL, n=1)),))
    last = workspaces.open(name)
    recovered = last.read()
    assert recovered is not None
    last.begin(recovered, replace(RUN, id="last"))
    last.append(
        (
            Deposed(address=MODEL, deposed="0a1b"),
            Recorded(step="s3", record=replace(record(MODEL, n=2), tainted=True)),
        )
    )
    objects = {
        (TRAIN, ""): first,
        (MODEL, ""): replace(record(MODEL, n=2), tainted=True),
        (MODEL, "0a1b"): record(MODEL, n=1),
    }
    outputs = {"auc": OutputRecord(value=0.5, type="number", sensitive=True)}
    written = State(lineage=after.lineage, serial=2, objects=objects, outputs=outputs)
    last.write(written, expected_serial=1)
    return written


def migrated(environment: Environment, source: Workspaces, target: Workspaces) -> list[str]:
    migration = Migration(source=source, target=target)
    copies = migration.copies()
    damaged: list[Damaged] = []
    migration.carry_out(environment, copies, damaged.append)
    assert damaged == []
    return [copy.workspace for copy in copies]


@pytest.mark.parametrize("name", PLACES)
def test_there_and_back_with_history(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, environment: Environment
) -> None:
    here = local(request, tmp_path / "here")
    there = PLACES[name](request, tmp_path / "there")
    back = local(request, tmp_path / "back")
    written = filled(here)
    told = journals(here.open("default"))
    assert migrated(environment, here, there) == ["default"]
    assert there.open("default").read() == written
    assert [each.entries for each in journals(there.open("default"))] == [
        each.entries for each in told
    ]
    assert [each.died for each in journals(there.open("default"))] == [False, True, False]
    assert migrated(environment, there, back) == ["default"]
    assert back.open("default").read() == written
    assert journals(back.open("default")) == told
    assert here.open("default").read() == written
    assert migrated(environment, here, back) == []
    for workspaces in (here, there, back):
        assert workspaces.open("default").holder() is None


@pytest.mark.parametrize("name", WITH_WORKSPACES)
def test_every_workspace_goes_along(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, environment: Environment
) -> None:
    here = local(request, tmp_path / "here")
    there = PLACES[name](request, tmp_path / "there")
    here.create("empty")
    here.create("spring")
    spring = filled(here, "spring")
    assert migrated(environment, here, there) == ["spring"]
    assert there.names() == ("default", "empty", "spring")
    assert there.open("spring").read() == spring
    assert there.open("default").read() is None


def test_a_place_of_one_state_takes_no_workspaces(
    request: pytest.FixtureRequest, tmp_path: Path, environment: Environment
) -> None:
    here = local(request, tmp_path / "here")
    there = http(request, tmp_path / "there")
    filled(here)
    here.create("spring")
    with pytest.raises(BackendError, match="has no workspaces"):
        migrated(environment, here, there)
    assert there.open("default").read() is None


@pytest.mark.parametrize("name", PLACES)
def test_what_is_there_is_replaced_as_one_more_run(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, environment: Environment
) -> None:
    here = local(request, tmp_path / "here")
    there = PLACES[name](request, tmp_path / "there")
    written = filled(here)
    other = there.open("default")
    other.begin(state(lineage="other"), RUN)
    other.append((Recorded(step="s", record=record(TRAIN, rows=9)),))
    other.write(state(record(TRAIN, rows=9), serial=5, lineage="other"), expected_serial=0)
    (copy,) = Migration(source=here, target=there).copies()
    assert copy.meets is Meeting.OTHER
    assert migrated(environment, here, there) == ["default"]
    assert there.open("default").read() == replace(written, serial=6)
    assert [each.run.operation for each in journals(there.open("default"))] == [
        "apply",
        "init -migrate-state",
    ]


def test_an_older_version_is_told_as_that(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    here, there = local(request, tmp_path / "here"), memory(request, tmp_path)
    written = filled(here)
    there.open("default").write(replace(written, serial=1, outputs={}), expected_serial=None)
    (copy,) = Migration(source=here, target=there).copies()
    assert copy.meets is Meeting.OLDER


def test_a_state_that_moved_meanwhile_is_not_copied(
    environment: Environment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    here, there = local(request, tmp_path / "here"), memory(request, tmp_path)
    filled(here)
    migration = Migration(source=here, target=there)
    copies = migration.copies()
    there.open("default").write(state(), expected_serial=None)
    with pytest.raises(BackendError, match="moved while it was to be copied"):
        migration.carry_out(environment, copies, lambda damaged: None)  # noqa: ARG005
    assert there.open("default").read() == state()


def test_a_copy_that_was_cut_off_is_done_again(
    environment: Environment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The history was copied, the state was not: the next one does both, nothing twice."""
    here = local(request, tmp_path / "here")
    place = MemoryPlace()
    there = MemoryWorkspaces({"default": place})
    written = filled(here)
    there.open("default").keep(journals(here.open("default")))
    assert migrated(environment, here, there) == ["default"]
    assert there.open("default").read() == written
    assert len(journals(there.open("default"))) == 3


class _Mortal:
    """A place whose backends die at a chosen call."""

    def __init__(self, inner: Workspaces, dies_at: int, *, done: bool) -> None:
        self._inner = inner
        self.backends: list[FaultyBackend] = []
        self._dies_at = dies_at
        self._done = done

    def names(self) -> tuple[str, ...]:
        return self._inner.names()

    def open(self, name: str) -> StateBackend:
        inner = self._inner.open(name)
        self.backends.append(FaultyBackend(inner, dies_at=self._dies_at, done=self._done))
        return self.backends[-1]

    def create(self, name: str) -> None:
        self._inner.create(name)

    def delete(self, name: str) -> None:
        self._inner.delete(name)

    @property
    def survived(self) -> bool:
        """Whether none of them came to the call to die at."""
        return all(backend.survived for backend in self.backends)


def _force_open(workspaces: Workspaces) -> None:
    """Do what a person does about the lock of somebody who died elsewhere."""
    backend = workspaces.open("default")
    holder = backend.holder()
    if holder is not None:
        backend.break_lock(holder.id)


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("name", PLACES)
def test_whoever_dies_leaves_the_old_state_whole_and_it_can_be_done_again(
    name: str,
    side: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    environment: Environment,
    *,
    done: bool,
) -> None:
    """At each call of either side, which meet nowhere but in what is copied."""
    for dies_at in count(1):
        folder = tmp_path / str(dies_at)
        place, file = PLACES[name](request, folder / "place"), local(request, folder / "file")
        here, there = (place, file) if side == "source" else (file, place)
        written = filled(here)
        told = [each.run for each in journals(here.open("default"))]
        mortal = _Mortal(place, dies_at, done=done)
        dying = (mortal, there) if side == "source" else (here, mortal)
        with suppress(Died):
            migrated(environment, *dying)
        for each in (here, there):
            _force_open(each)
        assert here.open("default").read() == written
        migrated(environment, here, there)
        assert there.open("default").read() == written
        assert [each.run for each in journals(there.open("default"))] == told
        if mortal.survived:
            break
    assert dies_at > 3


def _of_runs(workspaces: Workspaces, runs: int) -> Workspaces:
    """The same with a history of so many runs."""
    backend = workspaces.open("default")
    for serial in range(runs):
        expected = None if serial == 0 else serial
        run = replace(RUN, id=f"run {serial}")
        backend.write(
            state(record(TRAIN, n=serial), serial=serial + 1), expected_serial=expected, run=run
        )
    return workspaces


def test_a_server_gets_no_more_requests_however_long_the_history(
    http_states: StateServer,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    environment: Environment,
) -> None:
    asked = []
    for runs in (2, 40):
        here = _of_runs(local(request, tmp_path / f"here {runs}"), runs)
        place = http_place(http_states, tmp_path / f"there {runs}", path=f"/{runs}")
        there = HttpWorkspaces(HttpBackend(place, now=utc_now))
        http_states.requests.clear()
        migrated(environment, here, there)
        asked.append(http_states.methods())
        assert len(journals(there.open("default"))) == runs
    assert asked[0] == asked[1]


def test_an_object_store_gets_one_request_for_each_journal_and_none_again(
    tmp_path: Path, request: pytest.FixtureRequest, environment: Environment
) -> None:
    others = []
    for runs in (2, 40):
        here = _of_runs(local(request, tmp_path / str(runs)), runs)
        objects = FaultyObjects(memory_objects())
        there = ObjectStoreWorkspaces(objects, surroundings())
        migrated(environment, here, there)
        kept = [each for each in objects.requests if "/history/" in each]
        assert len(kept) == runs
        others.append(len(objects.requests) - runs)
        objects.requests.clear()
        there.open("default").keep(journals(here.open("default")))
        assert objects.requests == ["list workspaces/default/history"]
    assert others[0] == others[1]
