"""A connection to PostgreSQL that is made when it is needed, and again when it breaks."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, TypeVar

import psycopg
from psycopg import conninfo, errors, sql

from mlform.dataclass import dataclass
from mlform.errors import BackendError

Result = TypeVar("Result")
Rows: TypeAlias = list[tuple[object, ...]]
Parameters: TypeAlias = Mapping[str, object]
_Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]
_MISSING: Final = (errors.UndefinedTable, errors.InvalidSchemaName)

PATIENCE: Final = 30.0
"""Seconds for which a server that went away is waited for."""
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.5)
_SECRETS: Final = ("password", "sslpassword")
_DEFAULTS: Final[Parameters] = {
    "fallback_application_name": "mlform",
    "client_encoding": "UTF8",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_SETTINGS: Final = """
    SELECT set_config(name, value, false)
    FROM (VALUES
        ('default_transaction_isolation', 'read committed'),
        ('idle_session_timeout', '0'),
        ('tcp_keepalives_idle', '30'),
        ('tcp_keepalives_interval', '10'),
        ('tcp_keepalives_count', '3'),
        ('synchronous_commit', 'on')
    ) AS wanted (name, value)
    WHERE current_setting(name, true) IS NOT NULL
    AND (name <> 'synchronous_commit' OR current_setting(name) = 'off')
"""
"""A server that is sure of what it says, notices a dead client, and lets a live one be idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which database, and in which schema of it the states are.

    Attributes:
        parameters: Of the connection, as libpq names them.
        schema: Name of the schema.
        shown: The place for people, without secrets.
    """

    parameters: Parameters
    schema: str
    shown: str

    def without_secrets(self, text: str) -> str:
        """Return a text of the server or of libpq with every password taken out."""
        for name in _SECRETS:
            secret = str(self.parameters.get(name) or "")
            if secret:
                text = text.replace(secret, "(hidden)")
        return " ".join(text.split())


def make_target(conn_str: str, schema: str, variables: Mapping[str, str]) -> Target:
    """Return the target that a connection string names; what it leaves out libpq knows.

    Args:
        conn_str: A URL or `key=value` pairs; empty to let libpq's variables decide.
        schema: Name of the schema.
        variables: The process environment, to name the place by.

    Raises:
        BackendError: If the string cannot be understood.
    """
    try:
        parameters = conninfo.conninfo_to_dict(conn_str)
    except psycopg.Error:
        # libpq's own words would repeat the string, with the password in it.
        raise BackendError(
            "The connection string of PostgreSQL cannot be understood",
            "conn_str (or PG_CONN_STR) must be a URL such as postgres://user@host:5432/database, "
            "special characters in it percent-encoded, or pairs such as host=… dbname=….",
        ) from None
    told = {name: str(value) for name, value in parameters.items() if value is not None}
    host = told.get("host") or told.get("hostaddr") or variables.get("PGHOST") or "localhost"
    port = told.get("port") or variables.get("PGPORT") or "5432"
    user = told.get("user") or variables.get("PGUSER") or variables.get("USER") or ""
    database = told.get("dbname") or variables.get("PGDATABASE") or user
    shown = f"postgres://{host}:{port}/{database} (schema {schema})"
    return Target(parameters={**_DEFAULTS, **told}, schema=schema, shown=shown)


class Session:
    """One connection at a time; what is run on it is run again where the connection breaks.

    Whoever runs statements here promises that running one twice does what running it once does: a
    connection that breaks does not tell whether the server still did what it was asked for.
    """

    def __init__(
        self, target: Target, create: Callable[[Session], None], *, patience: float = PATIENCE
    ) -> None:
        """Name the database; nothing is connected yet.

        Args:
            target: The database.
            create: Called where a table is missing, to create it.
            patience: Seconds for which a server that went away is waited for.
        """
        self.target = target
        self._create = create
        self._patience = patience
        self._connection: _Connection | None = None
        self._was_connected = False
        self._in_transaction = False
        self._restore: Callable[[], None] | None = None

    def run(self, statement: sql.Composed, parameters: Parameters) -> Rows:
        """Run a statement and return its rows; tables that are missing are created.

        Raises:
            BackendError: If the server refuses it, or stays away.
        """
        if self._in_transaction:
            return self.execute(statement, parameters)
        with postgres_errors(self.target):
            return self._with_tables(lambda: self.execute(statement, parameters))

    def read(self, statement: sql.Composed, parameters: Parameters) -> Rows:
        """Run a statement that only reads; nothing is there where its tables are missing.

        Raises:
            BackendError: If the server refuses it, or stays away.
        """
        if self._in_transaction:
            return self.execute(statement, parameters)
        with postgres_errors(self.target):
            try:
                return self._again(lambda: self.execute(statement, parameters))
            except _MISSING:
                return []

    def together(self, work: Callable[[], None]) -> None:
        """Do all that `work` runs here in one transaction: all of it is kept, or nothing.

        Raises:
            BackendError: If the server refuses it, or stays away.
        """
        numbers: list[int] = []

        def attempt() -> None:
            if numbers and self._is_committed(numbers.pop()):
                return
            self.transact(work, numbers)

        with postgres_errors(self.target):
            self._with_tables(attempt)

    def execute(self, statement: sql.Composed, parameters: Parameters | None = None) -> Rows:
        """Run a statement once.

        Raises:
            psycopg.Error: If it fails.
        """
        connection = self._connection if self._in_transaction else self._connect()
        if connection is None:
            raise psycopg.OperationalError("the connection is closed")
        cursor = connection.execute(statement, parameters, binary=parameters is not None)
        return cursor.fetchall() if cursor.description is not None else []

    def transact(self, work: Callable[[], None], numbers: list[int]) -> None:
        """Do all that `work` runs here in one transaction, once.

        Args:
            work: What to do.
            numbers: Takes the number of the transaction, by which its end can be asked for.

        Raises:
            psycopg.Error: If it fails; nothing is kept then, unless the connection broke.
        """
        connection = self._connect()
        self._in_transaction = True
        try:
            cursor = connection.execute("BEGIN; SELECT txid_current()")
            cursor.nextset()
            numbers.extend(int(str(row[0])) for row in cursor)
            work()
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise
        finally:
            self._in_transaction = False

    def restoring(self, restore: Callable[[], None] | None) -> None:
        """Say what makes a new connection as good as the one before: taking the lock again."""
        self._restore = restore

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that is not known to be broken."""
        return self._connection is not None and not self._connection.closed

    def close(self) -> None:
        """Close the connection; the next statement makes a new one."""
        connection, self._connection = self._connection, None
        self._was_connected = False
        if connection is not None:
            connection.close()

    def _with_tables(self, work: Callable[[], Result]) -> Result:
        try:
            return self._again(work)
        except _MISSING:
            self._create(self)
            return self._again(work)

    def _is_committed(self, number: int) -> bool:
        """Whether the server had still committed a transaction when the connection broke."""
        statement = sql.SQL("SELECT txid_status(%(number)s)").format()
        ((status,),) = self.execute(statement, {"number": number})
        return status == "committed"

    def _again(self, work: Callable[[], Result]) -> Result:
        """Do something; where the connection breaks, do it again on a new one."""
        deadline, attempt = 0.0, 0
        while True:
            try:
                return work()
            except psycopg.OperationalError:
                if self.is_connected or not self._was_connected:
                    raise  # the server refused; or it was never there
                now = time.monotonic()
                deadline = deadline or now + self._patience
                if now >= deadline:
                    raise
                time.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
                attempt += 1

    def _connect(self) -> _Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        given = {name: str(value) for name, value in self.target.parameters.items()}
        connection = psycopg.connect(conninfo.make_conninfo("", **given), autocommit=True)
        weakref.finalize(self, connection.close)
        self._connection = connection
        connection.execute(_SETTINGS)
        self._was_connected = True
        if self._restore is not None:
            self._restore()
        return connection


