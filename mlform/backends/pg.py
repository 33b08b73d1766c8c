"""The state in PostgreSQL: a row for each workspace, the lock an advisory lock of the session.

An advisory lock goes away with the session that holds it, within milliseconds of its death, so
there is no dead holder to take over from. A row of the table `locks` says who holds it, for
messages, and is what counts: each statement that writes looks whether the row is still this run's.
The number of the advisory lock counts on (`epoch`) whenever the lock is forced open, so that a
holder that cannot be stopped holds the lock of the past.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NoReturn

import psycopg

from mlform.backends.arguments import Arguments
from mlform.backends.base import (
    DEFAULT_WORKSPACE,
    LockInfo,
    StateBackend,
    check_broken,
    check_held,
    describe_holder,
    lock_from_json,
    lock_to_json,
    workspace_exists,
)
from mlform.backends.journaled import JournaledBackend
from mlform.backends.pg_session import PATIENCE, Rows, Session, Target, make_target
from mlform.backends.pg_tables import Creation, Statements, create_missing
from mlform.backends.storage import Content, replaced_meanwhile
from mlform.dataclass import dataclass, field
from mlform.digests import digest_bytes
from mlform.errors import BackendError, LockLost, StateLocked
from mlform.state.encryption import PLAIN, Cipher

SCHEMA: Final = "mlform_remote_state"
"""Where the tables are, unless another schema is given."""
_PAUSE: Final = 0.2  # seconds between attempts to take a lock
_RETAKE: Final = 5.0
"""Seconds for which a lock is taken again whose session the server has not yet seen to be over."""
_LOOKS: Final = 20
_LOOK_PAUSE: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PgPlace:
    """Where states are kept.

    Attributes:
        target: Database and schema.
        creation: What may be created there.
        patience: Seconds for which a server that goes away during a run is waited for.
    """

    target: Target
    creation: Creation = field(default_factory=Creation)
    patience: float = PATIENCE


def make_place(given: Mapping[str, object], variables: Mapping[str, str]) -> PgPlace:
    """Return the place that a backend block names.

    Args:
        given: Its arguments.
        variables: The process environment: `PG_…` for arguments that are not given.

    Raises:
        BackendError: If they cannot be understood.
    """
    arguments = Arguments(given=given, variables=variables, prefix="PG_")
    schema = arguments.text("schema_name", SCHEMA)
    return PgPlace(
        target=make_target(arguments.text("conn_str"), schema, variables),
        creation=Creation(
            schema=not arguments.flag("skip_schema_creation"),
            tables=not arguments.flag("skip_table_creation"),
            indexes=not arguments.flag("skip_index_creation"),
        ),
    )


class PgWorkspace:
    """The rows of one workspace, reached by one session that may hold its lock."""

    def __init__(self, place: PgPlace, name: str) -> None:
        self.name = name
        self.statements = Statements(place.target.schema)
        self.session = Session(
            place.target,
            lambda session: create_missing(session, self.statements, place.creation),
            patience=place.patience,
        )
        self.lock_id = ""

    @property
    def locked(self) -> bool:
        """Whether the lock was taken."""
        return bool(self.lock_id)

    @property
    def shown(self) -> str:
        """The place for people."""
        workspace = "" if self.name == DEFAULT_WORKSPACE else f", workspace {self.name}"
        return f"{self.session.target.shown}{workspace}"

    @property
    def key(self) -> int:
        """The advisory lock of the first epoch."""
        return self.statements.key(self.name)

    def parameters(self, **others: object) -> dict[str, object]:
        """Return what every statement takes, and more."""
        return {"workspace": self.name, "lock": self.lock_id, **others}

    def holder(self) -> LockInfo | None:
        """Return who holds the lock, or None.

        Raises:
            BackendError: If that cannot be told.
        """
        parameters, looks = self.parameters(key=self.key), 0
        while True:
            rows = self.session.read(self.statements.holder, parameters)
            if not rows or rows[0][3] is None:
                return None
            _, told, session, pid, _ = rows[0]
            if session == pid:
                return _told(told)
            if looks == _LOOKS:
                raise self._silent(pid)
            time.sleep(_LOOK_PAUSE)  # taken a moment ago, or forced open: the row is behind
            looks += 1

    def _silent(self, pid: object) -> BackendError:
        return BackendError(
            "Who holds the lock of the state cannot be told",
            f"{self.shown}: session {pid} of PostgreSQL holds it and did not say who it is. Wait "
            f"for it to end, or have it ended: SELECT pg_terminate_backend({pid})",
        )

    def check_held(self) -> None:
        """Check that the lock is still held, if it was taken.

        Raises:
            LockLost: If somebody took it, or it was lost with the connection.
        """
        if not self.locked:
            return
        rows = self.session.read(self.statements.holder, self.parameters(key=self.key))
        lock_id, told, session, pid, own = rows[0] if rows else ("", "", 0, None, 0)
        if lock_id != self.lock_id:
            check_held(_told(told) if pid is not None else None, self.lock_id)
        if not session == pid == own:
            raise _lost_with_session(self.shown)


def _told(told: object) -> LockInfo | None:
    try:
        return lock_from_json(json.loads(str(told)))
    except ValueError:
        return None


def _lost_with_session(shown: str) -> LockLost:
    return LockLost(
        "The lock of the state was lost with the connection",
        f"{shown}: the connection to PostgreSQL that held the lock is gone, or is shared with "
        "others by a pooler in transaction mode, which takes locks away from whom they belong to. "
        "What this run finished before is recorded. Connect to PostgreSQL itself, or through a "
        "pooler in session mode, and run the command again.",
    )


class PgStorage:
    """Keeps bytes in the rows of a workspace; see `Storage`.

    A snapshot's version is the digest of its bytes, and lines are known by where in the journal
    they start: so that a statement may be run again that may have been done already.
    """

    def __init__(self, workspace: PgWorkspace) -> None:
        self._workspace = workspace
        self._statements = workspace.statements
        self._ends: dict[str, int] = {}

    def load(self) -> Content:
        """Return what is kept; one statement, so all of one moment."""
        rows = self._workspace.session.read(self._statements.load, self._workspace.parameters())
        if not rows:
            return Content()
        snapshot, version, journal_id, lines = rows[0]
        journal = lines if isinstance(lines, bytes) else b""
        self._ends = {str(journal_id): len(journal)}
        return Content(
            snapshot=snapshot if isinstance(snapshot, bytes) else None,
            version=str(version),
            journal=journal,
            journal_id=str(journal_id),
        )

    def replace(self, snapshot: bytes, *, expected: str) -> str:
        """Store a snapshot."""
        version = digest_bytes(snapshot)
        statement = self._statements.replace(first=not expected, locked=self._workspace.locked)
        if not self._run(statement, snapshot=snapshot, version=version, expected=expected):
            self._refuse()
        return version

    def begin(self, header: bytes, journal_id: str) -> None:
        """Start a journal."""
        statement = self._statements.begin(locked=self._workspace.locked)
        if not self._run(statement, content=header, journal=journal_id):
            self._refuse()
        self._ends = {journal_id: len(header)}

    def append(self, lines: bytes, journal_id: str) -> None:
        """Add to a journal: one statement, whatever the size of state and journal."""
        start = self._ends.get(journal_id, 0)
        self._append(lines, journal_id, start)
        self._ends[journal_id] = start + len(lines)

    def _append(self, lines: bytes, journal_id: str, start: int) -> None:
        values = {"content": lines, "journal": journal_id, "start": start}
        statement = self._statements.append(locked=self._workspace.locked)
        if self._run(statement, **values):
            return
        done = self._appended(values)
        if not done or not lines.startswith(done):
            self._refuse()
        if len(done) < len(lines):
            self._append(lines[len(done) :], journal_id, start + len(done))

    def keep(self, journals: Mapping[str, bytes]) -> None:
        """Add journals to the history: one statement, however many."""
        self._run_on_history(self._statements.keep(locked=self._workspace.locked), journals)

    def renew(self, journals: Mapping[str, bytes]) -> None:
        """Replace journals of the history: one statement, however many."""
        self._run_on_history(self._statements.renew(locked=self._workspace.locked), journals)

    def end(self, journal_id: str) -> None:
        """Remove a journal."""
        self._run(self._statements.end(locked=self._workspace.locked), journal=journal_id)

    def history(self) -> Iterator[tuple[str, bytes]]:
        """Return the journals that were kept."""
        after = ""
        while rows := self._rows_after(after):
            for name, content in rows:
                after = str(name)
                yield after, content if isinstance(content, bytes) else b""

    def describe(self) -> str:
        """Return where it is."""
        return self._workspace.shown

    def together(self, work: Callable[[], None]) -> None:
        """Do several of these calls in one transaction."""
        ends = dict(self._ends)

        def attempt() -> None:
            self._ends = dict(ends)
            work()

        self._workspace.session.together(attempt)

    def _run(self, statement: psycopg.sql.Composed, **values: object) -> Rows:
        return self._workspace.session.run(statement, self._workspace.parameters(**values))

    def _run_on_history(
        self, statement: psycopg.sql.Composed, journals: Mapping[str, bytes]
    ) -> None:
        self._run(statement, names=list(journals), contents=list(journals.values()))

    def _rows_after(self, name: str) -> Rows:
        parameters = self._workspace.parameters(after=name)
        return self._workspace.session.read(self._statements.history, parameters)

    def _appended(self, values: dict[str, object]) -> bytes:
        """Return lines that are there already: the connection broke after they were written."""
        self._workspace.check_held()
        rows = self._workspace.session.read(
            self._statements.appended, self._workspace.parameters(**values)
        )
        found = rows[0][0] if rows else b""
        return found if isinstance(found, bytes) else b""

    def _refuse(self) -> NoReturn:
        """Say why nothing was written.

        Raises:
            LockLost: If the lock is held no more.
            StateConflict: If it is not the journal or snapshot any more that this run left.
        """
        self._workspace.check_held()
        raise replaced_meanwhile(self.describe())


class PgLock:
    """The advisory lock of a workspace, held by its session; see `Lock`."""

    def __init__(self, workspace: PgWorkspace) -> None:
        self._workspace = workspace
        self._session = workspace.session
        self._statements = workspace.statements

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock."""
        deadline = time.monotonic() + timeout
        values = {"key": self._workspace.key, "holder": json.dumps(lock_to_json(info))}
        parameters = {**self._workspace.parameters(**values), "lock": info.id}
        while not self._try(parameters):
            if time.monotonic() >= deadline:
                self._session.close()
                raise StateLocked("The state is locked", describe_holder(self._holder()))
            time.sleep(min(_PAUSE, max(0.01, deadline - time.monotonic())))
        self._workspace.lock_id = info.id
        self._session.restoring(self._retake)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back; where the connection is gone, so is the lock."""
        if self._workspace.lock_id != lock_id or not lock_id:
            return
        parameters = self._workspace.parameters()
        self._session.restoring(None)
        self._workspace.lock_id = ""
        if self._session.is_connected:
            with contextlib.suppress(psycopg.Error):
                self._session.execute(self._statements.unlock, parameters)
        self._session.close()

    def holder(self) -> LockInfo | None:
        """Return who holds the lock."""
        return self._workspace.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from its holder, and end its session where that is allowed."""
        check_broken(self._workspace.holder(), lock_id)
        parameters = {**self._workspace.parameters(key=self._workspace.key), "lock": lock_id}
        with contextlib.suppress(psycopg.Error):
            self._session.execute(self._statements.end_session, parameters)
        if not self._session.run(self._statements.break_lock, parameters):
            check_broken(self._workspace.holder(), lock_id)

    def check(self) -> None:
        """Check nothing: every statement that writes looks itself whether the lock is held."""

    def _try(self, parameters: dict[str, object]) -> bool:
        if self._session.run(self._statements.try_lock, parameters):
            return True
        # Not there yet; or forced open between two looks, which leaves us with an old one.
        made = self._session.run(self._statements.make_slot, parameters)
        return bool(made) and bool(self._session.run(self._statements.try_lock, parameters))

    def _holder(self) -> LockInfo | None:
        with contextlib.suppress(BackendError):
            return self._workspace.holder()
        return None

    def _retake(self) -> None:
        """Take the lock again on a new connection, if nobody had it in between.

        The server may not have noticed that the old session is over: it is ended then.

        Raises:
            LockLost: If somebody had it, or has it.
        """
        parameters = self._workspace.parameters(key=self._workspace.key)
        deadline = time.monotonic() + _RETAKE
        while not self._session.execute(self._statements.retake, parameters):
            rows = self._session.execute(self._statements.holder, parameters)
            if not rows or rows[0][0] != self._workspace.lock_id:
                check_held(_told(rows[0][1]) if rows else None, self._workspace.lock_id)
            if time.monotonic() >= deadline:
                raise _lost_with_session(self._workspace.shown)
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                self._session.execute(self._statements.end_session, parameters)
            time.sleep(_LOOK_PAUSE)


