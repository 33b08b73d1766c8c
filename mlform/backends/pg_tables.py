"""The tables of the states in PostgreSQL, and every statement that is run on them.

Each statement that writes finds out itself whether the run still holds the lock: `held` has a row
then, and that row cannot change until the statement is over. Each can be run twice without harm.
"""

from __future__ import annotations

import hashlib
from typing import Final, LiteralString

from psycopg import sql

from mlform.backends.pg_session import Session
from mlform.dataclass import dataclass

_SCHEMA: Final = "CREATE SCHEMA {schema}"
_HAS_SCHEMA: Final = "SELECT 1 FROM pg_namespace WHERE nspname = %(schema)s"
"""Asked first, because `IF NOT EXISTS` needs the right to create where there is nothing to do."""
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS {states} (
        workspace text NOT NULL,
        snapshot bytea,
        version text NOT NULL DEFAULT '',
        journal_id text NOT NULL DEFAULT '',
        begun_with text NOT NULL DEFAULT ''
    );
    CREATE TABLE IF NOT EXISTS {lines} (
        workspace text NOT NULL,
        journal_id text NOT NULL,
        start bigint NOT NULL,
        content bytea NOT NULL
    );
    CREATE TABLE IF NOT EXISTS {journals} (
        workspace text NOT NULL,
        name text COLLATE "C" NOT NULL,
        content bytea NOT NULL
    );
    CREATE TABLE IF NOT EXISTS {locks} (
        workspace text NOT NULL,
        epoch bigint NOT NULL DEFAULT 0,
        id text NOT NULL DEFAULT '',
        holder text NOT NULL DEFAULT '',
        session integer NOT NULL DEFAULT 0
    )
"""
_INDEXES: Final = """
    CREATE UNIQUE INDEX IF NOT EXISTS states_by_workspace ON {states} (workspace);
    CREATE UNIQUE INDEX IF NOT EXISTS journal_lines_in_order
        ON {lines} (workspace, journal_id, start);
    CREATE UNIQUE INDEX IF NOT EXISTS journals_by_name ON {journals} (workspace, name);
    CREATE UNIQUE INDEX IF NOT EXISTS locks_by_workspace ON {locks} (workspace)
"""
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(%(key)s)"
"""Two that create what `IF NOT EXISTS` does not find would otherwise be in each other's way."""

_HELD: Final = """
    SELECT FROM {locks}
    WHERE workspace = %(workspace)s AND id = %(lock)s AND session = pg_backend_pid()
    FOR SHARE
"""
_UNLOCKED: Final = "SELECT"  # one row, always: this run took no lock

