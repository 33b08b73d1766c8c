"""Artifacts in a DVC repository, held against the real dvc command."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - the real dvc and git are what is tested against
import sys
from pathlib import Path

import pytest
import yaml

from mlform.digests import digest_json
from mlform.errors import StoreError
from mlform.store.base import Artifact, ArtifactFile
from mlform.store.dvc import find_cache, pointer
from mlform.store.local import LocalStore

MD5 = "d" * 32


def _run(folder: Path, *command: str) -> str:
    settings = {
        "HOME": str(folder.parent),
        "PATH": os.defpath,
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_SITE_CACHE_DIR": str(folder.parent / "site-cache"),
    }
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    words = (
        [command[0], *identity, *command[1:]]
        if command[0] == "git"
        else [sys.executable, "-m", *command]
    )
    done = subprocess.run(  # noqa: S603 - the words are this file's own
        words, cwd=folder, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dvc") / "repository"
    folder.mkdir()
    _run(folder, "git", "init", "-q")
    _run(folder, "dvc", "init", "-q")
    return folder


def _store(cache: Path, base: Path) -> LocalStore:
    return LocalStore(cache=cache, metadata=base / ".mlform/meta", checkouts=base / ".mlform/out")


def _put(store: LocalStore, work: Path) -> Artifact:
    out = work / "out"
    (out / "pipeline").mkdir(parents=True)
    (out / "model.json").write_bytes(b'{"trees": 3}')
    (out / "pipeline" / "ü.json").write_bytes(b"[]")
    return store.put(out)


def test_dvc_takes_an_artifact_as_its_own(repository: Path, tmp_path: Path) -> None:
    cache = find_cache(repository)
    assert cache == repository / ".dvc" / "cache"
    store = _store(cache, repository)
    artifact = _put(store, tmp_path)
    (repository / "model.dvc").write_text(pointer(artifact, "model"))
    _run(repository, "dvc", "checkout", "-q", "model.dvc")
    assert (repository / "model" / "model.json").read_bytes() == b'{"trees": 3}'
    assert "up to date" in _run(repository, "dvc", "status")

    remote = repository.parent / "remote"
    _run(repository, "dvc", "remote", "add", "-q", "-d", "origin", str(remote))
    _run(repository, "dvc", "push", "-q")
    _run(repository, "git", "add", "model.dvc", ".dvc/config", ".dvcignore")
    _run(repository, "git", "commit", "-q", "-m", "model")

    clone = repository.parent / "clone"
    _run(repository.parent, "git", "clone", "-q", str(repository), str(clone))
    _run(clone, "dvc", "pull", "-q")
    assert (clone / "model" / "pipeline" / "ü.json").read_bytes() == b"[]"
    assert "up to date" in _run(clone, "dvc", "status")


def test_dvc_adds_the_same_folder_under_the_same_name(repository: Path, tmp_path: Path) -> None:
    cache = find_cache(repository)
    assert cache is not None
    artifact = _put(_store(cache, repository), tmp_path)
    folder = repository / "added"
    (folder / "pipeline").mkdir(parents=True)
    (folder / "model.json").write_bytes(b'{"trees": 3}')
    (folder / "pipeline" / "ü.json").write_bytes(b"[]")
    _run(repository, "dvc", "add", "-q", "added")
    assert (repository / "added.dvc").read_text() == pointer(artifact, "added")


def test_outside_of_a_repository_there_is_no_cache(tmp_path: Path) -> None:
    assert find_cache(tmp_path) is None


def test_dvc_is_not_loaded_outside_of_a_repository(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mlform.store.dvc import find_cache; "
        "find_cache(Path(sys.argv[1])); print('dvc' in sys.modules)"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "False\n"


def _dvc_folder(tmp_path: Path, config: str) -> Path:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(config)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    return below


def test_the_cache_of_the_repository_above_is_used(tmp_path: Path) -> None:
    assert find_cache(_dvc_folder(tmp_path, "")) == tmp_path / ".dvc" / "cache"


def test_a_relative_cache_folder_starts_at_its_file(tmp_path: Path) -> None:
    below = _dvc_folder(tmp_path, "[cache]\n    dir = ../shared\n")
    assert find_cache(below) == tmp_path / "shared"


def test_local_settings_win(tmp_path: Path) -> None:
    below = _dvc_folder(tmp_path, "[cache]\n    dir = ../shared\n")
    (tmp_path / ".dvc" / "config.local").write_text("[cache]\n    dir = /srv/cache\n")
    assert find_cache(below) == Path("/srv/cache")


@pytest.mark.parametrize(
    "config", ["[cache\n", "[cache]\n    type = nonsense\n", "[cache]\n    dir = s3://bucket/x\n"]
)
def test_a_wrong_configuration_is_named(tmp_path: Path, config: str) -> None:
    with pytest.raises(StoreError, match="DVC"):
        find_cache(_dvc_folder(tmp_path, config))


@pytest.mark.parametrize(
    "path", ["model", "models/best.v1", "true", "a b", "- x", 'q"uote', "a: b", "ü", "123", "#x"]
)
def test_any_path_can_be_pointed_to(path: str) -> None:
    file = ArtifactFile(path="a", size=3, sha256="0" * 64, md5=MD5)
    artifact = Artifact(digest=digest_json("artifact"), folder_md5=f"{MD5}.dir", files=(file,))
    assert yaml.safe_load(pointer(artifact, path)) == {
        "outs": [{"md5": f"{MD5}.dir", "size": 3, "nfiles": 1, "hash": "md5", "path": path}]
    }