class PgBackend(JournaledBackend):
    """A state in PostgreSQL."""

    def __init__(
        self,
        place: PgPlace,
        name: str = DEFAULT_WORKSPACE,
        *,
        cipher: Cipher = PLAIN,
        rescue: Callable[[bytes], str] | None = None,
    ) -> None:
        """Name a workspace; nothing is connected yet.

        Args:
            place: Where it is.
            name: Of the workspace.
            cipher: Seals what is kept.
            rescue: Keeps on this machine what the server does not take.
        """
        workspace = PgWorkspace(place, name)
        storage = PgStorage(workspace)
        super().__init__(
            storage, PgLock(workspace), cipher=cipher, rescue=rescue, together=storage.together
        )


class PgWorkspaces:
    """States in PostgreSQL by workspace; see `Workspaces`."""

    def __init__(
        self,
        place: PgPlace,
        *,
        cipher: Cipher = PLAIN,
        rescue: Callable[[bytes], str] | None = None,
    ) -> None:
        """Name the place; nothing is connected yet."""
        self._place = place
        self._cipher = cipher
        self._rescue = rescue

    def names(self) -> tuple[str, ...]:
        """Return the workspaces that exist."""
        workspace = PgWorkspace(self._place, DEFAULT_WORKSPACE)
        rows = workspace.session.read(workspace.statements.names, {})
        workspace.session.close()
        others = sorted(str(name) for (name,) in rows if name != DEFAULT_WORKSPACE)
        return (DEFAULT_WORKSPACE, *others)

    def open(self, name: str) -> StateBackend:
        """Return the state of a workspace."""
        return PgBackend(self._place, name, cipher=self._cipher, rescue=self._rescue)

    def create(self, name: str) -> None:
        """Make a workspace exist."""
        workspace = PgWorkspace(self._place, name)
        made = workspace.session.run(workspace.statements.create, workspace.parameters())
        workspace.session.close()
        if not made or name == DEFAULT_WORKSPACE:
            raise workspace_exists(name)

    def delete(self, name: str) -> None:
        """Remove a workspace."""
        workspace = PgWorkspace(self._place, name)
        workspace.session.run(workspace.statements.delete, workspace.parameters())
        workspace.session.close()
