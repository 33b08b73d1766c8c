"""What is particular to PostgreSQL: creating, rights, breaks of the connection, secrets."""

from __future__ import annotations

import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mlform.backends.pg import (
    PgBackend,
    PgLock,
    PgPlace,
    PgStorage,
    PgWorkspace,
    PgWorkspaces,
    make_place,
)
from mlform.backends.pg_session import make_target
from mlform.digests import digest_bytes
from mlform.errors import BackendError, LockLost, StateConflict, StateLocked
from mlform.state.snapshot import Recorded
from tests.contracts.state_samples import MODEL, RUN, TRAIN, journals, lock_info, record, state
from tests.e2e.cli import ROOT
from tests.postgres import PASSWORD, PostgresServer
from tests.wire import wire_to


@pytest.fixture
def place(postgres: PostgresServer) -> PgPlace:
    return PgPlace(target=make_target(postgres.url, postgres.new_schema(), {}), patience=20)


def test_many_first_users_do_not_get_in_each_others_way(place: PgPlace) -> None:
    together = threading.Barrier(8)

    def first(number: int) -> None:
        backend = PgBackend(place, f"w{number}")
        together.wait()
        backend.lock(lock_info(f"id-{number}"))
        backend.write(state(serial=1), expected_serial=None)
        backend.unlock(f"id-{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(first, range(8)))
    assert PgWorkspaces(place).names() == ("default", *(f"w{number}" for number in range(8)))


def test_reading_creates_nothing(postgres: PostgresServer, place: PgPlace) -> None:
    assert PgBackend(place).read() is None
    assert list(PgBackend(place).history()) == []
    assert PgBackend(place).holder() is None
    assert PgWorkspaces(place).names() == ("default",)
    found = postgres.run("SELECT nspname FROM pg_namespace")
    assert (place.target.schema,) not in found


@pytest.mark.parametrize("skipped", ["schema", "tables", "indexes"])
def test_what_is_not_to_be_created_is_asked_for(
    postgres: PostgresServer, place: PgPlace, skipped: str
) -> None:
    bare = replace(place, creation=replace(place.creation, **{skipped: False}))
    with pytest.raises(BackendError, match=r"remote-state\.md") as caught:
        PgBackend(bare).lock(lock_info("id-1"))
    assert "lacks what the states are kept in" in caught.value.summary
    if skipped == "schema":
        postgres.run("CREATE SCHEMA {}", place.target.schema)
        PgBackend(bare).lock(lock_info("id-1"))


def test_an_administrator_may_create_as_the_page_says(postgres: PostgresServer) -> None:
    page = (ROOT / "docs/how-to/remote-state.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    with postgres.connect() as connection:
        connection.execute("CREATE ROLE mlform LOGIN PASSWORD 'm'")
        connection.execute(script.encode())
    url = f"postgres://mlform:m@127.0.0.1:{postgres.port}/postgres"
    skipped = {"schema_name": "titanic"}
    for what in ("schema", "table", "index"):
        skipped[f"skip_{what}_creation"] = "true"
    place = make_place({"conn_str": url, **skipped}, {})
    run = PgBackend(place)
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    run.write(state(record(TRAIN), serial=1), expected_serial=0)
    run.unlock("id-1")
    assert PgBackend(place).read() == state(record(TRAIN), serial=1)


def test_one_who_may_only_read_can_read(postgres: PostgresServer, place: PgPlace) -> None:
    PgBackend(place).write(state(record(TRAIN), serial=1), expected_serial=None)
    postgres.run("DROP ROLE IF EXISTS reader")
    postgres.run("CREATE ROLE reader LOGIN PASSWORD 'r'")
    postgres.run("GRANT USAGE ON SCHEMA {} TO reader", place.target.schema)
    postgres.run("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO reader", place.target.schema)
    url = f"postgres://reader:r@127.0.0.1:{postgres.port}/postgres"
    reader = PgBackend(PgPlace(target=make_target(url, place.target.schema, {})))
    assert reader.read() == state(record(TRAIN), serial=1)
    with pytest.raises(BackendError, match="Have an administrator") as caught:
        reader.lock(lock_info("id-1"))
    assert "does not allow" in caught.value.summary
    other = PgBackend(PgPlace(target=make_target(url, "not there", {})))
    with pytest.raises(BackendError, match="does not allow"):
        other.write(state(serial=1), expected_serial=None)


def test_tables_of_something_else_are_refused(postgres: PostgresServer, place: PgPlace) -> None:
    postgres.run("CREATE SCHEMA {}", place.target.schema)
    postgres.run("CREATE TABLE {}.states (id bigint, name text, data text)", place.target.schema)
    with pytest.raises(BackendError, match="Give another schema_name"):
        PgBackend(place).read()


def test_a_break_of_the_connection_is_survived(postgres: PostgresServer, place: PgPlace) -> None:
    run = PgBackend(place)
    run.lock(lock_info("id-1"))
    postgres.end_sessions()
    run.begin(state(), RUN)
    postgres.end_sessions()
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    with pytest.raises(StateLocked, match="id-1"):
        PgBackend(place).lock(lock_info("id-2"))
    postgres.end_sessions()
    run.write(state(record(TRAIN), serial=1), expected_serial=0)
    assert PgBackend(place).read() == state(record(TRAIN), serial=1)
    run.unlock("id-1")
    assert PgBackend(place).holder() is None


@pytest.mark.parametrize("message", [b"BEGIN", b"COMMIT", b"journal_lines", b"snapshot", b"held"])
def test_an_answer_that_is_lost_is_found_out(
    postgres: PostgresServer, place: PgPlace, message: bytes
) -> None:
    with wire_to(postgres.port) as wire:
        url = postgres.url.replace(str(postgres.port), str(wire.port))
        run = PgBackend(replace(place, target=make_target(url, place.target.schema, {})))
        run.lock(lock_info("id-1"))
        wire.lose.append(message)
        run.begin(state(), RUN)
        wire.lose.append(message)
        run.append((Recorded(step="s1", record=record(TRAIN)),))
        run.append((Recorded(step="s2", record=record(MODEL)),))
        wire.lose.append(message)
        run.write(state(record(TRAIN), record(MODEL), serial=1), expected_serial=0)
        assert wire.lost >= 2
        (journal,) = journals(PgBackend(place))
        assert [entry.step for entry in journal.entries if isinstance(entry, Recorded)] == [
            "s1",
            "s2",
        ]
        assert PgBackend(place).read() == state(record(TRAIN), record(MODEL), serial=1)
        run.unlock("id-1")


def test_a_lock_that_another_had_meanwhile_is_lost(
    postgres: PostgresServer, place: PgPlace
) -> None:
    run = PgBackend(place)
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    postgres.end_sessions()
    other = PgBackend(place)
    other.lock(lock_info("id-2"))
    with pytest.raises(LockLost, match="ada@lab holds it now"):
        run.append((Recorded(step="s1", record=record(TRAIN)),))
    other.unlock("id-2")
    for _ in range(2):
        with pytest.raises(LockLost, match="taken from this run"):
            run.append((Recorded(step="s1", record=record(TRAIN)),))
    with pytest.raises(LockLost):
        run.write(state(serial=1), expected_serial=0)
    assert PgBackend(place).read() == state()


def test_a_holder_that_may_not_be_stopped_loses_the_lock_all_the_same(
    postgres: PostgresServer, place: PgPlace
) -> None:
    run = PgBackend(place)
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    postgres.run("DROP ROLE IF EXISTS colleague")
    postgres.run("CREATE ROLE colleague LOGIN PASSWORD 'c'")
    postgres.run("GRANT ALL ON SCHEMA {} TO colleague", place.target.schema)
    postgres.run("GRANT ALL ON ALL TABLES IN SCHEMA {} TO colleague", place.target.schema)
    url = f"postgres://colleague:c@127.0.0.1:{postgres.port}/postgres"
    colleague = PgBackend(PgPlace(target=make_target(url, place.target.schema, {})))
    colleague.break_lock("id-1")
    assert PgBackend(place).holder() is None
    with pytest.raises(LockLost):
        run.append((Recorded(step="s1", record=record(TRAIN)),))
    colleague.lock(lock_info("id-2"))
    with pytest.raises(LockLost, match="ada@lab"):
        run.write(state(serial=1), expected_serial=0)


def test_a_session_takes_a_lock_once(place: PgPlace) -> None:
    """PostgreSQL gives a session the same lock twice, and a pooler one session to two runs."""
    workspace = PgWorkspace(place, "default")
    PgLock(workspace).lock(lock_info("id-1"))
    with pytest.raises(StateLocked, match="id-1"):
        PgLock(workspace).lock(lock_info("id-2"))
    with pytest.raises(StateLocked, match="id-1"):
        PgBackend(place).lock(lock_info("id-3"))


def test_a_session_that_is_shared_with_others_is_noticed(place: PgPlace) -> None:
    """A pooler in transaction mode runs each statement in whatever session is free."""
    mine, borrowed = PgWorkspace(place, "default"), PgWorkspace(place, "default")
    PgLock(mine).lock(lock_info("id-1"))
    PgStorage(mine).replace(b"{}", expected="")
    borrowed.lock_id = "id-1"
    with pytest.raises(LockLost, match="pooler in transaction mode"):
        PgStorage(borrowed).replace(b"{1}", expected=digest_bytes(b"{}"))
    assert PgStorage(mine).load().snapshot == b"{}"


def test_a_dead_holder_leaves_no_lock(postgres: PostgresServer, place: PgPlace) -> None:
    dead = PgBackend(place)
    dead.lock(lock_info("id-1"))
    postgres.end_sessions()
    assert PgBackend(place).holder() is None
    with pytest.raises(BackendError, match="not locked"):
        PgBackend(place).break_lock("id-1")
    PgBackend(place).lock(lock_info("id-2"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_starts_again_is_waited_for(
    postgres: PostgresServer, place: PgPlace, how: signal.Signals
) -> None:
    run = PgBackend(place)
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    run.append((Recorded(step="s1", record=record(TRAIN)),))
    postgres.stop(how)
    with ThreadPoolExecutor(1) as pool:
        appended = pool.submit(run.append, (Recorded(step="s2", record=record(MODEL)),))
        time.sleep(0.5)
        assert not appended.done()
        postgres.start()  # here, because the server ends with the thread that started it
        appended.result()
    run.write(state(record(TRAIN), record(MODEL), serial=1), expected_serial=0)
    assert PgBackend(place).read() == state(record(TRAIN), record(MODEL), serial=1)


def test_a_server_that_stays_away_is_given_up(postgres: PostgresServer, place: PgPlace) -> None:
    run = PgBackend(replace(place, patience=0.3), rescue=lambda content: f"file {len(content)}")
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    postgres.stop()
    try:
        with pytest.raises(BackendError, match="kept in file") as caught:
            run.append((Recorded(step="s1", record=record(TRAIN)),))
        assert caught.value.summary == "PostgreSQL cannot be reached"
        run.unlock("id-1")
    finally:
        postgres.start()


def test_workspaces_are_rows(place: PgPlace) -> None:
    workspaces = PgWorkspaces(place)
    workspaces.create("blue")
    with pytest.raises(BackendError, match="already exists"):
        workspaces.create("blue")
    with pytest.raises(BackendError, match="already exists"):
        workspaces.create("default")
    assert workspaces.open("blue").read() is None
    workspaces.open("blue").write(state(serial=1), expected_serial=None)
    workspaces.open("default").write(state(serial=7), expected_serial=None)
    assert workspaces.open("blue").read() == state(serial=1)
    workspaces.open("blue").lock(lock_info("id-1"))
    workspaces.open("default").lock(lock_info("id-2"))
    assert workspaces.names() == ("default", "blue")
    workspaces.delete("blue")
    assert workspaces.names() == ("default",)
    assert workspaces.open("blue").read() is None
    assert list(workspaces.open("blue").history()) == []
    assert workspaces.open("default").read() == state(serial=7)


def test_another_run_without_lock_is_noticed(place: PgPlace) -> None:
    run = PgBackend(place)
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    PgBackend(place).write(state(serial=1), expected_serial=0)
    with pytest.raises(StateConflict):
        run.append((Recorded(step="s1", record=record(TRAIN)),))
    with pytest.raises(StateConflict):
        run.write(state(serial=1), expected_serial=0)


def test_the_password_is_in_no_message(postgres: PostgresServer) -> None:
    wrong = "very: secret/&"
    quoted = "very%3A%20secret%2F%26"
    urls = [
        f"postgres://ada:{quoted}@127.0.0.1:{postgres.port}/postgres",
        f"postgres://ada:{quoted}@127.0.0.1:1/postgres",
        f"postgres://ada:{quoted}@nowhere.invalid/postgres?connect_timeout=2",
        f"postgres://ada:{wrong}@127.0.0.1/postgres",
        f"postgrs//ada:{quoted}@127.0.0.1/postgres",
        f"host=127.0.0.1 port=1 password='{wrong}' sslmode=nonsense",
    ]
    for url in urls:
        with pytest.raises(BackendError) as caught:
            PgBackend(make_place({"conn_str": url}, {})).read()
        told = f"{caught.value.summary} {caught.value.detail}"
        assert "secret" not in told
        assert "conn_str" in told


def test_arguments_and_variables(postgres: PostgresServer) -> None:
    variables = {
        "PG_CONN_STR": postgres.url,
        "PG_SCHEMA_NAME": postgres.new_schema(),
        "PG_SKIP_TABLE_CREATION": "true",
    }
    place = make_place({}, variables)
    assert place.target.shown == (
        f"postgres://127.0.0.1:{postgres.port}/postgres (schema {variables['PG_SCHEMA_NAME']})"
    )
    assert not place.creation.tables
    assert place.creation.schema
    assert PASSWORD not in place.target.shown
    given = make_place({"schema_name": "mine", "skip_table_creation": False}, variables)
    assert (given.target.schema, given.creation.tables) == ("mine", True)
    with pytest.raises(BackendError, match="PG_SKIP_TABLE_CREATION"):
        make_place({}, {"PG_SKIP_TABLE_CREATION": "maybe"})
    plain = make_place({}, {"PGHOST": "db", "PGUSER": "ada"})
    assert plain.target.shown == "postgres://db:5432/ada (schema mlform_remote_state)"
