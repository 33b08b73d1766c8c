"""The adapter: tasks and servers as containers of one pinned image."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mlform.digests import Json, digest_json, short
from mlform.runtimes.base import (
    BoundFolder,
    Cancellation,
    Owner,
    RuntimeEnvironment,
    ServerObservation,
    ServerPaths,
    TaskPaths,
    TaskRequest,
)
from mlform.runtimes.docker import lifecycle, servers
from mlform.runtimes.docker.containers import (
    ADDRESS_LABEL,
    DOCUMENT_TARGET,
    INPUT_TARGET,
    OUTPUT_TARGET,
    PROJECT_LABEL,
    ROLE_LABEL,
    STEP_LABEL,
)
from mlform.runtimes.docker.engine import Engine, ensure_image, image_labels, text_of
from mlform.runtimes.docker.tasks import run_task, salvage
from mlform.runtimes.preparation import OUTPUT_FOLDER, Programs, document_of, thread_variables
from mlform.tasks import PinnedImage, Server, Task, TaskEvent, TaskResult

PACKAGES_LABEL: Final = "mlform.packages"
"""Label of an image with the versions of the packages that matter, as a JSON object."""

_CONTAINER_USER: Final = "10001:10001"
_PROGRAMS: Final = Programs()
_GRACE: Final = 5


def default_user() -> str:
    """Return the user that containers run as.

    It is mlform's own, so that files written belong to whoever runs it; where that is root, a
    user without rights.
    """
    return f"{os.getuid()}:{os.getgid()}" if os.getuid() else _CONTAINER_USER


class DockerRuntime:
    """Runs tasks and servers in containers; see `mlform.runtimes.base.Runtime`."""

    def __init__(
        self,
        image: PinnedImage,
        *,
        docker_host: str | None = None,
        python: str = "python3",
        programs: Programs = _PROGRAMS,
        user: str | None = None,
        folders: tuple[BoundFolder, ...] = (),
    ) -> None:
        """Make the runtime; connects to nothing.

        Args:
            image: What containers are made from.
            docker_host: Where the engine is, as `DOCKER_HOST` gives it, or None for the local one.
            python: The interpreter inside the image.
            programs: What the interpreter runs.
            user: `uid:gid` inside containers, or None for `default_user()`.
            folders: Mounts that every container gets besides its own.
        """
        self._image = image
        self._engine = Engine(docker_host)
        self._python = python
        self._programs = programs
        self._user = user or default_user()
        self._folders = folders
        self._environment: RuntimeEnvironment | None = None
        self._image_is_here = False

    @property
    def environment(self) -> RuntimeEnvironment:
        """The pinned image, and the versions its labels tell where it is here.

        Raises:
            EngineUnavailable: If no engine answers.
        """
        if self._environment is None:
            digest = "sha256:" + self._image.reference.rpartition("sha256:")[2]
            labels = image_labels(self._engine, self._image)
            self._environment = RuntimeEnvironment(
                digest=digest_json({"runtime": "image", "image": digest}),
                description=f"docker ({self._image.name}, {short(digest)})",
                packages=_packages(labels.get(PACKAGES_LABEL, "{}")),
            )
        return self._environment

    def fetch(self) -> None:
        """Pull the image if it is not here."""
        self._ensure_image()

    def prepare(self, task: Task, paths: TaskPaths, owner: Owner) -> TaskRequest:
        """Return the exact request for a task; touches nothing."""
        work = paths.work.absolute()
        targets = {name: f"{INPUT_TARGET}/{name}" for name in sorted(paths.inputs)}
        document = document_of(task, targets, OUTPUT_TARGET)
        inputs = tuple(
            BoundFolder(source=str(paths.inputs[name].absolute()), target=target)
            for name, target in targets.items()
        )
        output = BoundFolder(source=str(work / OUTPUT_FOLDER), target=OUTPUT_TARGET, writable=True)
        temporary = "/tmp"  # noqa: S108 - the container's own, a tmpfs
        return TaskRequest(
            image=self._image.reference,
            command=(self._python, *self._programs.worker, DOCUMENT_TARGET),
            environment={
                **thread_variables(document.threads),
                "HOME": temporary,
                "TMPDIR": temporary,
            },
            folders=(*inputs, output, *self._folders),
            document=document.to_json(),
            requirements=task.requirements,
            network=task.network,
            owner=owner,
            work=work,
            log=paths.log.absolute(),
        )

    def run(
        self,
        request: TaskRequest,
        on_event: Callable[[TaskEvent], None],
        cancellation: Cancellation,
    ) -> TaskResult:
        """Run a task to its end; see the port for what it raises."""
        self._ensure_image()
        return run_task(self._engine, request, self._user, on_event, cancellation)

    def start_server(
        self, server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation
    ) -> Mapping[str, Json]:
        """Start a server beside any old one, wait until it is ready, return its handle."""
        self._ensure_image()
        return servers.start_server(self._host(), server, paths, owner, cancellation)

    def switch(
        self, server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        """Send the traffic of the endpoint's URL to a started server; return the route."""
        self._ensure_image()
        return servers.switch(self._host(), server, paths, owner, handle)

    def observe_server(
        self, server: Server, handle: Mapping[str, Json], route: Mapping[str, Json]
    ) -> ServerObservation:
        """Look at a server and its gateway; changes nothing."""
        return servers.observe(self._engine, server, handle, route)

    def stop_server(self, handle: Mapping[str, Json]) -> None:
        """Let requests finish, then stop and remove a server; absent is fine."""
        servers.stop_server(self._engine, handle)

    def close_route(self, route: Mapping[str, Json]) -> None:
        """Stop and remove the gateway of an endpoint; absent is fine."""
        servers.close_route(self._engine, route)

    def server_log(self, handle: Mapping[str, Json]) -> str:
        """Return what the server printed so far."""
        return lifecycle.log_of(self._engine, str(handle.get("container", "")))

    def salvage(
        self, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]
    ) -> TaskResult | None:
        """Return what a task of an interrupted step answered, if it ended well all the same."""
        return salvage(self._engine, owner, work, log, go_on)

    def abandon(self, owner: Owner) -> tuple[str, ...]:
        """Stop and remove what an interrupted step left; return a sentence for each."""
        labels = {
            PROJECT_LABEL: owner.project,
            ADDRESS_LABEL: owner.address,
            STEP_LABEL: owner.step,
        }
        told = []
        for found in lifecycle.labelled(self._engine, labels):
            servers.leave_route(found)
            container, role = text_of(found, "Id"), text_of(found, "Labels", ROLE_LABEL)
            lifecycle.stop(self._engine, container, _GRACE)
            if lifecycle.remove(self._engine, container):
                told.append(f"removed container {container[:12]} ({role} of {owner.address})")
        if told:
            servers.tidy_network(self._engine, owner.project)
        return tuple(told)

    def close(self) -> None:
        """Close the connections to the engine; servers go on."""
        self._engine.close()

    def _ensure_image(self) -> None:
        if not self._image_is_here:
            ensure_image(self._engine, self._image)
            self._image_is_here = True

    def _host(self) -> servers.Host:
        return servers.Host(
            engine=self._engine,
            image=self._image.reference,
            python=self._python,
            programs=self._programs,
            user=self._user,
            folders=self._folders,
        )


def _packages(label: str) -> dict[str, str]:
    try:
        found = json.loads(label)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
