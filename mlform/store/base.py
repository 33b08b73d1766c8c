"""The port to the artifact store.

An artifact is a folder of files. Its digest is taken over its manifest: for each file the path,
size and SHA-256, in order of path. The digest alone names it; the store may keep the files under
other names (DVC's layout keeps them by MD5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from mlform.dataclass import dataclass
from mlform.digests import Digest, Json, digest_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFile:
    """One file of an artifact: path relative to it (POSIX), size in bytes, digests."""

    path: str
    size: int
    sha256: str
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A stored folder.

    Attributes:
        digest: Over the manifest; see `manifest_digest`.
        folder_md5: Name of the folder object in DVC's layout, ending in `.dir`.
        files: In order of path.
    """

    digest: Digest
    folder_md5: str
    files: tuple[ArtifactFile, ...]

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(file.size for file in self.files)


def manifest_digest(files: tuple[ArtifactFile, ...]) -> Digest:
    """Return the digest of an artifact with these files."""
    return digest_json(
        [[file.path, file.size, file.sha256] for file in sorted(files, key=lambda f: f.path)]
    )


class ArtifactStore(Protocol):
    """Artifacts by digest, and finished results by recipe."""

    def has(self, digest: Digest) -> bool:
        """Whether the artifact is there whole (every file present with its size)."""
        ...

    def get(self, digest: Digest) -> Path:
        """Return a folder with the artifact's files, read-only for the caller.

        Raises:
            ObjectMissing: If it is not in the store.
            ObjectCorrupt: If a file has another size than the manifest says.
        """
        ...

    def put(self, folder: Path) -> Artifact:
        """Store a folder (its files may be moved) and return its artifact; storing twice is fine.

        Raises:
            StoreError: If it cannot be written; nothing half-written is visible.
        """
        ...

    def describe(self, digest: Digest) -> Artifact:
        """Return the manifest of a stored artifact.

        Raises:
            ObjectMissing: If it is not in the store.
        """
        ...

    def verify(self, digest: Digest) -> tuple[str, ...]:
        """Read every file again; return the paths whose content is not what the manifest says."""
        ...

    def remember(self, recipe: Digest, result: Mapping[str, Json]) -> None:
        """Record the result of a recipe: the record's `artifact` digest and attributes."""
        ...

    def recall(self, recipe: Digest) -> Mapping[str, Json] | None:
        """Return the result of a recipe if it is known and its artifact is still there."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Return the digests of all stored artifacts, in any order."""
        ...

    def recipes(self) -> Iterator[Digest]:
        """Return the digests of all recipes whose result was remembered, in any order."""
        ...
