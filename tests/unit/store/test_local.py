"""What only the store on disk promises: DVC's layout, links, moves, modes."""

from __future__ import annotations

import json
import os
import resource
import stat
import time
from pathlib import Path

import pytest

from mlform.digests import Digest, digest_json
from mlform.errors import ObjectCorrupt, StoreError
from mlform.store.base import Artifact
from mlform.store.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(
        cache=tmp_path / "cache", metadata=tmp_path / "meta", checkouts=tmp_path / "checkouts"
    )


def _folder(tmp_path: Path, **files: bytes) -> Path:
    folder = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def _object(tmp_path: Path, name: str) -> Path:
    return tmp_path / "cache" / "files" / "md5" / name[:2] / name[2:]


def _manifest(tmp_path: Path, artifact: Artifact) -> Path:
    return tmp_path / "meta" / "artifacts" / f"{artifact.digest.removeprefix('sha256:')}.json"


def test_files_lie_in_the_layout_of_dvc(store: LocalStore, tmp_path: Path) -> None:
    artifact = store.put(_folder(tmp_path, a=b"hello", b=b"world"))
    # md5("hello"), md5("world"), as md5sum prints them
    names = ("5d41402abc4b2a76b9719d911017c592", "7d793037a0760186574b0282f2f435e7")
    for name, content in zip(names, (b"hello", b"world"), strict=True):
        path = _object(tmp_path, name)
        assert path.read_bytes() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    folder = _object(tmp_path, artifact.folder_md5)
    assert folder.read_bytes() == (
        b'[{"md5": "5d41402abc4b2a76b9719d911017c592", "relpath": "a"}, '
        b'{"md5": "7d793037a0760186574b0282f2f435e7", "relpath": "b"}]'
    )
    assert stat.S_IMODE(folder.stat().st_mode) == 0o444


def test_files_are_moved_not_copied(store: LocalStore, tmp_path: Path) -> None:
    folder = _folder(tmp_path, a=b"hello")
    inode = (folder / "a").stat().st_ino
    artifact = store.put(folder)
    assert _object(tmp_path, artifact.files[0].md5).stat().st_ino == inode
    assert list(folder.iterdir()) == []


def test_a_file_with_a_second_name_is_copied(store: LocalStore, tmp_path: Path) -> None:
    folder = _folder(tmp_path, a=b"hello")
    (tmp_path / "second").hardlink_to(folder / "a")
    artifact = store.put(folder)
    (tmp_path / "second").write_bytes(b"HELLO")
    assert store.verify(artifact.digest) == ()


def test_a_checkout_is_made_of_links(store: LocalStore, tmp_path: Path) -> None:
    artifact = store.put(_folder(tmp_path, a=b"hello"))
    found = store.get(artifact.digest) / "a"
    assert found.samefile(_object(tmp_path, artifact.files[0].md5))
    assert found.parent.name == artifact.digest.removeprefix("sha256:")


def test_what_was_added_to_a_checkout_is_removed(store: LocalStore, tmp_path: Path) -> None:
    artifact = store.put(_folder(tmp_path, a=b"hello"))
    folder = store.get(artifact.digest)
    (folder / "more").write_bytes(b"x")
    (folder / "a").unlink()
    (folder / "a").symlink_to("/etc/hostname")
    (folder / "sub").symlink_to("/etc")
    store.get(artifact.digest)
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert not (folder / "a").is_symlink()


def test_a_checkout_on_another_file_system_is_a_copy(tmp_path: Path) -> None:
    other = Path("/dev/shm")  # noqa: S108 - a second file system that Linux has
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    checkouts = other / f"mlform-test-{os.getpid()}"
    store = LocalStore(cache=tmp_path / "cache", metadata=tmp_path / "meta", checkouts=checkouts)
    artifact = store.put(_folder(tmp_path, a=b"hello"))
    copy = store.get(artifact.digest) / "a"
    try:
        before = copy.stat()
        assert copy.read_bytes() == b"hello"
        assert stat.S_IMODE(before.st_mode) == 0o444
        store.get(artifact.digest)
        assert copy.stat().st_ino == before.st_ino, "an intact copy is not made again"
        copy.chmod(0o644)
        copy.write_bytes(b"HELLO")
        store.get(artifact.digest)
        assert copy.read_bytes() == b"hello"
    finally:
        copy.unlink()
        copy.parent.rmdir()
        checkouts.rmdir()


