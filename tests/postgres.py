"""A PostgreSQL server for the tests; a pytest plugin.

Each process of pytest has its own, on a free port of the loopback, in a folder that goes away with
it. PostgreSQL refuses to run as root: as root the tests run it as `nobody`.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import subprocess  # noqa: TID251 - the server runs beside the tests
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.ports import free_port
from tests.presence import absent

PASSWORD = "open: sesame/&"  # noqa: S105 - of a server that is gone with the tests
_NUMBERS = count(1)


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


def _version(path: Path) -> float:
    return float(path.parent.parent.name)


class PostgresServer:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self._binaries = binaries
        self._user = "nobody" if os.geteuid() == 0 else getpass.getuser()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """How to connect, password included."""
        return f"postgres://ada:open%3A%20sesame%2F%26@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the files of a new server."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            found = pwd.getpwnam(self._user)
            for path in (self.folder, secret):
                os.chown(path, found.pw_uid, found.pw_gid)
        self._run(
            "initdb",
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--auth=scram-sha-256",
            "--username=ada",
            f"--pwfile={secret}",
            str(self.folder / "data"),
        )

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "off",  # nobody pulls the plug
            "shared_buffers": "16MB",
            "max_connections": 80,
            "autovacuum": "off",
        }
        words = [f"-c{name}={value}" for name, value in settings.items()]
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(  # noqa: S603 - this server
                [*self._as_user(), self._binaries / "postgres", "-D", self.folder / "data", *words],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends all sessions in order, SIGQUIT as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect as the one who may do everything."""
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5)

    def run(self, statement: LiteralString, *names: str) -> list[tuple[object, ...]]:
        """Run a statement in which `{}` stands for names."""
        with self.connect() as connection:
            composed = sql.SQL(statement).format(*map(sql.Identifier, names))
            cursor = connection.execute(composed)
            return cursor.fetchall() if cursor.description else []

    def end_sessions(self) -> None:
        """End all sessions but this one, as if their processes had died."""
        self.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def new_schema(self) -> str:
        """Return the name of a schema that is not there yet."""
        return f"states {os.getpid()} {next(_NUMBERS)}"

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(  # noqa: S603 - this server
            [*self._as_user(), self._binaries / program, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _as_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        # It ends with the tests, however they end.
        return ["setpriv", f"--reuid={self._user}", "--clear-groups", "--pdeathsig=INT"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of this process of pytest."""
    binaries = programs()
    if binaries is None:
        absent("PostgreSQL is not installed", required_by="MLF_TEST_REQUIRE_POSTGRES")
        raise AssertionError
    folder = Path(tempfile.mkdtemp(prefix="mlform-pg-"))  # pytest's own are for their owner only
    server = PostgresServer(folder, binaries)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
