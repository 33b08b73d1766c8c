"""What every artifact store promises; run unchanged on each adapter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlform.digests import Digest, Json, digest_json
from mlform.errors import ObjectCorrupt, ObjectMissing, StoreError
from mlform.store.base import Artifact, ArtifactStore, manifest_digest
from mlform.store.local import LocalStore
from mlform.store.memory import MemoryStore

FILES = {"model.json": b'{"trees": 3}', "pipeline/steps.json": b"[]", "empty": b"", "ü b.txt": b"x"}
RECIPE = digest_json("recipe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A store, and the means to damage it as a bad disk would."""

    store: ArtifactStore
    damage: Callable[[Digest, str, bytes | None], None]
    work: Path

    def folder(self, files: dict[str, bytes]) -> Path:
        """Write these files into a new folder."""
        folder = self.work / f"out{len(list(self.work.iterdir()))}"
        folder.mkdir()
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    def put(self, files: dict[str, bytes]) -> Artifact:
        return self.store.put(self.folder(files))


def _local(base: Path) -> tuple[ArtifactStore, Callable[[Digest, str, bytes | None], None]]:
    cache = base / "cache"
    store = LocalStore(cache=cache, metadata=base / "metadata", checkouts=base / "checkouts")

    def damage(digest: Digest, path: str, content: bytes | None) -> None:
        file = next(file for file in store.describe(digest).files if file.path == path)
        place = cache / "files" / "md5" / file.md5[:2] / file.md5[2:]
        place.unlink()
        if content is not None:
            place.write_bytes(content)
            place.chmod(0o444)

    return store, damage


