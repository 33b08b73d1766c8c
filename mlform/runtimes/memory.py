"""The runtime without processes or containers: Python callables do the work.

It keeps the port's promises (events, limits, outcomes, routes) so that planning and applying can
be tested fast and with every failure on demand. Work is asked to stop where it waits or claims
memory through `MemoryWork`; nothing is measured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from mlform.dataclass import dataclass, field
from mlform.digests import Json, digest_json
from mlform.errors import ServerFailed, TaskCancelled, TaskFailed
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
from mlform.runtimes.preparation import OUTPUT_FOLDER, document_of, log_tail, write_document
from mlform.runtimes.records import identity_of
from mlform.runtimes.route import port_taken
from mlform.runtimes.supervision import out_of_memory, timed_out
from mlform.tasks import (
    ARTIFACT_FOLDER,
    Requirements,
    Server,
    Task,
    TaskDocument,
    TaskEvent,
    TaskProblem,
    TaskResult,
)

_WAIT: Final = 0.01


class WorkProblem(Exception):
    """Raised by work to report a problem as a worker would.

    Attributes:
        problem: What is wrong.
    """

    def __init__(self, problem: TaskProblem) -> None:
        super().__init__(problem.summary)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWork:
    """What a callable gets to do its work with.

    Attributes:
        document: The task, with its folders.
        artifact: Empty folder for the files of the artifact.
        requirements: Limits.
        on_event: Takes progress.
        cancellation: The wish to stop.
        log: File for people.
    """

    document: TaskDocument
    artifact: Path
    requirements: Requirements
    on_event: Callable[[TaskEvent], None]
    cancellation: Cancellation
    log: Path

    def input_folder(self, name: str) -> Path:
        """Return the folder of an input."""
        return Path(self.document.inputs[name])

    def print(self, line: str) -> None:
        """Write a line to the log."""
        with self.log.open("a") as log:
            log.write(line + "\n")

    def pass_time(self, seconds: float) -> None:
        """Spend time as a long piece of work would.

        Raises:
            TaskCancelled: The run was interrupted meanwhile.
            TaskTimedOut: The task's limit is less than this.
        """
        timeout = self.requirements.timeout
        deadline = time.monotonic() + (seconds if timeout is None else min(seconds, timeout))
        while time.monotonic() < deadline:
            if self.cancellation.wait(_WAIT):
                raise TaskCancelled("Task cancelled", "The run was interrupted.")
        if timeout is not None and timeout < seconds:
            raise timed_out(timeout)

    def claim_memory(self, size: int) -> None:
        """Say how many bytes the work holds.

        Raises:
            OutOfMemory: The task's limit is less than this.
        """
        if self.requirements.memory is not None and size > self.requirements.memory:
            raise out_of_memory(self.requirements.memory)


Work: TypeAlias = Callable[[MemoryWork], Mapping[str, Json]]
"""Fills `artifact` and returns the computed attributes; may raise `WorkProblem`."""

SelfTest: TypeAlias = Callable[[Server, Path], None]
"""Gets a server and its model's folder; raises `ServerFailed` if it must not serve."""

_NO_PACKAGES: Final[Mapping[str, str]] = MappingProxyType({})


def pass_self_test(server: Server, model: Path) -> None:
    """Find every existing model fit to serve.

    Raises:
        ServerFailed: There is no folder of the model.
    """
    if not model.is_dir():
        raise ServerFailed("Model is missing", f"{server.name}: there is no folder {model}.")


@dataclass(slots=True)
class _Running:
    """A server as long as it runs."""

    server: Server
    owner: Owner
    model: Path
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Gateway:
    """What owns an address: the folder of its endpoint, and the attempt that started it."""

    endpoint: str
    started_by: str


