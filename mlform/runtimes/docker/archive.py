"""Images written by hand, so that the same content gives the same image id.

`docker build` and `docker import` put the time into what they make. Here an image is a base image
with one more layer and a configuration that says so; nothing in it depends on when or where it was
made. The format is the Docker image specification v1.2 as `docker load` reads it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Json, canonical_json
from mlform.errors import RuntimeFailure

_CHUNK: Final = 1 << 20
_FILE_MODE: Final = 0o644
_PROGRAM_MODE: Final = 0o755
_EPOCH: Final = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFile:
    """A file of a layer.

    Attributes:
        source: On this machine.
        target: In the image, relative to its root.
    """

    source: Path
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """What the new image's configuration adds to its base's.

    Attributes:
        tag: Name of the image.
        variables: Environment, beside that of the base.
        labels: Labels, beside those of the base.
        user: `uid:gid`.
        command: Default program and arguments.
        history: What made the layer, for people.
    """

    tag: str
    variables: Mapping[str, str]
    labels: Mapping[str, str]
    user: str
    command: tuple[str, ...]
    history: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as a tar file.

    Attributes:
        path: The file.
        digest: Of its content, `sha256:…`.
    """

    path: Path
    digest: str


def write_layer(files: Iterable[LayerFile], path: Path) -> Layer:
    """Write files as a layer: sorted, owned by root, without times."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        written: set[str] = set()
        for file in sorted(files, key=lambda each: each.target):
            for folder in reversed(Path(file.target).parents):
                name = folder.as_posix()
                if name not in {".", *written}:
                    written.add(name)
                    entry = tarfile.TarInfo(name)
                    entry.type, entry.mode = tarfile.DIRTYPE, _PROGRAM_MODE
                    archive.addfile(entry)
            entry = tarfile.TarInfo(file.target)
            entry.size = file.source.stat().st_size
            executable = file.source.stat().st_mode & 0o100
            entry.mode = _PROGRAM_MODE if executable else _FILE_MODE
            with file.source.open("rb") as stream:
                archive.addfile(entry, stream)
    return Layer(path=path, digest=_digest_of(path))


def write_image(
    base: Mapping[str, object],
    layer: Layer,
    settings: ImageSettings,
    path: Path,
    saved: Path | None,
) -> str:
    """Write an archive for `docker load`: a base image with one more layer.

    Args:
        base: What the engine tells of the base image (`GET /images/NAME/json`).
        layer: The layer.
        settings: What the configuration adds.
        path: The archive to write.
        saved: Archive of the base, as `docker save` writes it, or None to leave its layers out:
            some engines do not look for a layer they have.

    Returns:
        Digest of the configuration, which is the image id where the engine names images so.

    Raises:
        RuntimeFailure: The base's archive is not one of a single image.
    """
    configuration = with_layer(base, layer.digest, settings)
    content = canonical_json(configuration)
    identity = hashlib.sha256(content).hexdigest()
    names = [
        f"{str(digest).removeprefix('sha256:')}.tar"
        for digest in _items(_mapping(configuration["rootfs"]).get("diff_ids"))
    ]
    with tarfile.open(path, "w") as target:
        if saved is not None:
            with tarfile.open(saved) as source:
                _copy_layers(source, target, names[:-1])
        target.add(layer.path, arcname=names[-1])
        _add_bytes(target, f"{identity}.json", content)
        entry: dict[str, Json] = {
            "Config": f"{identity}.json",
            "RepoTags": [settings.tag],
            "Layers": list(names),
        }
        _add_bytes(target, "manifest.json", canonical_json([entry]))
    return f"sha256:{identity}"


def with_layer(base: Mapping[str, object], digest: str, settings: ImageSettings) -> dict[str, Json]:
    """Return an image configuration with one more layer and the settings.

    Args:
        base: What the engine tells of the base image.
        digest: Of the layer.
        settings: What the configuration adds.
    """
    known = _mapping(json.loads(json.dumps(base)))
    inner = _mapping(known.get("Config"))
    variables = dict(
        str(pair).split("=", 1) for pair in _items(inner.get("Env")) if "=" in str(pair)
    )
    variables.update(settings.variables)
    layers = [*_items(_mapping(known.get("RootFS")).get("Layers")), digest]
    history: list[Json] = [{"created": _EPOCH, "created_by": "base"} for _ in layers[:-1]]
    return {
        "architecture": known.get("Architecture"),
        "os": known.get("Os"),
        "created": _EPOCH,
        "config": {
            "User": settings.user,
            "Env": [f"{key}={value}" for key, value in sorted(variables.items())],
            "Labels": {**_mapping(inner.get("Labels")), **settings.labels},
            "Cmd": list(settings.command),
            "Entrypoint": None,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": layers},
        "history": [*history, {"created": _EPOCH, "created_by": settings.history}],
    }


def _copy_layers(source: tarfile.TarFile, target: tarfile.TarFile, names: list[str]) -> None:
    """Copy the base's layers under the names given, which stand in the same order."""
    member = source.extractfile("manifest.json")
    found = json.loads(member.read()) if member is not None else None
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        raise RuntimeFailure(
            "Base image cannot be read", "Its archive does not hold exactly one image."
        )
    for stored, name in zip(_items(found[0].get("Layers")), names, strict=True):
        stream = source.extractfile(str(stored))
        if stream is None:
            raise RuntimeFailure("Base image cannot be read", f"Its layer {stored} is no file.")
        entry = tarfile.TarInfo(name)
        entry.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        target.addfile(entry, stream)


def _add_bytes(target: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = _FILE_MODE
    target.addfile(entry, io.BytesIO(content))


def _digest_of(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
    return "sha256:" + state.hexdigest()


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else []