@pytest.fixture(params=["memory", "local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    work = tmp_path / "work"
    work.mkdir()
    if request.param == "memory":
        memory = MemoryStore(tmp_path / "checkouts")
        return Place(store=memory, damage=memory.damage, work=work)
    store, damage = _local(tmp_path)
    return Place(store=store, damage=damage, work=work)


def _content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_was_put_is_got(place: Place) -> None:
    artifact = place.put(FILES)
    assert place.store.has(artifact.digest)
    assert _content(place.store.get(artifact.digest)) == FILES
    assert place.store.describe(artifact.digest) == artifact
    assert list(place.store.digests()) == [artifact.digest]
    assert place.store.verify(artifact.digest) == ()


def test_the_artifact_describes_its_files(place: Place) -> None:
    artifact = place.put(FILES)
    assert [file.path for file in artifact.files] == sorted(FILES)
    assert artifact.size == sum(map(len, FILES.values()))
    for file in artifact.files:
        content = FILES[file.path]
        assert file.size == len(content)
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert artifact.digest == manifest_digest(artifact.files)
    assert artifact.folder_md5.endswith(".dir")


def test_a_folder_stored_twice_is_one_artifact(place: Place) -> None:
    first, second = place.put(FILES), place.put(FILES)
    assert first == second
    assert len(list(place.store.digests())) == 1


def test_a_folder_without_files_is_an_artifact(place: Place) -> None:
    artifact = place.put({})
    assert place.store.has(artifact.digest)
    assert _content(place.store.get(artifact.digest)) == {}


def test_artifacts_share_files(place: Place) -> None:
    first = place.put({"a": b"same", "b": b"same"})
    second = place.put({"c": b"same", "d": b"other"})
    assert _content(place.store.get(first.digest)) == {"a": b"same", "b": b"same"}
    assert _content(place.store.get(second.digest)) == {"c": b"same", "d": b"other"}


def test_names_and_contents_make_different_artifacts(place: Place) -> None:
    digests = {place.put(files).digest for files in ({"a": b"1"}, {"b": b"1"}, {"a": b"2"})}
    assert len(digests) == 3


def test_a_link_is_refused(place: Place) -> None:
    folder = place.folder({"a": b"1"})
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(StoreError, match="link"):
        place.store.put(folder)
    assert list(place.store.digests()) == []


def test_a_missing_folder_is_refused(place: Place) -> None:
    with pytest.raises(StoreError):
        place.store.put(place.work / "nothing")


def test_an_unknown_artifact_is_missing(place: Place) -> None:
    unknown = digest_json("unknown")
    assert not place.store.has(unknown)
    for ask in (place.store.get, place.store.describe, place.store.verify):
        with pytest.raises(ObjectMissing):
            ask(unknown)


def test_a_lost_file_is_noticed(place: Place) -> None:
    artifact = place.put(FILES)
    place.damage(artifact.digest, "model.json", None)
    assert not place.store.has(artifact.digest)
    assert place.store.verify(artifact.digest) == ("model.json",)
    with pytest.raises(ObjectMissing, match=r"model\.json"):
        place.store.get(artifact.digest)


def test_a_cut_off_file_is_noticed(place: Place) -> None:
    artifact = place.put(FILES)
    place.damage(artifact.digest, "model.json", b"{")
    assert not place.store.has(artifact.digest)
    with pytest.raises(ObjectCorrupt, match=r"model\.json"):
        place.store.get(artifact.digest)


def test_a_changed_file_of_the_same_size_is_found_by_verify(place: Place) -> None:
    artifact = place.put(FILES)
    place.damage(artifact.digest, "model.json", b'{"trees": 4}')
    assert place.store.has(artifact.digest)
    assert place.store.verify(artifact.digest) == ("model.json",)


@pytest.mark.parametrize("damaged", [None, b"{", b'{"trees": 4}'])
def test_putting_the_folder_again_heals_it(place: Place, damaged: bytes | None) -> None:
    artifact = place.put(FILES)
    place.damage(artifact.digest, "model.json", damaged)
    assert place.put(FILES) == artifact
    assert place.store.verify(artifact.digest) == ()
    assert _content(place.store.get(artifact.digest)) == FILES


def test_a_checkout_is_repaired(place: Place) -> None:
    artifact = place.put(FILES)
    folder = place.store.get(artifact.digest)
    (folder / "model.json").unlink()
    (folder / "empty").unlink()
    (folder / "empty").write_bytes(b"no more")
    again = place.store.get(artifact.digest)
    assert _content(again) == FILES
    assert place.store.verify(artifact.digest) == ()


def test_a_result_is_recalled(place: Place) -> None:
    artifact = place.put(FILES)
    assert place.store.recall(RECIPE) is None
    result: dict[str, Json] = {
        "artifact": artifact.digest,
        "attributes": {"rows": 5, "auc": 0.75, "none": None},
    }
    place.store.remember(RECIPE, result)
    assert place.store.recall(RECIPE) == result
    place.store.remember(RECIPE, {**result, "attributes": {}})
    assert place.store.recall(RECIPE) == {**result, "attributes": {}}


def test_recipes_with_a_result_are_listed(place: Place) -> None:
    assert list(place.store.recipes()) == []
    other = digest_json({"recipe": "other"})
    place.store.remember(RECIPE, {"artifact": None})
    place.store.remember(other, {"artifact": None})
    place.store.remember(other, {"artifact": None, "attributes": {}})
    assert sorted(place.store.recipes()) == sorted([RECIPE, other])


def test_a_result_without_artifact_is_recalled(place: Place) -> None:
    place.store.remember(RECIPE, {"artifact": None, "attributes": {"rows": 5}})
    assert place.store.recall(RECIPE) == {"artifact": None, "attributes": {"rows": 5}}


def test_a_result_whose_artifact_is_damaged_is_not_recalled(place: Place) -> None:
    artifact = place.put(FILES)
    place.store.remember(RECIPE, {"artifact": artifact.digest})
    place.damage(artifact.digest, "empty", b"full")
    assert place.store.recall(RECIPE) is None
    place.store.remember(RECIPE, {"artifact": digest_json("unknown")})
    assert place.store.recall(RECIPE) is None
