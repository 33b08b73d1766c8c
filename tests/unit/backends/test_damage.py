"""A state that is removed, cut short or written over while a run works, in every backend.

The run stops with an error and keeps what it did on this machine; whoever comes next takes nothing
that is damaged for a state, and can make what was kept the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from mlform.backends.base import StateBackend
from mlform.backends.http import HttpBackend
from mlform.backends.local import LocalBackend
from mlform.backends.object_store import ObjectStoreWorkspaces
from mlform.backends.pg import PgBackend, PgPlace
from mlform.backends.pg_session import make_target
from mlform.backends.rescue import rescue_into
from mlform.errors import BackendError
from mlform.state.snapshot import Recorded, State
from mlform.state.stored import understand
from mlform.wiring import utc_now
from tests.contracts.faulty_objects import memory_objects, surroundings
from tests.contracts.state_samples import MODEL, RUN, TRAIN, record, state
from tests.postgres import PostgresServer
from tests.state_server import StateServer, http_place

KEPT = "mlform.errored.mlfstate"


@dataclass(frozen=True)
class Place:
    """A run that works somewhere, another look at it, and somebody who puts other bytes there."""

    run: StateBackend
    look: Callable[[], StateBackend]
    interfere: Callable[[Callable[[bytes], bytes | None]], None]


def local(request: pytest.FixtureRequest, folder: Path) -> Place:
    del request
    path = folder / "mlform.mlfstate"

    def interfere(change: Callable[[bytes], bytes | None]) -> None:
        content = change(path.read_bytes())
        path.unlink() if content is None else path.write_bytes(content)

    return Place(LocalBackend(path), lambda: LocalBackend(path), interfere)


def object_store(request: pytest.FixtureRequest, folder: Path) -> Place:
    """The object that says what the state is."""
    del request
    return objects_at("current.jsonl", folder)


def snapshot_of_object_store(request: pytest.FixtureRequest, folder: Path) -> Place:
    """The object that holds the state itself, which only who reads or folds looks at."""
    del request
    return objects_at("snapshots", folder)


def objects_at(name: str, folder: Path) -> Place:
    objects = memory_objects()

    def interfere(change: Callable[[bytes], bytes | None]) -> None:
        (key,) = (each for each in objects.keys("workspaces/default") if f"/{name}" in each)
        found = objects.get(key)
        assert found is not None
        content = change(found.content)
        objects.delete([key]) if content is None else objects.put(key, content)

    around = replace(surroundings(), rescue=rescue_into(folder))
    return Place(
        ObjectStoreWorkspaces(objects, around).open("default"),
        lambda: ObjectStoreWorkspaces(objects, surroundings()).open("default"),
        interfere,
    )


def pg(request: pytest.FixtureRequest, folder: Path) -> Place:
    server: PostgresServer = request.getfixturevalue("postgres")
    request.addfinalizer(server.end_sessions)
    schema = server.new_schema()
    place = PgPlace(target=make_target(server.url, schema, {}))
    opened: list[StateBackend] = []  # kept: a session that nobody refers to is closed

    def interfere(change: Callable[[bytes], bytes | None]) -> None:
        ((found,),) = server.run("SELECT snapshot FROM {}.states", schema)
        assert isinstance(found, bytes)
        content = change(found)
        with server.connect() as connection:
            table = psycopg.sql.SQL("{}.states").format(psycopg.sql.Identifier(schema))
            if content is None:
                connection.execute(psycopg.sql.SQL("DELETE FROM {}").format(table))
            else:
                words = psycopg.sql.SQL("UPDATE {} SET snapshot = %s, version = 'another'")
                connection.execute(words.format(table), [content])

    def look() -> StateBackend:
        opened.append(PgBackend(place))
        return opened[-1]

    return Place(PgBackend(place, rescue=rescue_into(folder)), look, interfere)


def http(request: pytest.FixtureRequest, folder: Path) -> Place:
    server: StateServer = request.getfixturevalue("http_states")
    place = http_place(server, folder / "data", interval=0)
    elsewhere = replace(place, folder=folder / "elsewhere")

    def interfere(change: Callable[[bytes], bytes | None]) -> None:
        stored = server.state("/state")
        stored.content = change(stored.content) or b""

    return Place(
        HttpBackend(place, now=utc_now, rescue=rescue_into(folder)),
        lambda: HttpBackend(elsewhere, now=utc_now),
        interfere,
    )


PLACES = {
    "local": local,
    "object store": object_store,
    "snapshot of object store": snapshot_of_object_store,
    "pg": pg,
    "http": http,
}
CHANGES: dict[str, Callable[[bytes], bytes | None]] = {
    "removed": lambda content: None,  # noqa: ARG005
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",  # noqa: ARG005
    "written over": lambda content: b"{}" + content[2:],
    "no text": lambda content: b"\xff\xfe\x00" * 20,  # noqa: ARG005
}


def recorded(found: State | None) -> set[str]:
    return set() if found is None else {str(each.address) for each in found.records}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", PLACES)
def test_while_a_run_works(
    place: str, change: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = PLACES[place](request, tmp_path)
    made.run.write(state(record(TRAIN)), expected_serial=None)
    made.run.begin(state(record(TRAIN)), RUN)
    made.interfere(CHANGES[change])
    try:
        made.run.append((Recorded(step="s1", record=record(MODEL)),))
        done = state(record(TRAIN), record(MODEL), serial=1)
        made.run.write(done, expected_serial=0)
    except BackendError as problem:
        said = f"{problem.summary}: {problem.detail}"
        kept = understand((tmp_path / KEPT).read_bytes(), None)
        assert kept is not None
        assert recorded(kept.recovered) == {str(TRAIN), str(MODEL)}
        assert KEPT in said, "where it is"
        check_next(made, change, kept.recovered)
    else:
        assert recorded(made.look().read()) == {str(TRAIN), str(MODEL)}, "the fold mended it"


def check_next(made: Place, change: str, kept: State) -> None:
    """Who comes next is told of damage, and finds nothing where nothing is."""
    try:
        found = made.look().read()
    except BackendError:
        assert change != "removed"
        return
    if change == "cut short":
        # That may be no more than the end of a line that nobody was told is there.
        assert recorded(found) == {str(TRAIN)}
        return
    assert change in {"removed", "empty"}
    assert found is None
    made.look().write(kept, expected_serial=None)
    assert made.look().read() == kept
