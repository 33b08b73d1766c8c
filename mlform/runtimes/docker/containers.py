"""Exact container requests as data: the JSON of `POST /containers/create`, Engine API 1.41."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass, field
from mlform.digests import Json
from mlform.runtimes.base import BoundFolder, Owner, TaskRequest
from mlform.runtimes.records import identity_of
from mlform.tasks import Requirements

PROJECT_LABEL: Final = "mlform.project"
ADDRESS_LABEL: Final = "mlform.address"
STEP_LABEL: Final = "mlform.step"
ROLE_LABEL: Final = "mlform.role"
ENDPOINT_LABEL: Final = "mlform.endpoint"
INSTANCE_LABEL: Final = "mlform.instance"

DOCUMENT_TARGET: Final = "/mlform/task.json"
INPUT_TARGET: Final = "/mlform/inputs"
OUTPUT_TARGET: Final = "/mlform/output"
MODEL_TARGET: Final = "/mlform/model"
CONFIG_TARGET: Final = "/mlform/config"
ENDPOINT_TARGET: Final = "/mlform/endpoint"
SERVER_PORT: Final = 8080

_PIDS: Final = 1024
_NANO: Final = 1_000_000_000
_LOG: Final[dict[str, Json]] = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerNeeds:
    """What one container is to be like; everything else is the same for all.

    Attributes:
        image: Reference of the pinned image.
        command: Program and arguments.
        user: `uid:gid`.
        variables: Environment.
        labels: Labels.
        folders: Mounts.
        requirements: Limits.
        network: Name of a network, `none` or `bridge`.
        aliases: Names of the container in that network.
        published: Host address and port (0 for any) for `SERVER_PORT`, or None.
    """

    image: str
    command: tuple[str, ...]
    user: str
    variables: Mapping[str, str]
    labels: Mapping[str, str]
    folders: Sequence[BoundFolder]
    requirements: Requirements
    network: str
    aliases: tuple[str, ...] = ()
    published: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRequest:
    """A named container request.

    Attributes:
        name: Of the container; a second one of that name is refused, which makes it a mutex.
        body: JSON body of the request.
    """

    name: str
    body: dict[str, Json] = field(default_factory=dict)


def labels_of(owner: Owner, role: str) -> dict[str, str]:
    """Return the labels that let a later run find a container."""
    return {
        PROJECT_LABEL: owner.project,
        ADDRESS_LABEL: owner.address,
        STEP_LABEL: owner.step,
        ROLE_LABEL: role,
    }


def name_of(owner: Owner, role: str) -> str:
    """Return the container name of a step."""
    return f"mlform-{identity_of(owner)}-{role}"


def task_container(request: TaskRequest, user: str) -> ContainerRequest:
    """Return the container of a task."""
    document = BoundFolder(
        source=str(request.work / Path(DOCUMENT_TARGET).name), target=DOCUMENT_TARGET
    )
    needs = ContainerNeeds(
        image=request.image,
        command=request.command,
        user=user,
        variables=request.environment,
        labels=labels_of(request.owner, "task"),
        folders=(document, *request.folders),
        requirements=request.requirements,
        network="bridge" if request.network else "none",
    )
    return ContainerRequest(name=name_of(request.owner, "task"), body=body_of(needs))


def body_of(needs: ContainerNeeds) -> dict[str, Json]:
    """Return the request body of a hardened container.

    Read-only root, nothing but /tmp and the writable mounts to write to, no capabilities, no new
    privileges, limits on processes, memory (swap included) and cores, an init that reaps children
    and hands on signals, no health check of the image's own: each is an exec and would drown the
    events that tell of somebody entering the container.
    """
    body: dict[str, Json] = {
        "Image": needs.image,
        "Entrypoint": [needs.command[0]],
        "Cmd": list(needs.command[1:]),
        "User": needs.user,
        "Env": [f"{key}={value}" for key, value in sorted(needs.variables.items())],
        "Labels": dict(needs.labels),
        "WorkingDir": "/tmp",  # noqa: S108 - the container's own, a tmpfs
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(needs),
    }
    if needs.published is not None:
        body["ExposedPorts"] = {f"{SERVER_PORT}/tcp": {}}
    if needs.aliases:
        body["NetworkingConfig"] = {
            "EndpointsConfig": {needs.network: {"Aliases": list(needs.aliases)}}
        }
    return body


def _host_config(needs: ContainerNeeds) -> dict[str, Json]:
    config: dict[str, Json] = {
        "Init": True,
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": "rw,nosuid,nodev,mode=1777"},  # noqa: S108 - the container's own
        "NetworkMode": needs.network,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "PidsLimit": _PIDS,
        "NanoCpus": math.ceil(needs.requirements.cpus * _NANO),
        "Mounts": [_mount(folder) for folder in needs.folders],
        "LogConfig": _LOG,
    }
    if needs.requirements.memory is not None:
        config["Memory"] = needs.requirements.memory
        config["MemorySwap"] = needs.requirements.memory
    if needs.requirements.gpus:
        config["DeviceRequests"] = [_devices(needs.requirements)]
    if needs.published is not None:
        host, port = needs.published
        binding: dict[str, Json] = {"HostIp": host, "HostPort": str(port) if port else ""}
        config["PortBindings"] = {f"{SERVER_PORT}/tcp": [binding]}
    return config


def _devices(requirements: Requirements) -> dict[str, Json]:
    """Return the request for GPUs: those that were given, or any where none were named."""
    request: dict[str, Json] = {"Driver": "", "Capabilities": [["gpu"]]}
    if requirements.devices:
        return {**request, "DeviceIDs": list(requirements.devices)}
    return {**request, "Count": requirements.gpus}


def _mount(folder: BoundFolder) -> dict[str, Json]:
    """Return a bind mount; unlike `Binds`, a source that is missing is refused, not made."""
    return {
        "Type": "bind",
        "Source": folder.source,
        "Target": folder.target,
        "ReadOnly": not folder.writable,
    }
