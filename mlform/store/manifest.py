"""The documents that describe an artifact: our manifest, and the folder object of DVC's layout."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final

from mlform.digests import Digest, Json, canonical_json, digest_json
from mlform.errors import ObjectCorrupt
from mlform.store.base import Artifact, ArtifactFile, manifest_digest

_VERSION: Final = 1
_CHUNK: Final = 1 << 20


def read_digests(read: Callable[[int], bytes]) -> tuple[int, str, str]:
    """Read a stream to its end once; return its size in bytes, SHA-256 and MD5 (hexadecimal)."""
    size, sha256 = 0, hashlib.sha256()
    md5 = hashlib.md5(usedforsecurity=False)  # a name in DVC's layout; trust rests on SHA-256
    while chunk := read(_CHUNK):
        size += len(chunk)
        sha256.update(chunk)
        md5.update(chunk)
    return size, sha256.hexdigest(), md5.hexdigest()


def folder_object(files: tuple[ArtifactFile, ...]) -> tuple[str, bytes]:
    """Return name and content of the object that stands for a folder in DVC's layout.

    Source of the format, to the byte: `dvc_data.hashfile.tree.Tree.as_bytes`.
    """
    entries = [{"md5": file.md5, "relpath": file.path} for file in files]
    entries.sort(key=lambda entry: entry["relpath"])
    content = json.dumps(entries, sort_keys=True).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir", content


def artifact_of(files: tuple[ArtifactFile, ...]) -> Artifact:
    """Return the artifact that consists of these files."""
    ordered = tuple(sorted(files, key=lambda file: file.path))
    return Artifact(
        digest=manifest_digest(ordered), folder_md5=folder_object(ordered)[0], files=ordered
    )


def encode_manifest(artifact: Artifact) -> bytes:
    """Return the manifest of an artifact as a file."""
    files: list[Json] = [[file.path, file.size, file.sha256, file.md5] for file in artifact.files]
    return canonical_json({"version": _VERSION, "folder": artifact.folder_md5, "files": files})


def decode_manifest(content: bytes, digest: Digest) -> Artifact:
    """Return the artifact that a manifest describes.

    Args:
        content: As `encode_manifest` made it.
        digest: The digest that the artifact must have.

    Raises:
        ObjectCorrupt: If it is damaged, describes another artifact, or names a file outside of it.
    """
    try:
        document = json.loads(content)
        files = tuple(
            ArtifactFile(path=str(path), size=int(size), sha256=str(sha256), md5=_hexadecimal(md5))
            for path, size, sha256, md5 in document["files"]
        )
        artifact = Artifact(digest=digest, folder_md5=_hexadecimal(document["folder"]), files=files)
    except (ValueError, TypeError, KeyError, IndexError) as problem:
        raise _damaged(digest, "it cannot be understood") from problem
    if manifest_digest(files) != digest:
        raise _damaged(digest, "it describes another artifact")
    for file in files:
        if not is_inside(file.path):
            raise _damaged(digest, f'it names a file outside of the artifact, "{file.path}"')
    return artifact


def _hexadecimal(name: object) -> str:
    text = str(name)
    int(text.removesuffix(".dir"), 16)  # it becomes part of a path
    return text


def _damaged(digest: Digest, problem: str) -> ObjectCorrupt:
    return ObjectCorrupt(
        f"The manifest of artifact {digest} is damaged",
        f"{problem.capitalize()}. Run apply again; it makes the artifact anew.",
    )


def is_inside(path: str) -> bool:
    """Whether a relative POSIX path names a file below the folder it is relative to."""
    return "\0" not in path and not {"", ".", ".."}.intersection(path.split("/"))


def encode_result(result: Mapping[str, Json]) -> bytes:
    """Return the result of a recipe as a file that checks itself."""
    return canonical_json({"version": _VERSION, "sum": digest_json(result), "result": result})


def decode_result(content: bytes) -> Mapping[str, Json] | None:
    """Return the result in a file, or None if the file is damaged."""
    try:
        document = json.loads(content)
        result = document["result"]
        if isinstance(result, dict) and document["sum"] == digest_json(result):
            return result
    except (ValueError, TypeError, KeyError):
        pass  # a result that cannot be told is one that is not known: the node runs again
    return None