def test_a_cache_on_another_file_system_gets_copies(tmp_path: Path) -> None:
    other = Path("/dev/shm")  # noqa: S108 - a second file system that Linux has
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    work = other / f"mlform-out-{os.getpid()}"
    work.mkdir()
    (work / "a").write_bytes(b"hello")
    try:
        store = LocalStore(
            cache=tmp_path / "cache", metadata=tmp_path / "meta", checkouts=tmp_path / "checkouts"
        )
        assert store.verify(store.put(work).digest) == ()
    finally:
        (work / "a").unlink()
        work.rmdir()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-5],
        lambda text: text.replace('"a"', '"../a"'),
        lambda text: text.replace("5d41402abc4b2a76b9719d911017c592", "../../../../etc/passwd"),
        lambda text: text.replace('",5,"', '",6,"'),
    ],
)
def test_a_damaged_manifest_is_refused(store: LocalStore, tmp_path: Path, change: object) -> None:
    artifact = store.put(_folder(tmp_path, a=b"hello"))
    path = _manifest(tmp_path, artifact)
    assert callable(change)
    path.write_text(str(change(path.read_text())))
    with pytest.raises(ObjectCorrupt):
        store.get(artifact.digest)
    assert not store.has(artifact.digest)


def test_a_manifest_that_leads_outside_is_refused(store: LocalStore, tmp_path: Path) -> None:
    artifact = store.put(_folder(tmp_path, a=b"hello"))
    document = json.loads(_manifest(tmp_path, artifact).read_text())
    document["files"][0][0] = "../../outside"
    path, size, sha256, _ = document["files"][0]
    digest = digest_json([[path, size, sha256]])
    _manifest(tmp_path, artifact).with_name(digest.removeprefix("sha256:") + ".json").write_text(
        json.dumps(document)
    )
    with pytest.raises(ObjectCorrupt, match="outside"):
        store.get(digest)


def test_a_damaged_result_is_not_recalled(store: LocalStore, tmp_path: Path) -> None:
    recipe = digest_json("recipe")
    store.remember(recipe, {"artifact": None, "attributes": {"auc": 0.75}})
    (path,) = (tmp_path / "meta" / "results").iterdir()
    for content in (path.read_text().replace("0.75", "0.85"), "{", "[]"):
        path.write_text(content)
        assert store.recall(recipe) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file in the way")
    store = LocalStore(
        cache=tmp_path / "cache", metadata=tmp_path / "meta", checkouts=tmp_path / "checkouts"
    )
    with pytest.raises(StoreError, match="cache"):
        store.put(_folder(tmp_path, a=b"hello"))
    assert list(store.digests()) == []


def test_a_disk_that_takes_no_more_leaves_nothing_half_written(
    store: LocalStore, tmp_path: Path
) -> None:
    folder = _folder(tmp_path, a=b"x" * 200_000)
    (tmp_path / "second").hardlink_to(folder / "a")  # so that it must be copied
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError, match="cannot be stored"):
            store.put(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(store.digests()) == []
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    assert store.verify(store.put(folder).digest) == ()


def test_new_folders_of_a_shared_cache_stay_shared(store: LocalStore, tmp_path: Path) -> None:
    root = tmp_path / "cache" / "files" / "md5"
    root.mkdir(parents=True)
    root.chmod(0o2775)
    artifact = store.put(_folder(tmp_path, a=b"hello"))
    prefix = _object(tmp_path, artifact.files[0].md5).parent
    assert stat.S_IMODE(prefix.stat().st_mode) == 0o2775


def test_a_thousand_recalls_are_cheap(store: LocalStore, tmp_path: Path) -> None:
    artifact = store.put(_folder(tmp_path, a=b"1", b=b"2", c=b"3"))
    recipe = digest_json("recipe")
    store.remember(recipe, {"artifact": artifact.digest, "attributes": {"rows": 3}})
    began = time.perf_counter()
    for _ in range(1000):
        assert store.recall(recipe) is not None
    assert time.perf_counter() - began < 2, "a plan of 1,000 nodes has no more time than that"


def test_unrelated_files_are_no_artifacts(store: LocalStore, tmp_path: Path) -> None:
    artifact = store.put(_folder(tmp_path, a=b"1"))
    path = _manifest(tmp_path, artifact)
    path.with_name(f".{path.name}.half.tmp").write_bytes(b"{")
    assert list(store.digests()) == [Digest(artifact.digest)]