_LOAD: Final = """
    SELECT snapshot, version, journal_id, (
        SELECT string_agg(content, ''::bytea ORDER BY start) FROM {lines} AS line
        WHERE line.workspace = state.workspace AND line.journal_id = state.journal_id
    )
    FROM {states} AS state WHERE workspace = %(workspace)s
"""
_REPLACE: Final = """
    WITH held AS ({held})
    UPDATE {states} SET snapshot = %(snapshot)s, version = %(version)s
    WHERE workspace = %(workspace)s AND version IN (%(expected)s, %(version)s)
    AND EXISTS (SELECT FROM held)
    RETURNING 1
"""
_STORE_FIRST: Final = """
    WITH held AS ({held})
    INSERT INTO {states} AS state (workspace, snapshot, version)
    SELECT %(workspace)s, %(snapshot)s, %(version)s WHERE EXISTS (SELECT FROM held)
    ON CONFLICT (workspace) DO UPDATE SET snapshot = excluded.snapshot, version = excluded.version
    WHERE state.version IN ('', excluded.version)
    RETURNING 1
"""
_BEGIN: Final = """
    WITH held AS ({held}), begun AS (
        UPDATE {states} SET journal_id = %(journal)s, begun_with = version
        WHERE workspace = %(workspace)s AND EXISTS (SELECT FROM held)
        RETURNING workspace
    ), gone AS (
        DELETE FROM {lines} AS line USING begun
        WHERE line.workspace = begun.workspace AND journal_id <> %(journal)s
    ), header AS (
        INSERT INTO {lines} (workspace, journal_id, start, content)
        SELECT workspace, %(journal)s, 0, %(content)s FROM begun
        ON CONFLICT (workspace, journal_id, start) DO NOTHING
    )
    SELECT 1 FROM begun
"""
_APPEND: Final = """
    WITH held AS ({held}), current AS (
        SELECT workspace FROM {states}
        WHERE workspace = %(workspace)s AND journal_id = %(journal)s AND begun_with = version
        FOR SHARE
    )
    INSERT INTO {lines} (workspace, journal_id, start, content)
    SELECT workspace, %(journal)s, %(start)s, %(content)s FROM current
    WHERE EXISTS (SELECT FROM held)
    ON CONFLICT (workspace, journal_id, start) DO NOTHING
    RETURNING 1
"""
_APPENDED: Final = """
    SELECT content FROM {states} JOIN {lines} AS line USING (workspace, journal_id)
    WHERE workspace = %(workspace)s AND journal_id = %(journal)s AND begun_with = version
    AND start = %(start)s
"""
_KEEP: Final = """
    WITH held AS ({held})
    INSERT INTO {journals} (workspace, name, content)
    SELECT %(workspace)s, name, content
    FROM unnest(%(names)s::text[], %(contents)s::bytea[]) AS given (name, content)
    WHERE EXISTS (SELECT FROM held)
    ON CONFLICT (workspace, name) DO NOTHING
"""
_RENEW: Final = """
    WITH held AS ({held})
    UPDATE {journals} AS journal SET content = given.content
    FROM unnest(%(names)s::text[], %(contents)s::bytea[]) AS given (name, content)
    WHERE workspace = %(workspace)s AND journal.name = given.name AND EXISTS (SELECT FROM held)
"""
_END: Final = """
    WITH held AS ({held}), over AS (
        UPDATE {states} SET journal_id = ''
        WHERE workspace = %(workspace)s AND journal_id = %(journal)s AND EXISTS (SELECT FROM held)
    )
    DELETE FROM {lines}
    WHERE workspace = %(workspace)s AND journal_id = %(journal)s AND EXISTS (SELECT FROM held)
"""
_HISTORY: Final = """
    SELECT name, content FROM {journals}
    WHERE workspace = %(workspace)s AND name > %(after)s ORDER BY name LIMIT 20
"""

_SHARED: Final = "id <> '' AND session = pg_backend_pid()"
"""The session holds the lock for somebody else: a pooler lent it. It would get the lock again."""
_TRY_LOCK: Final = """
    WITH slot AS MATERIALIZED (
        SELECT epoch, pg_try_advisory_lock(%(key)s + epoch) AS free FROM {locks}
        WHERE workspace = %(workspace)s AND NOT ({shared})
    )
    UPDATE {locks} AS l SET id = %(lock)s, holder = %(holder)s, session = pg_backend_pid()
    FROM slot WHERE l.workspace = %(workspace)s AND l.epoch = slot.epoch AND slot.free
    RETURNING 1
"""
_RETAKE: Final = """
    WITH slot AS MATERIALIZED (
        SELECT epoch, pg_try_advisory_lock(%(key)s + epoch) AS free FROM {locks}
        WHERE workspace = %(workspace)s AND id = %(lock)s
    )
    UPDATE {locks} AS l SET session = pg_backend_pid()
    FROM slot WHERE l.workspace = %(workspace)s AND l.epoch = slot.epoch AND slot.free
    AND l.id = %(lock)s
    RETURNING 1
"""
_MAKE_SLOT: Final = """
    WITH none AS MATERIALIZED (
        SELECT pg_advisory_unlock_all() WHERE NOT EXISTS (SELECT FROM {locks} WHERE {shared})
    )
    INSERT INTO {locks} (workspace)
    SELECT %(workspace)s FROM (SELECT) AS one LEFT JOIN none ON true
    ON CONFLICT (workspace) DO NOTHING RETURNING 1
"""
_UNLOCK: Final = """
    WITH freed AS (
        UPDATE {locks} SET id = '', holder = '', session = 0
        WHERE workspace = %(workspace)s AND id = %(lock)s
    )
    SELECT pg_advisory_unlock_all()
"""
_SESSIONS: Final = """
    SELECT pid, (classid::bigint << 32) | objid::bigint AS key FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_HOLDER: Final = """
    SELECT id, holder, session, pid, pg_backend_pid() FROM {locks}
    LEFT JOIN ({sessions}) AS taken ON taken.key = %(key)s + epoch
    WHERE workspace = %(workspace)s
"""
_END_SESSION: Final = """
    SELECT pg_terminate_backend(pid) FROM {locks}
    JOIN ({sessions}) AS taken ON taken.key = %(key)s + epoch
    WHERE workspace = %(workspace)s AND id = %(lock)s AND pid <> pg_backend_pid()
