"""Runtime of test runs: what is made up is made here, everything else where it is declared.

The declared runtime is opened only when something real has to run, so tests that plan, or make
everything up, need no engine and no image. The digest of its environment follows from how it is
declared; results of tests are never mixed with others, so nothing else has to be known of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mlform.digests import Json, digest_json
from mlform.runtimes.base import (
    MADE_UP,
    BoundFolder,
    Cancellation,
    Owner,
    Runtime,
    RuntimeEnvironment,
    ServerObservation,
    ServerPaths,
    TaskPaths,
    TaskRequest,
)
from mlform.runtimes.preparation import OUTPUT_FOLDER, document_of
from mlform.runtimes.records import identity_of
from mlform.tasks import ARTIFACT_FOLDER, Server, Task, TaskEvent, TaskResult

ARTIFACT_FILE: Final = "made_up.json"
"""The one file of an artifact that is made up: what it stands for."""


class RehearsalRuntime:
    """Makes up what is to be made up; see `mlform.runtimes.base.Runtime`."""

    def __init__(
        self, type_: str, arguments: Mapping[str, Json], open_real: Callable[[], Runtime]
    ) -> None:
        """Make the runtime.

        Args:
            type_: Of the declared runtime, such as `docker`.
            arguments: Of the declared runtime.
            open_real: Opens that.
        """
        self._type = type_
        self._arguments = dict(arguments)
        self._open_real = open_real
        self._real: Runtime | None = None

    @property
    def environment(self) -> RuntimeEnvironment:
        """An environment that follows from the declaration alone."""
        return RuntimeEnvironment(
            digest=digest_json({"runtime": self._type, "arguments": self._arguments}),
            description=self._type,
        )

    def _declared(self) -> Runtime:
        if self._real is None:
            self._real = self._open_real()
        return self._real

    def fetch(self) -> None:
        """Fetch what the declared runtime needs, if something real runs there."""
        if self._real is not None:
            self._real.fetch()

    def prepare(self, task: Task, paths: TaskPaths, owner: Owner) -> TaskRequest:
        """Return the exact request for a task; touches nothing."""
        if task.kind != MADE_UP:
            return self._declared().prepare(task, paths, owner)
        work = paths.work.absolute()
        output = str(work / OUTPUT_FOLDER)
        return TaskRequest(
            image="",
            command=(MADE_UP,),
            environment={},
            folders=(BoundFolder(source=output, target=output, writable=True),),
            document=document_of(task, {}, output).to_json(),
            requirements=task.requirements,
            network=False,
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
        """Run a task to its end; one that is made up is over at once."""
        if request.command != (MADE_UP,):
            return self._declared().run(request, on_event, cancellation)
        artifact = Path(str(request.document["output"])) / ARTIFACT_FOLDER
        artifact.mkdir(parents=True)
        content = {"address": request.owner.address, "arguments": request.document["arguments"]}
        (artifact / ARTIFACT_FILE).write_text(json.dumps(content, sort_keys=True))
        return TaskResult(attributes={"address": request.owner.address})

    def start_server(
        self, server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation
    ) -> Mapping[str, Json]:
        """Start a server, or only say so."""
        if MADE_UP not in server.options:
            return self._declared().start_server(server, paths, owner, cancellation)
        instance = identity_of(owner)
        return {
            "runtime": MADE_UP,
            "instance": instance,
            "container": instance,
            "address": owner.address,
        }

    def switch(
        self, server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        """Send traffic to a started server; none to one that is made up."""
        if _is_made_up(handle):
            return {"runtime": MADE_UP, "host": server.host, "port": server.port}
        return self._declared().switch(server, paths, owner, handle)

    def observe_server(
        self, server: Server, handle: Mapping[str, Json], route: Mapping[str, Json]
    ) -> ServerObservation:
        """Look at a server; one that is made up is always well."""
        if _is_made_up(handle):
            return ServerObservation()
        return self._declared().observe_server(server, handle, route)

    def stop_server(self, handle: Mapping[str, Json]) -> None:
        """Stop a server."""
        if not _is_made_up(handle):
            self._declared().stop_server(handle)

    def close_route(self, route: Mapping[str, Json]) -> None:
        """Stop a gateway."""
        if not _is_made_up(route):
            self._declared().close_route(route)

    def server_log(self, handle: Mapping[str, Json]) -> str:
        """Return what a server printed; nothing for one that is made up."""
        return "" if _is_made_up(handle) else self._declared().server_log(handle)

    def salvage(
        self, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]
    ) -> TaskResult | None:
        """Return what an interrupted task answered; nothing is left where nothing real ran."""
        return None if self._real is None else self._real.salvage(owner, work, log, go_on)

    def abandon(self, owner: Owner) -> tuple[str, ...]:
        """Remove what an interrupted step left; nothing can be left where nothing real ran."""
        return () if self._real is None else self._real.abandon(owner)

    def close(self) -> None:
        """Let go of the declared runtime, if it was opened."""
        if self._real is not None:
            self._real.close()


def _is_made_up(handle: Mapping[str, Json]) -> bool:
    return handle.get("runtime") == MADE_UP
