"""The port to the places where tasks and servers run.

A runtime knows nothing of data sets or models. `prepare` is pure: it turns a task into the exact
request, as data, which a plan can show and a test can compare; `run` carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from mlform.dataclass import dataclass, field
from mlform.digests import Digest, Json, JsonObject
from mlform.errors import ServerFailed, TaskTimedOut
from mlform.tasks import Requirements, Server, Task, TaskEvent, TaskResult

MADE_UP: Final = "made_up"
"""Kind of tasks, and option of servers, that tests only pretend to run: no worker knows it."""


READY_LIMIT: Final = 120.0
"""Seconds a server gets to become ready where its requirements name no timeout."""


def not_ready(limit: float, log_tail: str) -> ServerFailed:
    """Return the failure of a server that was not ready within so many seconds."""
    return ServerFailed(
        "Server did not become ready",
        f"It was not ready within its limit of {limit:g} s and was stopped. Raise timeout in its "
        "block requirements, or see its log.",
        log_tail=log_tail,
    )


def hanging(limit: float) -> TaskTimedOut:
    """Return the failure of something that its runtime did not stop after so many seconds."""
    return TaskTimedOut(
        "Task timed out",
        f"It ran longer than its limit of {limit:g} s, and the runtime did not stop it. See "
        "whether the engine answers, and apply again.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEnvironment:
    """What a result depends on besides its inputs: the software it is made with.

    Attributes:
        digest: Part of every recipe; equal environments have equal digests.
        description: For people, such as `process (Python 3.11.7, xgboost 3.0.2)`.
        packages: Versions of the packages that matter, by name; may be empty for an image that
            was never run.
    """

    digest: Digest
    description: str
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPaths:
    """Where the files of one attempt lie on the host.

    Attributes:
        work: An empty folder for this attempt; the output goes to `work/output`.
        inputs: Absolute folder of each input of the task.
        log: File to append standard error of the task to.
    """

    work: Path
    inputs: Mapping[str, Path]
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundFolder:
    """A folder of the host as the task sees it."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who a container or process belongs to, so that a later run finds it.

    Attributes:
        project: The lineage of the state.
        address: The resource.
        step: The identity of the apply step, unique to one run and attempt.
    """

    project: str
    address: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """The exact request of a task to an engine.

    Attributes:
        image: Pinned image reference, or empty for a child process.
        command: Program and arguments.
        environment: Variables of the task's process.
        folders: Folders it sees.
        document: The task document, with paths as the task sees them.
        requirements: Limits.
        network: Whether it may reach the network.
        owner: Who it belongs to.
        work: Host folder of the attempt.
        log: Host file for standard error.
    """

    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folders: tuple[BoundFolder, ...]
    document: JsonObject
    requirements: Requirements
    network: bool
    owner: Owner
    work: Path
    log: Path


class Cancellation(Protocol):
    """A wish to stop that may come at any time; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most so many seconds; return whether to stop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPaths:
    """Where the files of one server lie on the host.

    Attributes:
        model: Folder of the model artifact.
        endpoint: A folder that lives as long as the endpoint (its route is kept there).
        log: File for what the server prints, where the engine keeps none itself.
    """

    model: Path
    endpoint: Path
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerObservation:
    """What a look at a running server shows.

    Attributes:
        problems: What is wrong, one sentence each, for the plan: `container abc was entered: …`.
        gone: Whether nothing is left of it, nor of its gateway, that would have to be removed.
    """

    problems: tuple[str, ...] = ()
    gone: bool = False

    @property
    def healthy(self) -> bool:
        """Whether it runs, answers its health route, and nobody touched it."""
        return not self.problems


class Runtime(Protocol):
    """A place where tasks and servers run. Handles are JSON objects kept in the state."""

    @property
    def environment(self) -> RuntimeEnvironment:
        """The pinned environment.

        Raises:
            RuntimeFailure: If the engine or the image is not there.
        """
        ...

    def fetch(self) -> None:
        """Make sure that what tasks and servers run in is here; to get it may take long.

        Raises:
            RuntimeFailure: If it is not to be had.
        """
        ...

    def prepare(self, task: Task, paths: TaskPaths, owner: Owner) -> TaskRequest:
        """Return the exact request for a task; touches nothing."""
        ...

    def run(
        self,
        request: TaskRequest,
        on_event: Callable[[TaskEvent], None],
        cancellation: Cancellation,
    ) -> TaskResult:
        """Run a task to its end; its artifact then lies in `request.work/output/artifact`.

        Raises:
            TaskFailed: The worker reported a problem or died.
            TaskTimedOut: It ran past `requirements.timeout`.
            TaskCancelled: `cancellation` was set.
            OutOfMemory: It was killed for memory.
            RuntimeFailure: The engine failed.
        """
        ...

    def start_server(
        self, server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation
    ) -> Mapping[str, Json]:
        """Start a new server beside any old one, wait until it is ready, return its handle.

        Ready means: the model is loaded and its stored reference rows score as in training.
        On failure nothing is left running.

        Raises:
            ServerFailed: It died or did not become ready in time.
            RuntimeFailure: The engine failed.
        """
        ...

    def switch(
        self, server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        """Send the traffic of the endpoint's URL to a started server; return the route's handle.

        Starts the endpoint's gateway if none runs. Requests under way finish where they are.

        Raises:
            ServerFailed: The port is taken by something else, or the gateway does not answer.
        """
        ...

    def observe_server(
        self, server: Server, handle: Mapping[str, Json], route: Mapping[str, Json]
    ) -> ServerObservation:
        """Look at a server and its gateway; changes nothing."""
        ...

    def stop_server(self, handle: Mapping[str, Json]) -> None:
        """Let requests finish, then stop and remove a server; absent is fine."""
        ...

    def close_route(self, route: Mapping[str, Json]) -> None:
        """Stop and remove the gateway of an endpoint; absent is fine."""
        ...

    def server_log(self, handle: Mapping[str, Json]) -> str:
        """Return what the server printed so far."""
        ...

    def salvage(
        self, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]
    ) -> TaskResult | None:
        """Return what a task of an interrupted step answered, if it ended well all the same.

        Its artifact then lies in `work/output/artifact`. Nothing is stopped or removed.

        Args:
            owner: Whose task it is.
            work: Folder of the attempt.
            log: Of the attempt.
            go_on: Asked again and again while the task still runs; whether to wait for its end.
        """
        ...

    def abandon(self, owner: Owner) -> tuple[str, ...]:
        """Stop and remove what an interrupted step left behind; return a sentence for each."""
        ...

    def close(self) -> None:
        """Let go of connections and warm processes; servers go on."""
        ...
