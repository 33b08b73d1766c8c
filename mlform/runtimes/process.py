"""The embedded runtime: tasks and servers as processes of the Python that mlform runs with."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from types import MappingProxyType
from typing import Final

import mlform
from mlform.digests import Json, digest_json
from mlform.runtimes import proc, process_servers
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
from mlform.runtimes.launch import Start, Started, WarmWorkers, start_child
from mlform.runtimes.preparation import (
    OUTPUT_FOLDER,
    Programs,
    answer_left_behind,
    device_variables,
    document_of,
    read_answer,
    thread_variables,
    write_document,
)
from mlform.runtimes.records import (
    ProcessNote,
    processes_of,
    read_note,
    remove_note,
    write_note,
)
from mlform.runtimes.supervision import EventFile, supervise
from mlform.runtimes.task_log import TaskLog, make_log
from mlform.tasks import DOCUMENT_NAME, Server, Task, TaskEvent, TaskResult

PACKAGES_THAT_MATTER: Final = (
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "xgboost-cpu",
    "xgboost",
)
"""Packages besides mlform whose version can change the bytes of an artifact."""

_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})
_SEARCH_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_PROGRAMS: Final = Programs()
_GRACE: Final = 5.0
_LOOK: Final = 0.2
"""Seconds between looks at a task that a dead run left."""
_TEMPORARY: Final = "tmp"
_EVENTS: Final = "events.jsonl"


def installed_packages() -> dict[str, str]:
    """Return the versions of the installed packages that matter; imports none of them."""
    found: dict[str, str] = {}
    for folder in sys.path:
        with contextlib.suppress(OSError):
            found = _packages_in(folder) | found
    versions: dict[str, str] = {name: found[name] for name in PACKAGES_THAT_MATTER if name in found}
    return {"mlform": mlform.__version__, **versions}


def _packages_in(folder: str) -> dict[str, str]:
    """Return the versions of the packages in a folder, after the names that installers give.

    `importlib.metadata` reads them from a file in each, and takes ten times as long to load.
    """
    ending = ".dist-info"
    found: dict[str, str] = {}
    for name in os.listdir(folder or "."):  # noqa: PTH208 - names are all that is wanted
        if name.endswith(ending):
            package, _, version = name.removesuffix(ending).partition("-")
            found[package.lower().replace("_", "-").replace(".", "-")] = version
    return found


def environment_of(packages: Mapping[str, str]) -> RuntimeEnvironment:
    """Return the environment of this Python with these packages."""
    python = sys.version.split()[0]
    software: dict[str, Json] = {
        "runtime": "python",
        "python": python,
        "machine": os.uname().machine,
        "packages": dict(packages),
    }
    engine = next((name for name in ("xgboost", "xgboost-cpu") if name in packages), None)
    tail = f", xgboost {packages[engine]}" if engine else ""
    return RuntimeEnvironment(
        digest=digest_json(software),
        description=f"process (Python {python}{tail})",
        packages=dict(packages),
    )


class ProcessRuntime:
    """Runs tasks and servers as child processes; see `mlform.runtimes.base.Runtime`.

    What processes cannot be held to here: the network and the folders of a task are not closed to
    it, a server's memory is not limited, and nobody sees who looked into a server's process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        python: str = sys.executable,
        inherited: Mapping[str, str] = _NO_VARIABLES,
        warm: bool = True,
        programs: Programs = _PROGRAMS,
    ) -> None:
        """Make the runtime; starts nothing.

        Args:
            folder: Where it keeps notes of its processes between runs; made when needed.
            python: The interpreter of workers and servers.
            inherited: Variables that children get besides the fixed ones, such as `PATH`.
            warm: Whether workers are forked from one that has its imports done.
            programs: What the interpreter runs.
        """
        self._folder = folder.absolute()
        self._python = python
        self._inherited = dict(inherited)
        self._warm = warm
        self._programs = programs
        self._servers: dict[tuple[tuple[str, str], ...], WarmWorkers] = {}
        self._lock = threading.Lock()
        self._environment: RuntimeEnvironment | None = None

    @property
    def environment(self) -> RuntimeEnvironment:
        """The versions of Python and of the packages that matter."""
        if self._environment is None:
            self._environment = environment_of(installed_packages())
        return self._environment

    def fetch(self) -> None:
        """Do nothing: this Python is here."""

    def prepare(self, task: Task, paths: TaskPaths, owner: Owner) -> TaskRequest:
        """Return the exact request for a task; touches nothing."""
        work = paths.work.absolute()
        inputs = {name: str(path.absolute()) for name, path in paths.inputs.items()}
        output = str(work / OUTPUT_FOLDER)
        document = document_of(task, inputs, output)
        folders = [BoundFolder(source=path, target=path) for path in sorted(set(inputs.values()))]
        return TaskRequest(
            image="",
            command=(self._python, *self._programs.worker, str(work / DOCUMENT_NAME)),
            environment={
                **self._variables(document.threads),
                **device_variables(task.requirements),
                "TMPDIR": str(work / _TEMPORARY),
            },
            folders=(*folders, BoundFolder(source=output, target=output, writable=True)),
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
        write_document(request.work, request.document)
        (request.work / _TEMPORARY).mkdir(exist_ok=True)
        make_log(request.log)
        note = ProcessNote(role="task", argument=request.command[-1])
        write_note(self._folder, request.owner, note)
        try:
            started = self._start(request)
            note = ProcessNote(
                role="task", argument=request.command[-1], name=proc.name_of(started.pid)
            )
            write_note(self._folder, request.owner, note)
            log = TaskLog(request.log, on_event)
            events = EventFile(request.work / _EVENTS, log, on_event)
            status = supervise(started, request.requirements, events, cancellation)
        finally:
            remove_note(self._folder, request.owner)
        return read_answer(request.work, status, request.log)

    def start_server(
        self, server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation
    ) -> Mapping[str, Json]:
        """Start a server that outlives mlform, wait until it is ready, return its handle."""
        return process_servers.start_server(
            server, paths, owner, cancellation, self._server_host(server)
        )

    def switch(
        self, server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        """Send the traffic of the endpoint's URL to a started server; return the route."""
        return process_servers.switch(server, paths, owner, handle, self._server_host(server))

    def observe_server(
        self, server: Server, handle: Mapping[str, Json], route: Mapping[str, Json]
    ) -> ServerObservation:
        """Look at a server and its gateway; changes nothing."""
        return process_servers.observe(server, handle, route)

    def stop_server(self, handle: Mapping[str, Json]) -> None:
        """Let requests finish, then stop a server; absent is fine."""
        process_servers.stop_server(handle)

    def close_route(self, route: Mapping[str, Json]) -> None:
        """Stop the gateway of an endpoint; absent is fine."""
        process_servers.close_route(route)

    def server_log(self, handle: Mapping[str, Json]) -> str:
        """Return what the server printed so far."""
        log = Path(str(handle.get("log", "")))
        return log.read_text(errors="replace") if log.is_file() else ""

    def salvage(
        self, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]
    ) -> TaskResult | None:
        """Return what a task of an interrupted step answered, if it ended well all the same.

        The result is the last thing that a worker writes. One that was forked from a warm worker
        has ended with the run that started it.
        """
        note = read_note(self._folder, owner)
        if note is None or note.role != "task":
            return None
        while processes_of(note):
            if not go_on():
                return None
            sleep(_LOOK)
        return answer_left_behind(work, log)

    def abandon(self, owner: Owner) -> tuple[str, ...]:
        """Stop what an interrupted step left running; return a sentence for each."""
        note = read_note(self._folder, owner)
        if note is None:
            return ()
        if note.role == "server":
            process_servers.leave_route(note)
        found = [(note.role, name) for name in processes_of(note)]
        if note.gateway:
            found += [("gateway", name) for name in proc.running_with_argument(note.gateway)]
        stopped = [(role, name) for role, name in found if proc.stop(name, _GRACE)]
        remove_note(self._folder, owner)
        return tuple(
            f"stopped process {name.pid} ({role} of {owner.address})" for role, name in stopped
        )

    def close(self) -> None:
        """End the warm workers; servers go on."""
        with self._lock:
            servers, self._servers = list(self._servers.values()), {}
        for server in servers:
            server.close()

    def _server_host(self, server: Server) -> process_servers.Host:
        devices = device_variables(server.requirements)
        variables = {**self._variables(1), **devices, **server.environment}
        return process_servers.Host(
            python=self._python,
            programs=self._programs,
            variables=variables,
            notes=self._folder,
        )

    def _variables(self, threads: int) -> dict[str, str]:
        return {
            "PATH": _SEARCH_PATH,
            **self._inherited,
            **thread_variables(threads),
            "PYTHONPATH": str(Path(mlform.__file__).absolute().parent.parent),
        }

    def _start(self, request: TaskRequest) -> Started:
        start = Start(
            command=request.command,
            environment=request.environment,
            folder=request.work,
            events=request.work / _EVENTS,
            log=request.log,
        )
        return self._warm_workers(request).start(start) if self._warm else start_child(start)

    def _warm_workers(self, request: TaskRequest) -> WarmWorkers:
        """Return the fork server for these variables: thread pools are sized when they load."""
        variables = {key: value for key, value in request.environment.items() if key != "TMPDIR"}
        key = tuple(sorted(variables.items()))
        with self._lock:
            workers = self._servers.get(key)
            if workers is None or not workers.alive:
                self._folder.mkdir(parents=True, exist_ok=True)
                workers = WarmWorkers(
                    (*request.command[:-1], "--warm"), variables, self._folder / "warm.log"
                )
                self._servers[key] = workers
            return workers
