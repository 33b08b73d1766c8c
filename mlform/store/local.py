"""Artifacts on disk, in the layout of a DVC cache.

::

    <cache>/files/md5/ab/cdef…        each file, read-only, named by its MD5
    <cache>/files/md5/ab/cdef….dir    each folder: a list of names and MD5s
    <metadata>/artifacts/<sha256>.json    manifests: what the artifact's digest is taken over
    <metadata>/results/<sha256>.json      results by recipe
    <checkouts>/<sha256>/                 folders of links into the cache

A manifest is written last, so what has one was stored whole. MD5 only names files, since DVC's
tools expect that; what a file must hold is said by the SHA-256 in the manifest.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mlform.digests import Digest, Json
from mlform.durable import write_file
from mlform.errors import ObjectCorrupt, ObjectMissing, StoreError
from mlform.store.base import Artifact, ArtifactFile
from mlform.store.cache import DvcCache
from mlform.store.checkout import check_out
from mlform.store.manifest import (
    artifact_of,
    decode_manifest,
    decode_result,
    encode_manifest,
    encode_result,
    read_digests,
)

_PREFIX: Final = "sha256:"


class LocalStore:
    """Artifacts in a DVC cache, with manifests and results beside it."""

    def __init__(self, *, cache: Path, metadata: Path, checkouts: Path) -> None:
        """Name the folders; nothing is read or written yet.

        Args:
            cache: Of DVC, or one of our own in the same layout.
            metadata: Of manifests and results.
            checkouts: Of the folders that `get` returns; links work if on the cache's file system.
        """
        self._cache = DvcCache(cache)
        self._artifacts = metadata / "artifacts"
        self._results = metadata / "results"
        self._checkouts = checkouts

    def has(self, digest: Digest) -> bool:
        """Whether the artifact is there whole; see `ArtifactStore`."""
        try:
            artifact = self.describe(digest)
        except (ObjectMissing, ObjectCorrupt):
            return False
        return all(self._cache.size(file.md5) == file.size for file in artifact.files)

    def get(self, digest: Digest) -> Path:
        """Return a folder with the artifact's files; see `ArtifactStore`."""
        artifact = self.describe(digest)
        for file in artifact.files:
            self._check(file, digest)
        target = self._checkouts / digest.removeprefix(_PREFIX)
        with translated("checked out", target):
            check_out({file.path: self._cache.path(file.md5) for file in artifact.files}, target)
        return target

    def _check(self, file: ArtifactFile, digest: Digest) -> None:
        size = self._cache.size(file.md5)
        if size is None:
            raise ObjectMissing(
                f"A file of artifact {digest} is gone",
                f"{file.path} was {self._cache.path(file.md5)}. Run apply again, which makes it "
                "anew, or fetch it with dvc pull.",
            )
        if size != file.size:
            raise ObjectCorrupt(
                f"A file of artifact {digest} is damaged",
                f"{self._cache.path(file.md5)} ({file.path}) has {size} bytes instead of "
                f"{file.size}. Run apply again, which makes it anew.",
            )

    def put(self, folder: Path) -> Artifact:
        """Store a folder; see `ArtifactStore`."""
        with translated("stored", folder):
            files: list[ArtifactFile] = []
            for relative, path in _files(folder):
                with path.open("rb") as stream:
                    size, sha256, md5 = read_digests(stream.read)
                files.append(ArtifactFile(path=relative, size=size, sha256=sha256, md5=md5))
                self._cache.add_file(path, md5=md5, sha256=sha256, size=size)
            artifact = artifact_of(tuple(files))
            self._cache.add_folder(artifact.files)
            self._cache.flush(artifact.files)
            self._artifacts.mkdir(parents=True, exist_ok=True)
            write_file(self._manifest_path(artifact.digest), encode_manifest(artifact))
        return artifact

    def describe(self, digest: Digest) -> Artifact:
        """Return the manifest of a stored artifact; see `ArtifactStore`."""
        path = f"{self._artifacts}/{digest.removeprefix(_PREFIX)}.json"
        try:
            with open(path, "rb") as stream:  # noqa: PTH123 - called often
                content = stream.read()
        except FileNotFoundError as problem:
            raise ObjectMissing(
                f"Artifact {digest} is not in the store",
                f"There is no {path}. Run apply, which makes it anew.",
            ) from problem
        except OSError as problem:
            raise _store_error("read", Path(path), problem) from problem
        return decode_manifest(content, digest)

    def verify(self, digest: Digest) -> tuple[str, ...]:
        """Read every file again; see `ArtifactStore`."""
        artifact = self.describe(digest)
        return tuple(file.path for file in artifact.files if not self._is_whole(file))

    def _is_whole(self, file: ArtifactFile) -> bool:
        path = self._cache.path(file.md5)
        try:
            with path.open("rb") as stream:
                return read_digests(stream.read) == (file.size, file.sha256, file.md5)
        except FileNotFoundError:
            return False
        except OSError as problem:
            raise _store_error("read", path, problem) from problem

    def remember(self, recipe: Digest, result: Mapping[str, Json]) -> None:
        """Record the result of a recipe; see `ArtifactStore`."""
        with translated("written", self._results):
            self._results.mkdir(parents=True, exist_ok=True)
            write_file(self._result_path(recipe), encode_result(result))

    def recall(self, recipe: Digest) -> Mapping[str, Json] | None:
        """Return the result of a recipe; see `ArtifactStore`."""
        path = self._result_path(recipe)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise _store_error("read", path, problem) from problem
        result = decode_result(content)
        if result is None:
            return None
        artifact = result.get("artifact")
        if isinstance(artifact, str) and artifact and not self.has(Digest(artifact)):
            return None
        return result

    def digests(self) -> Iterator[Digest]:
        """Return the digests of all stored artifacts; see `ArtifactStore`."""
        return _named_digests(self._artifacts)

    def recipes(self) -> Iterator[Digest]:
        """Return the digests of all recipes with a result; see `ArtifactStore`."""
        return _named_digests(self._results)

    def _manifest_path(self, digest: Digest) -> Path:
        return self._artifacts / f"{digest.removeprefix(_PREFIX)}.json"

    def _result_path(self, recipe: Digest) -> Path:
        return self._results / f"{recipe.removeprefix(_PREFIX)}.json"


