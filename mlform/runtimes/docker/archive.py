"""Images written by hand, so that the same content gives the same image id.

`docker build` and `docker import` put the time into what they make. Here an image is a base
image's archive (`docker save`: `manifest.json`, a configuration, layers) with one more layer and
a configuration that says so; nothing in it depends on when or where it was made. The format is the
Docker image specification v1.2 as `docker load` reads it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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


def write_layer(files: Iterable[LayerFile], path: Path) -> str:
    """Write files as a layer: sorted, owned by root, without times.

    Returns:
        Its digest, `sha256:…`.
    """
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
    return _digest_of(path)


def write_image(base: Path, layer: Path, digest: str, settings: ImageSettings, path: Path) -> str:
    """Write an archive for `docker load`: a base image with one more layer.

    Args:
        base: Archive of the base image, as `docker save` writes it.
        layer: The layer's tar file.
        digest: Its digest.
        settings: What the configuration adds.
        path: The archive to write.

    Returns:
        Digest of the configuration, which is the image id where the engine names images so.

    Raises:
        RuntimeFailure: The base's archive is not one of a single image.
    """
    with tarfile.open(base) as source, tarfile.open(path, "w") as target:
        manifest = _manifest_of(source)
        config = _read_json(source, str(manifest["Config"]))
        content = canonical_json(with_layer(config, digest, settings))
        identity = hashlib.sha256(content).hexdigest()
        names = _copy_layers(source, target, manifest)
        name = f"{digest.removeprefix('sha256:')}.tar"
        if name not in names:
            target.add(layer, arcname=name, filter=_without_times)
        _add_bytes(target, f"{identity}.json", content)
        listing: list[Json] = [
            {
                "Config": f"{identity}.json",
                "RepoTags": [settings.tag],
                "Layers": [*names, name],
            }
        ]
        _add_bytes(target, "manifest.json", canonical_json(listing))
    return f"sha256:{identity}"


def with_layer(base: Mapping[str, Json], digest: str, settings: ImageSettings) -> dict[str, Json]:
    """Return an image configuration with one more layer and the settings."""
    inner = _mapping(base.get("config"))
    variables = dict(
        str(pair).split("=", 1) for pair in _items(inner.get("Env")) if "=" in str(pair)
    )
    variables.update(settings.variables)
    root = _mapping(base.get("rootfs"))
    kept = {key: base[key] for key in ("architecture", "os", "variant") if key in base}
    return {
        **kept,
        "created": _EPOCH,
        "config": {
            **{key: inner[key] for key in ("ExposedPorts", "Volumes") if key in inner},
            "User": settings.user,
            "Env": [f"{key}={value}" for key, value in sorted(variables.items())],
            "Labels": {**_mapping(inner.get("Labels")), **settings.labels},
            "Cmd": list(settings.command),
            "Entrypoint": None,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [*_items(root.get("diff_ids")), digest]},
        "history": [
            *_items(base.get("history")),
            {"created": _EPOCH, "created_by": settings.history},
        ],
    }


def _manifest_of(source: tarfile.TarFile) -> Mapping[str, Json]:
    member = source.extractfile("manifest.json")
    found = json.loads(member.read()) if member is not None else None
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        raise RuntimeFailure(
            "Base image cannot be read", "Its archive does not hold exactly one image."
        )
    return found[0]


def _read_json(source: tarfile.TarFile, name: str) -> Mapping[str, Json]:
    member = source.extractfile(name)
    found = json.loads(member.read()) if member is not None else None
    if not isinstance(found, dict):
        raise RuntimeFailure("Base image cannot be read", f"{name} of its archive is no object.")
    return found


def _copy_layers(
    source: tarfile.TarFile, target: tarfile.TarFile, manifest: Mapping[str, Json]
) -> list[Json]:
    """Copy the base's layers under the names the manifest gives; links between them followed."""
    names: list[Json] = []
    for item in _items(manifest.get("Layers")):
        name = str(item)
        names.append(name)
        if names.count(name) > 1:
            continue
        member = source.getmember(name)
        stream = source.extractfile(member)
        if stream is None:
            raise RuntimeFailure("Base image cannot be read", f"Its layer {name} is no file.")
        entry = tarfile.TarInfo(name)
        entry.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        target.addfile(entry, stream)
    return names


def _add_bytes(target: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = _FILE_MODE
    target.addfile(entry, io.BytesIO(content))


def _without_times(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
    return entry


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
