"""The table of adapters."""

from __future__ import annotations

import subprocess  # noqa: TID251 - what is loaded is seen in a fresh process only
import sys
from pathlib import Path
from uuid import RFC_4122, UUID

import pytest

from mlform.apply.events import Event
from mlform.ciphers.base import CipherSettings
from mlform.errors import UsageError
from mlform.operations.environment import BackendSettings, Settings
from mlform.tasks import PinnedImage
from mlform.wiring import (
    KindTable,
    build_environment,
    cipher_maker,
    new_id,
    open_backend,
    open_runtime,
    open_store,
    who_runs,
)
from tests.ciphers import PBKDF2, RAW, cipher_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(folder=tmp_path, data_folder=tmp_path / ".mlform")


def test_every_kind_has_the_name_it_is_listed_under() -> None:
    table = KindTable()
    assert [table[name].schema.kind for name in table] == list(table)
    assert "modle" not in table
    assert len(table) == 6


def test_the_backend_follows_the_workspace(tmp_path: Path, settings: Settings) -> None:
    workspaces = open_backend(settings, BackendSettings())
    assert workspaces.open("default").describe() == str(tmp_path / "mlform.mlfstate")
    expected = tmp_path / "mlform.mlfstate.d" / "w" / "mlform.mlfstate"
    assert workspaces.open("w").describe() == str(expected)


def test_unknown_types_are_named_with_the_known_ones(settings: Settings) -> None:
    with pytest.raises(UsageError, match='Did you mean "local"'):
        open_backend(settings, BackendSettings(type="locale"))
    with pytest.raises(UsageError, match='Did you mean "docker"'):
        open_runtime(settings, "dokcer", {})


def test_docker_needs_a_pin(settings: Settings) -> None:
    with pytest.raises(UsageError, match="pinned image"):
        open_runtime(settings, "docker", {"image": "python:3.11"})
    image = PinnedImage(name="x", reference="sha256:" + "0" * 64)
    assert open_runtime(settings, "docker", {"image": image}) is not None


def test_opening_touches_nothing(tmp_path: Path, settings: Settings) -> None:
    heard: list[Event] = []
    environment = build_environment(settings, heard.append)
    environment.open_store()
    environment.open_backend(BackendSettings())
    environment.open_runtime("process", {})
    assert list(open_store(settings).digests()) == []
    assert list(tmp_path.iterdir()) == []
    assert environment.new_id() != environment.new_id()
    assert environment.now().utcoffset() is not None
    assert "@" in who_runs()


def test_importing_it_loads_no_adapter() -> None:
    program = "import sys, mlform.wiring; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "mlform.wiring" in loaded
    heavy = (
        "mlform.runtimes",
        "mlform.store",
        "mlform.backends",
        "mlform.resources",
        "rich",
        "dvc",
    )
    assert [name for name in loaded if name.startswith(heavy)] == []


def test_identities_are_random_uuids() -> None:
    made = [UUID(new_id()) for _ in range(64)]  # refuses what is none
    assert {(item.version, item.variant) for item in made} == {(4, RFC_4122)}
    assert len(set(made)) == 64


def test_ciphers_of_one_process_share_their_keys() -> None:
    make = cipher_maker()
    first = make(CipherSettings(method=PBKDF2))
    note = cipher_of(PBKDF2).key()
    assert note is not None
    found = first.find(note.note, "state")
    assert make(CipherSettings(method=PBKDF2)).key() is found
    assert make(CipherSettings(method=RAW, fallbacks=(PBKDF2,))).find(note.note, "plan") is found
