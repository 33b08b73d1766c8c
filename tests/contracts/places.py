"""Where the contract of state backends is tried: for each adapter, how to open a fresh place.

A function of `PLACES` is called once for each test and returns an opener; the opener opens the
same place once more each time it is called, as another process would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import TypeAlias

import pytest

from mlform.backends.base import StateBackend
from mlform.backends.http import HttpBackend
from mlform.backends.lease import Periods
from mlform.backends.local import LocalBackend
from mlform.backends.memory import MemoryBackend, MemoryPlace
from mlform.backends.object_settings import open_objects
from mlform.backends.object_store import ObjectStoreWorkspaces, Surroundings
from mlform.backends.pg import PgBackend, PgPlace
from mlform.backends.pg_session import make_target
from mlform.state.encryption import PLAIN, Cipher
from mlform.wiring import utc_now
from tests.ciphers import RAW, cipher_of
from tests.object_servers import azure_arguments, gcs_arguments, s3_arguments
from tests.postgres import PostgresServer
from tests.state_server import StateServer, http_place

Opener: TypeAlias = Callable[[], StateBackend]
"""Opens the same place once more, as another process would."""

Sealing: TypeAlias = Callable[[Cipher], StateBackend]
"""The same for a process that encrypts in some way, or not."""


def memory(request: pytest.FixtureRequest) -> Sealing:
    """The state in memory."""
    del request
    place = MemoryPlace()
    return lambda cipher: MemoryBackend(place, cipher=cipher)


def local(request: pytest.FixtureRequest) -> Sealing:
    """The state in a file."""
    folder = request.getfixturevalue("tmp_path")
    return lambda cipher: LocalBackend(folder / "project" / "mlform.mlfstate", cipher=cipher)


def pg(request: pytest.FixtureRequest) -> Sealing:
    """The state in a schema of its own in PostgreSQL."""
    server: PostgresServer = request.getfixturevalue("postgres")
    place = PgPlace(target=make_target(server.url, server.new_schema(), {}))
    opened: list[StateBackend] = []  # kept: a session that nobody refers to is closed
    request.addfinalizer(server.end_sessions)

    def opener(cipher: Cipher) -> StateBackend:
        opened.append(PgBackend(place, cipher=cipher))
        return opened[-1]

    return opener


def s3(request: pytest.FixtureRequest) -> Sealing:
    """The state in an S3 bucket."""
    return object_store(s3_arguments(request.getfixturevalue("s3_server")))


def azure(request: pytest.FixtureRequest) -> Sealing:
    """The state in a container of Azure."""
    return object_store(azure_arguments(request.getfixturevalue("azure_server")))


def gcs(request: pytest.FixtureRequest) -> Sealing:
    """The state in a bucket of a server that speaks as Google's does."""
    return object_store(gcs_arguments(request.getfixturevalue("gcs_endpoint")))


def object_store(arguments: Mapping[str, object]) -> Sealing:
    """Open a state of an object store, as the command line would."""
    objects = open_objects(arguments, variables={}, folder=Path())
    surroundings = Surroundings(
        now=lambda: datetime.now(UTC),  # noqa: TID251 - a real server has a real clock
        new_id=lambda: token_hex(8),
        periods=Periods(poll=0.02),
    )
    return lambda cipher: ObjectStoreWorkspaces(objects, surroundings, cipher=cipher).open(
        "default"
    )


def http(request: pytest.FixtureRequest) -> Sealing:
    """The state on a server, as runs on one machine see it."""
    server: StateServer = request.getfixturevalue("http_states")
    place = http_place(server, request.getfixturevalue("tmp_path") / "data")
    return lambda cipher: HttpBackend(place, now=utc_now, cipher=cipher)


def http_at_once(request: pytest.FixtureRequest) -> Sealing:
    """The state on a server, as runs on many machines see it that post at once."""
    server: StateServer = request.getfixturevalue("http_states")
    folders = (request.getfixturevalue("tmp_path") / str(number) for number in count())
    place = http_place(server, Path(), interval=0)
    return lambda cipher: HttpBackend(
        replace(place, folder=next(folders)), now=utc_now, cipher=cipher
    )


Place: TypeAlias = Callable[[pytest.FixtureRequest], Sealing]

SEALING: Mapping[str, Place] = MappingProxyType(
    {"memory": memory, "local": local, "pg": pg, "http": http, "s3": s3}
)
"""How to open a fresh place where it matters how it is encrypted, by adapter."""


def _opened(place: Place, cipher: Cipher) -> Callable[[pytest.FixtureRequest], Opener]:
    return lambda request: partial(place(request), cipher)


PLACES: Mapping[str, Callable[[pytest.FixtureRequest], Opener]] = MappingProxyType(
    {name: _opened(place, PLAIN) for name, place in SEALING.items()}
    | {f"{name}, encrypted": _opened(place, cipher_of(RAW)) for name, place in SEALING.items()}
    | {
        "http, at once": _opened(http_at_once, PLAIN),
        "azure": _opened(azure, PLAIN),
        "gcs": _opened(gcs, PLAIN),
    }
)
"""How to open a fresh place, by adapter; fixtures that start servers are asked for in there."""