def _named_digests(folder: Path) -> Iterator[Digest]:
    """Return the digests that the files of a folder are named by."""
    with translated("read", folder):
        names = [path.name for path in folder.glob("*.json")]
    for name in names:
        if not name.startswith("."):
            yield Digest(_PREFIX + name.removesuffix(".json"))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Return the files below a folder with their relative paths, in order of path.

    Raises:
        StoreError: If something there is neither file nor folder, or has no name in UTF-8.
        OSError: If the folder cannot be read.
    """
    found: list[tuple[str, Path]] = []
    for current, folders, names in os.walk(folder, onerror=_raise):
        for name in (*folders, *names):
            path = Path(current, name)
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            relative = path.relative_to(folder).as_posix()
            if not stat.S_ISREG(mode):
                raise StoreError(
                    "A folder cannot be stored",
                    f"{path} is a link or special file. An artifact holds files and folders only: "
                    "write a file in its place.",
                )
            found.append((_named(relative, path), path))
    return iter(sorted(found))


def _named(relative: str, path: Path) -> str:
    try:
        relative.encode()
    except UnicodeEncodeError as problem:
        raise StoreError(
            "A folder cannot be stored",
            f"The name of {path!r} is not UTF-8. Give the file another name.",
        ) from problem
    return relative


def _raise(problem: OSError) -> None:
    raise problem


@contextlib.contextmanager
def translated(done: str, path: Path) -> Iterator[None]:
    """Turn what the system says into a `StoreError` that says what to do."""
    try:
        yield
    except OSError as problem:
        raise _store_error(done, path, problem) from problem


def _store_error(done: str, path: Path, problem: OSError) -> StoreError:
    where = problem.filename or path
    reason = f"{where}: {problem.strerror or problem}."
    match problem.errno:
        case errno.ENOSPC | errno.EDQUOT:
            advice = "Free some space on that disk and run the command again."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            advice = "Give yourself the right to read and write there."
        case _:
            advice = "Check that the folder is there and its disk in order."
    return StoreError(f"An artifact cannot be {done}", f"{reason} {advice}")