class MemoryRuntime:
    """Runs work in this process; see `mlform.runtimes.base.Runtime`."""

    def __init__(
        self,
        work: Mapping[str, Work],
        *,
        packages: Mapping[str, str] = _NO_PACKAGES,
        self_test: SelfTest = pass_self_test,
    ) -> None:
        """Make the runtime.

        Args:
            work: What does the tasks of each kind.
            packages: Versions that make up the environment.
            self_test: What decides whether a server becomes ready.
        """
        self._work = dict(work)
        self._packages = dict(packages)
        self._self_test = self_test
        self._servers: dict[str, _Running] = {}
        self._routes: dict[tuple[str, int], str] = {}
        self._previous: dict[tuple[str, int], str] = {}
        self._gateways: dict[tuple[str, int], _Gateway] = {}
        self._lock = threading.Lock()

    @property
    def environment(self) -> RuntimeEnvironment:
        """The environment that was given."""
        return RuntimeEnvironment(
            digest=digest_json({"runtime": "memory", "packages": self._packages}),
            description="memory",
            packages=self._packages,
        )

    def fetch(self) -> None:
        """Do nothing: all is here."""

    def prepare(self, task: Task, paths: TaskPaths, owner: Owner) -> TaskRequest:
        """Return the exact request for a task; touches nothing."""
        work = paths.work.absolute()
        inputs = {name: str(path.absolute()) for name, path in paths.inputs.items()}
        output = str(work / OUTPUT_FOLDER)
        return TaskRequest(
            image="",
            command=(task.kind,),
            environment={},
            folders=(
                *(BoundFolder(source=path, target=path) for path in sorted(set(inputs.values()))),
                BoundFolder(source=output, target=output, writable=True),
            ),
            document=document_of(task, inputs, output).to_json(),
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
        document = TaskDocument.from_json(request.document)
        work = self._work.get(document.kind)
        if work is None:
            raise TaskFailed(
                "Unknown kind of task", f"no work is given for tasks of kind {document.kind}"
            )
        write_document(request.work, request.document)
        artifact = Path(document.output) / ARTIFACT_FOLDER
        artifact.mkdir()
        request.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            attributes = work(
                MemoryWork(
                    document=document,
                    artifact=artifact,
                    requirements=request.requirements,
                    on_event=on_event,
                    cancellation=cancellation,
                    log=request.log,
                )
            )
        except WorkProblem as error:
            raise TaskFailed(
                error.problem.summary,
                error.problem.detail,
                argument=error.problem.argument,
                log_tail=log_tail(request.log),
            ) from error
        return TaskResult(attributes=dict(attributes))

    def start_server(
        self, server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation
    ) -> Mapping[str, Json]:
        """Start a server; it is ready once the self-test passed."""
        if cancellation.is_set():
            raise TaskCancelled("Server cancelled", "The run was interrupted.")
        self._self_test(server, paths.model)
        instance = identity_of(owner)
        with self._lock:
            self._servers[instance] = _Running(server, owner, paths.model)
        return {"runtime": "memory", "instance": instance}

    def switch(
        self, server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        """Lead an address to a started server.

        Raises:
            PortTaken: The address belongs to another endpoint.
            ServerFailed: The server does not run.
        """
        instance = str(handle.get("instance"))
        address = (server.host, server.port)
        gateway = _Gateway(str(paths.endpoint), identity_of(owner))
        with self._lock:
            if instance not in self._servers:
                raise ServerFailed("Server is gone", f"server {instance} does not run")
            if self._gateways.setdefault(address, gateway).endpoint != gateway.endpoint:
                raise port_taken(server.host, server.port)
            before = self._routes.get(address)
            if before is not None and before != instance:
                self._previous[address] = before
            self._routes[address] = instance
        return {
            "runtime": "memory",
            "host": server.host,
            "port": server.port,
            "instance": instance,
            "endpoint": gateway.endpoint,
        }

    def observe_server(
        self, server: Server, handle: Mapping[str, Json], route: Mapping[str, Json]
    ) -> ServerObservation:
        """Look at a server and its route; changes nothing."""
        del route
        instance = str(handle.get("instance"))
        running = self._servers.get(instance)
        leads_to = self._routes.get((server.host, server.port))
        if running is None:
            problem = f"server {instance} is not running"
            return ServerObservation(problems=(problem,), gone=leads_to != instance)
        problems = list(running.problems)
        if leads_to != instance:
            problems.append(
                f"http://{server.host}:{server.port} does not lead to the recorded server"
            )
        return ServerObservation(problems=tuple(problems))

    def stop_server(self, handle: Mapping[str, Json]) -> None:
        """Stop a server; absent is fine."""
        with self._lock:
            self._servers.pop(str(handle.get("instance")), None)

    def close_route(self, route: Mapping[str, Json]) -> None:
        """Forget an address; absent is fine."""
        host, port = route.get("host"), route.get("port")
        if isinstance(host, str) and isinstance(port, int):
            with self._lock:
                gateway = self._gateways.get((host, port))
                if gateway is not None and gateway.endpoint == route.get("endpoint"):
                    self._forget((host, port))

    def server_log(self, handle: Mapping[str, Json]) -> str:
        """Return one line that names the server, or nothing if it is gone."""
        running = self._servers.get(str(handle.get("instance")))
        return f"serving {running.server.name}\n" if running else ""

    def salvage(self, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]) -> None:
        """Return nothing: work ends with the process that it is done in."""
        del owner, work, log, go_on

    def abandon(self, owner: Owner) -> tuple[str, ...]:
        """Stop the servers of an interrupted step; return a sentence for each."""
        instance = identity_of(owner)
        with self._lock:
            if self._servers.pop(instance, None) is None:
                return ()
            for address in [key for key, value in self._routes.items() if value == instance]:
                previous = self._previous.pop(address, None)
                if previous is not None:
                    self._routes[address] = previous
                elif self._gateways[address].started_by == instance:
                    self._forget(address)
                else:
                    del self._routes[address]
        return (f"stopped server {instance} of {owner.address}",)

    def _forget(self, address: tuple[str, int]) -> None:
        del self._gateways[address]
        self._routes.pop(address, None)
        self._previous.pop(address, None)

    def close(self) -> None:
        """Let go of nothing; servers go on."""

    def answering(self, host: str, port: int) -> str | None:
        """Return which server answers at an address, or None."""
        instance = self._routes.get((host, port))
        return instance if instance in self._servers else None

    def take_work(self, work: Mapping[str, Work]) -> None:
        """Do other work from now on."""
        self._work = dict(work)

    def running(self) -> tuple[str, ...]:
        """Return which servers run."""
        return tuple(self._servers)

    def touch(self, handle: Mapping[str, Json], problem: str) -> None:
        """Do to a server what makes the next look at it find this problem."""
        self._servers[str(handle["instance"])].problems.append(problem)

    def mend(self, handle: Mapping[str, Json]) -> None:
        """Let the next look at a server find no problem."""
        self._servers[str(handle["instance"])].problems.clear()