"""
_BREAK: Final = """
    UPDATE {locks} SET id = '', holder = '', session = 0, epoch = epoch + 1
    WHERE workspace = %(workspace)s AND id = %(lock)s
    RETURNING 1
"""

_NAMES: Final = "SELECT workspace FROM {states}"
_CREATE: Final = """
    INSERT INTO {states} (workspace) VALUES (%(workspace)s)
    ON CONFLICT (workspace) DO NOTHING RETURNING 1
"""
_DELETE: Final = """
    WITH state AS (DELETE FROM {states} WHERE workspace = %(workspace)s),
    line AS (DELETE FROM {lines} WHERE workspace = %(workspace)s)
    DELETE FROM {journals} WHERE workspace = %(workspace)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What may be created where it is missing.

    Attributes:
        schema: Whether the schema.
        tables: Whether the tables.
        indexes: Whether the indexes.
    """

    schema: bool = True
    tables: bool = True
    indexes: bool = True


class Statements:
    """The statements for the tables in one schema."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.has_schema = self._composed(_HAS_SCHEMA)
        self.create_schema = self._composed(_SCHEMA)
        self.create_tables = self._composed(_TABLES)
        self.create_indexes = self._composed(_INDEXES)
        self.one_at_a_time = self._composed(_ONE_AT_A_TIME)
        self.load = self._composed(_LOAD)
        self.appended = self._composed(_APPENDED)
        self.history = self._composed(_HISTORY)
        self.try_lock = self._composed(_TRY_LOCK)
        self.retake = self._composed(_RETAKE)
        self.make_slot = self._composed(_MAKE_SLOT)
        self.unlock = self._composed(_UNLOCK)
        self.holder = self._composed(_HOLDER)
        self.end_session = self._composed(_END_SESSION)
        self.break_lock = self._composed(_BREAK)
        self.names = self._composed(_NAMES)
        self.create = self._composed(_CREATE)
        self.delete = self._composed(_DELETE)

    def replace(self, *, first: bool, locked: bool) -> sql.Composed:
        """Store a snapshot, in place of another one or as the first."""
        return self._composed(_STORE_FIRST if first else _REPLACE, locked=locked)

    def begin(self, *, locked: bool) -> sql.Composed:
        """Start a journal."""
        return self._composed(_BEGIN, locked=locked)

    def append(self, *, locked: bool) -> sql.Composed:
        """Add to a journal."""
        return self._composed(_APPEND, locked=locked)

    def keep(self, *, locked: bool) -> sql.Composed:
        """Add journals to the history."""
        return self._composed(_KEEP, locked=locked)

    def renew(self, *, locked: bool) -> sql.Composed:
        """Replace journals of the history."""
        return self._composed(_RENEW, locked=locked)

    def end(self, *, locked: bool) -> sql.Composed:
        """Remove a journal."""
        return self._composed(_END, locked=locked)

    def key(self, *names: str) -> int:
        """Return the advisory lock of something in this schema; there is room to count on."""
        text = "\0".join(("mlform", self.schema, *names))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 2

    def _composed(self, text: LiteralString, *, locked: bool = False) -> sql.Composed:
        tables = {
            "states": sql.Identifier(self.schema, "states"),
            "lines": sql.Identifier(self.schema, "journal_lines"),
            "journals": sql.Identifier(self.schema, "journals"),
            "locks": sql.Identifier(self.schema, "locks"),
        }
        return sql.SQL(text).format(
            schema=sql.Identifier(self.schema),
            held=sql.SQL(_HELD if locked else _UNLOCKED).format(**tables),
            sessions=sql.SQL(_SESSIONS),
            shared=sql.SQL(_SHARED),
            **tables,
        )


def create_missing(session: Session, statements: Statements, wanted: Creation) -> None:
    """Create schema, tables and indexes where they are missing and wanted; all or nothing.

    Raises:
        BackendError: If this user may not.
    """

    def create() -> None:
        session.execute(statements.one_at_a_time, {"key": statements.key()})
        if wanted.schema and not session.execute(
            statements.has_schema, {"schema": statements.schema}
        ):
            session.execute(statements.create_schema)
        if wanted.tables:
            session.execute(statements.create_tables)
        if wanted.indexes:
            session.execute(statements.create_indexes)

    session.transact(create, [])