@contextlib.contextmanager
def postgres_errors(target: Target) -> Iterator[None]:
    """Translate what psycopg raises into `BackendError`, without a secret in it."""
    try:
        yield
    except psycopg.Error as problem:
        said = target.without_secrets(str(problem)) or type(problem).__name__
        found = _explanation(problem)
        end = "" if said.endswith("?") else "."
        detail = f"{target.shown}: {said.rstrip('.')}{end} {found.advice}"
        raise BackendError(found.summary, detail) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explanation:
    """What a kind of failure means here: what failed, and how to mend it."""

    kinds: tuple[type[psycopg.Error], ...]
    summary: str
    advice: str


_UNREACHABLE: Final = _Explanation(
    kinds=(psycopg.OperationalError,),
    summary="PostgreSQL cannot be reached",
    advice="Check that the server runs and lets you in, and that host, port, database, user and "
    "password in conn_str (or in PG_CONN_STR, PGHOST, PGUSER, PGPASSWORD …) are right.",
)
_UNKNOWN: Final = _Explanation(
    kinds=(psycopg.Error,),
    summary="PostgreSQL could not do what the state needs",
    advice="Nothing was lost. If what it says does not tell you more, look into the server's log.",
)
_EXPLANATIONS: Final = (
    _Explanation(
        kinds=(errors.InsufficientPrivilege,),
        summary="PostgreSQL does not allow what the state needs",
        advice="Have an administrator give this user the right to it, or create schema, tables "
        "and indexes as docs/how-to/remote-state.md says and set the skip_…_creation arguments.",
    ),
    _Explanation(
        kinds=(errors.UndefinedTable, errors.InvalidSchemaName, errors.InvalidColumnReference),
        summary="PostgreSQL lacks what the states are kept in",
        advice="Unset skip_schema_creation, skip_table_creation and skip_index_creation, or have "
        "an administrator create schema, tables and indexes as docs/how-to/remote-state.md says.",
    ),
    _Explanation(
        kinds=(errors.UndefinedColumn, errors.DatatypeMismatch, errors.WrongObjectType),
        summary="The schema in PostgreSQL belongs to something else",
        advice="Its tables are not those of mlform. Give another schema_name.",
    ),
    _Explanation(
        kinds=(errors.ReadOnlySqlTransaction,),
        summary="PostgreSQL takes no changes here",
        advice="This server is a standby, or the user may only read. Connect to the primary, for "
        "instance with target_session_attrs=read-write in conn_str.",
    ),
    _Explanation(
        kinds=(errors.DiskFull,),
        summary="The disk of PostgreSQL is full",
        advice="Have an administrator make room and run the command again.",
    ),
    _Explanation(
        kinds=(
            errors.QueryCanceled,
            errors.LockNotAvailable,
            errors.IdleInTransactionSessionTimeout,
        ),
        summary="PostgreSQL gave up what the state needs",
        advice="A time limit of the server or of this user came first, perhaps because somebody "
        "else holds the same rows. Run the command again, or have the limit raised.",
    ),
    _Explanation(
        kinds=(errors.TooManyConnections,),
        summary="PostgreSQL has no free connection",
        advice="Run the command again later, or have max_connections raised.",
    ),
)


def _explanation(problem: psycopg.Error) -> _Explanation:
    for each in _EXPLANATIONS:
        if isinstance(problem, each.kinds):
            return each
    # What libpq says by itself has no code of the server's.
    is_of_libpq = isinstance(problem, psycopg.OperationalError) and not problem.sqlstate
    return _UNREACHABLE if is_of_libpq else _UNKNOWN
