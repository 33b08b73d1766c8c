"""Where the contract of state backends is tried: for each adapter, how to open a fresh place.

A function of `PLACES` is called once for each test and returns an opener; the opener opens the
same place once more each time it is called, as another process would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import pytest

from mlform.backends.base import StateBackend
from mlform.backends.local import LocalBackend
from mlform.backends.memory import MemoryBackend, MemoryPlace
from mlform.backends.pg import PgBackend, PgPlace
from mlform.backends.pg_session import make_target
from tests.ciphers import RAW, cipher_of
from tests.postgres import PostgresServer

Opener: TypeAlias = Callable[[], StateBackend]
"""Opens the same place once more, as another process would."""


def memory(request: pytest.FixtureRequest) -> Opener:
    """The state in memory."""
    del request
    place = MemoryPlace()
    return lambda: MemoryBackend(place)


def local(request: pytest.FixtureRequest) -> Opener:
    """The state in a file."""
    folder = request.getfixturevalue("tmp_path")
    return lambda: LocalBackend(folder / "project" / "mlform.mlfstate")


def memory_encrypted(request: pytest.FixtureRequest) -> Opener:
    """The state in memory, sealed."""
    del request
    place = MemoryPlace()
    return lambda: MemoryBackend(place, cipher=cipher_of(RAW))


def local_encrypted(request: pytest.FixtureRequest) -> Opener:
    """The state in a file, sealed."""
    folder = request.getfixturevalue("tmp_path")
    return lambda: LocalBackend(folder / "project" / "mlform.mlfstate", cipher=cipher_of(RAW))


def pg(request: pytest.FixtureRequest) -> Opener:
    """The state in a schema of its own in PostgreSQL."""
    server: PostgresServer = request.getfixturevalue("postgres")
    place = PgPlace(target=make_target(server.url, server.new_schema(), {}))
    opened: list[StateBackend] = []  # kept: a session that nobody refers to is closed
    request.addfinalizer(server.end_sessions)

    def opener() -> StateBackend:
        opened.append(PgBackend(place))
        return opened[-1]

    return opener


PLACES: Mapping[str, Callable[[pytest.FixtureRequest], Opener]] = MappingProxyType(
    {
        "memory": memory,
        "local": local,
        "pg": pg,
        "memory_encrypted": memory_encrypted,
        "local_encrypted": local_encrypted,
    }
)
"""How to open a fresh place, by adapter; fixtures that start servers are asked for in there."""
