"""Digests and the one canonical JSON they are taken over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NewType, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

Digest = NewType("Digest", str)
"""`sha256:` followed by 64 lower-case hexadecimal digits."""

_CHUNK = 1 << 20


class LateDocument(Mapping[str, Json]):
    """A JSON object that is made when somebody looks into it: into most of a plan nobody does."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], JsonObject]) -> None:
        """Take note of how to make it; `make` is called once at most."""
        self._make = make
        self._made: JsonObject | None = None

    def _document(self) -> JsonObject:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, name: str) -> Json:
        return self._document()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document())

    def __len__(self) -> int:
        return len(self._document())

    def __repr__(self) -> str:
        return repr(self._document())


def canonical_json(document: Json) -> bytes:
    """Return the one byte form of a document: sorted keys, no spaces, UTF-8, no NaN.

    Raises:
        ValueError: If a value is no JSON, such as a number that is not finite.
    """
    return _CANONICAL.encode(document).encode()


def _plain(value: object) -> object:
    """Return what stands for a value of a type that JSON does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    message = f"{type(value).__name__} is no JSON."
    raise ValueError(message)


_CANONICAL: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
)


def digest_bytes(content: bytes) -> Digest:
    """Return the digest of bytes."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def digest_json(document: Json) -> Digest:
    """Return the digest of a document's canonical form; the order of keys takes no part."""
    return digest_bytes(canonical_json(document))


def digest_file(path: Path) -> Digest:
    """Return the digest of a file's content.

    Raises:
        OSError: If the file cannot be read.
    """
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
    return Digest("sha256:" + state.hexdigest())


def digest_files(folder: Path, names: Iterable[str], digest: Callable[[Path], Digest]) -> Digest:
    """Return the digest of some files of a folder: their names in the order given, and contents.

    Args:
        folder: Where they are.
        names: Relative paths.
        digest: Gives the digest of one file, read or remembered.

    Raises:
        OSError: If a file cannot be read.
    """
    return digest_named((name, digest(folder / name)) for name in names)


def digest_named(digests: Iterable[tuple[str, Digest]]) -> Digest:
    """Return the digest of some files, of which relative paths and digests are known."""
    return digest_json(list(digests))


def digest_tree(folder: Path) -> Digest:
    """Return the digest of a folder: relative paths and contents, in order of path.

    Caches of Python and version control (`__pycache__`, `.git`, `*.pyc`) take no part; nor do
    times, owners and modes.

    Raises:
        OSError: If a file cannot be read.
    """
    return digest_json({path: digest_file(folder / path) for path in tree_files(folder)})


def tree_files(folder: Path) -> list[str]:
    """Return the relative POSIX paths of the files that `digest_tree` covers, sorted."""
    ignored = {"__pycache__", ".git", ".mlform"}
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not ignored.intersection(path.relative_to(folder).parts)
    )


def short(digest: str) -> str:
    """Return the first 12 hexadecimal digits, for people."""
    return digest.removeprefix("sha256:")[:12]
