"""Artifacts in memory, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from mlform.digests import Digest, Json
from mlform.errors import ObjectCorrupt, ObjectMissing, StoreError
from mlform.store.base import Artifact, ArtifactFile
from mlform.store.manifest import artifact_of, decode_result, encode_result, read_digests


class MemoryStore:
    """Artifacts in memory; only what `get` returns lies on disk."""

    def __init__(self, checkouts: Path) -> None:
        """Name the folder for what `get` returns."""
        self._checkouts = checkouts
        self._checking_out = threading.Lock()
        self._artifacts: dict[Digest, Artifact] = {}
        self._contents: dict[str, bytes] = {}
        self._results: dict[Digest, bytes] = {}

    def has(self, digest: Digest) -> bool:
        """Whether the artifact is there whole; see `ArtifactStore`."""
        artifact = self._artifacts.get(digest)
        return artifact is not None and all(
            len(self._contents.get(file.sha256, b"")) == file.size for file in artifact.files
        )

    def get(self, digest: Digest) -> Path:
        """Return a folder with the artifact's files; see `ArtifactStore`."""
        artifact = self.describe(digest)
        folder = self._checkouts / digest.removeprefix("sha256:")
        # Tasks that run at the same time may read the same files: they are made once.
        with self._checking_out:
            self._check_out(artifact, folder)
        return folder

    def _check_out(self, artifact: Artifact, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for file in artifact.files:
            content = self._contents.get(file.sha256)
            if content is None:
                raise ObjectMissing(f"A file of artifact {artifact.digest} is gone", file.path)
            if len(content) != file.size:
                raise ObjectCorrupt(f"A file of artifact {artifact.digest} is damaged", file.path)
            place = folder / file.path
            if place.is_file() and place.read_bytes() == content:
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.write_bytes(content)
            place.chmod(0o444)

    def put(self, folder: Path) -> Artifact:
        """Store a folder; see `ArtifactStore`."""
        files: list[ArtifactFile] = []
        contents: dict[str, bytes] = {}
        try:
            for path in sorted(folder.rglob("*")):
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    raise StoreError("A folder cannot be stored", f"{path} is no plain file.")
                if path.is_file():
                    content = path.read_bytes()
                    size, sha256, md5 = read_digests(BytesIO(content).read)
                    relative = path.relative_to(folder).as_posix()
                    files.append(ArtifactFile(path=relative, size=size, sha256=sha256, md5=md5))
                    contents[sha256] = content
            if not folder.is_dir():
                raise StoreError("A folder cannot be stored", f"There is no folder {folder}.")
        except OSError as problem:
            raise StoreError("A folder cannot be stored", str(problem)) from problem
        artifact = artifact_of(tuple(files))
        self._contents.update(contents)
        self._artifacts[artifact.digest] = artifact
        return artifact

    def describe(self, digest: Digest) -> Artifact:
        """Return the manifest of a stored artifact; see `ArtifactStore`."""
        artifact = self._artifacts.get(digest)
        if artifact is None:
            raise ObjectMissing(f"Artifact {digest} is not in the store", "Run apply.")
        return artifact

    def verify(self, digest: Digest) -> tuple[str, ...]:
        """Read every file again; see `ArtifactStore`."""
        return tuple(
            file.path
            for file in self.describe(digest).files
            if read_digests(BytesIO(self._contents.get(file.sha256, b"")).read)
            != (file.size, file.sha256, file.md5)
        )

    def remember(self, recipe: Digest, result: Mapping[str, Json]) -> None:
        """Record the result of a recipe; see `ArtifactStore`."""
        self._results[recipe] = encode_result(result)

    def recall(self, recipe: Digest) -> Mapping[str, Json] | None:
        """Return the result of a recipe; see `ArtifactStore`."""
        content = self._results.get(recipe)
        result = None if content is None else decode_result(content)
        artifact = None if result is None else result.get("artifact")
        if isinstance(artifact, str) and artifact and not self.has(Digest(artifact)):
            return None
        return result

    def digests(self) -> Iterator[Digest]:
        """Return the digests of all stored artifacts; see `ArtifactStore`."""
        return iter(tuple(self._artifacts))

    def recipes(self) -> Iterator[Digest]:
        """Return the digests of all recipes with a result; see `ArtifactStore`."""
        return iter(tuple(self._results))

    def damage(self, digest: Digest, path: str, content: bytes | None) -> None:
        """Replace the content of a stored file, or lose it (None), as a bad disk would."""
        file = next(file for file in self.describe(digest).files if file.path == path)
        if content is None:
            del self._contents[file.sha256]
        else:
            self._contents[file.sha256] = content
