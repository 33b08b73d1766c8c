"""Servers and gateways as processes of this machine that outlive the run that started them."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlform.bounded import cut_middle
from mlform.dataclass import dataclass, replace
from mlform.digests import Json, JsonObject, canonical_json
from mlform.errors import ServerFailed, TaskCancelled
from mlform.runtimes import proc, route
from mlform.runtimes.base import (
    READY_LIMIT,
    Cancellation,
    Owner,
    ServerObservation,
    ServerPaths,
    not_ready,
)
from mlform.runtimes.launch import not_started
from mlform.runtimes.preparation import Programs, log_tail
from mlform.runtimes.records import (
    ProcessNote,
    identity_of,
    processes_of,
    read_note,
    remove_note,
    write_note,
)
from mlform.tasks import Server

if TYPE_CHECKING:
    import subprocess

_LOOPBACK: Final = "127.0.0.1"
_GATEWAY_LIMIT: Final = 20.0
_DRAIN: Final = 30.0
_GATEWAY_DRAIN: Final = 5.0
_POLL: Final = 0.02
_CONFIG: Final = "config.json"
_READY: Final = "ready.json"
_GATEWAY_LOG: Final = "gateway.log"

# Python warns about a child object that is thrown away while its process runs.
_detached: Final[list[subprocess.Popen[bytes]]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a server is started with.

    Attributes:
        python: The interpreter.
        programs: What the interpreter runs.
        variables: All variables of the process.
        notes: Folder of the notes of who started what.
    """

    python: str
    programs: Programs
    variables: Mapping[str, str]
    notes: Path


def start_server(
    server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation, host: Host
) -> dict[str, Json]:
    """Start a server on a free port, wait until it is ready, return its handle.

    Raises:
        ServerFailed: It died or did not become ready in time.
        TaskCancelled: `cancellation` was set.
    """
    instance = identity_of(owner)
    folder = paths.endpoint.absolute() / "servers" / instance
    ready_file = folder / _READY
    config = _write_config(
        folder,
        {
            "name": server.name,
            "digest": server.model,
            "model": str(paths.model.absolute()),
            "host": _LOOPBACK,
            "port": 0,
            "instance": instance,
            "ready_file": str(ready_file),
            "options": server.options,
        },
    )
    log = paths.log.absolute()
    note = ProcessNote(role="server", argument=str(config), endpoint=str(paths.endpoint.absolute()))
    write_note(host.notes, owner, note)
    name = _detach((host.python, *host.programs.server, str(config)), host.variables, log)
    done = False
    try:
        limit = server.requirements.timeout or READY_LIMIT
        port = _wait_for_port(name, ready_file, limit, log, cancellation)
        answer = route.ask(_LOOPBACK, port)
        if not answer.ready or answer.instance != instance:
            raise ServerFailed(
                "Server is not ready",
                f"It wrote its port but answers {answer.status or answer.problem}.",
                log_tail=log_tail(log),
            )
        done = True
    finally:
        if not done:
            for process in processes_of(note):
                proc.stop(process, 1.0)
            remove_note(host.notes, owner)
    return {
        "runtime": "process",
        "pid": name.pid,
        "started": name.started,
        "host": _LOOPBACK,
        "port": port,
        "instance": instance,
        "config": str(config),
        "log": str(log),
        "note": str(host.notes / f"{instance}.json"),
    }


def switch(
    server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json], host: Host
) -> dict[str, Json]:
    """Lead the endpoint's URL to a started server; return the handle of the route.

    Raises:
        ServerFailed: The port is taken by something else, or the gateway does not answer.
    """
    endpoint = paths.endpoint.absolute()
    target = route.Route(
        host=str(handle["host"]), port=_number(handle, "port"), instance=str(handle["instance"])
    )
    route.point(endpoint, target)
    gateway: proc.ProcessName | None = None
    fresh = False
    done = False
    try:
        gateway = _running_gateway(endpoint, server)
        if gateway is None:
            gateway, fresh = _start_gateway(server, endpoint, owner, host), True
        name = gateway
        route.wait_until_routed(
            server.host,
            server.port,
            target.instance,
            limit=_GATEWAY_LIMIT,
            check=lambda: _require_gateway(name, server, endpoint),
        )
        done = True
    finally:
        if not done:
            route.point_back(endpoint, target.instance)
            if gateway is not None and fresh:
                proc.stop(gateway, 1.0)
    return {
        "runtime": "process",
        "pid": gateway.pid,
        "started": gateway.started,
        "host": server.host,
        "port": server.port,
        "instance": target.instance,
        "endpoint": str(endpoint),
        "config": str(_gateway_folder(endpoint, server) / _CONFIG),
    }


def observe(
    server: Server, handle: Mapping[str, Json], gateway: Mapping[str, Json]
) -> ServerObservation:
    """Look at a server and its gateway; changes nothing."""
    problems = [*_server_problems(handle), *_gateway_problems(server, handle, gateway)]
    gone = not any(_runs(each) for each in (handle, gateway))
    return ServerObservation(problems=tuple(problems), gone=gone)


def stop_server(handle: Mapping[str, Json]) -> None:
    """Let requests finish, then stop a server; absent is fine."""
    name = _name_in(handle)
    if name is not None:
        proc.stop(name, _DRAIN)
    if isinstance(note := handle.get("note"), str):
        Path(note).unlink(missing_ok=True)


def close_route(gateway: Mapping[str, Json]) -> None:
    """Stop the gateway of an endpoint and forget the route; absent is fine.

    A route that leads elsewhere by now (the endpoint moved to another port) is left alone.
    """
    name = _name_in(gateway)
    if name is not None:
        proc.stop(name, _GATEWAY_DRAIN)
    route.forget(Path(str(gateway.get("endpoint", ""))), gateway.get("instance"))


def leave_route(note: ProcessNote) -> None:
    """Lead a URL away from the server of a note, back to the one before if that still runs."""
    instance = Path(note.argument).parent.name
    if note.endpoint:
        route.point_back(Path(note.endpoint), instance)


def _runs(handle: Mapping[str, Json]) -> bool:
    name = _name_in(handle)
    return name is not None and proc.is_running(name)


def _server_problems(handle: Mapping[str, Json]) -> list[str]:
    name = _name_in(handle)
    if name is None or not proc.is_running(name):
        return [f"server process {handle.get('pid')} is not running"]
    answer = route.ask(str(handle.get("host")), _number(handle, "port"))
    if not answer.ready:
        said = f"HTTP {answer.status}" if answer.status else answer.problem
        return [f"server process {name.pid} does not answer its health route: {said}"]
    if answer.instance != handle.get("instance"):
        return [f"port {handle.get('port')} is answered by another server than the recorded one"]
    return []


def _gateway_problems(
    server: Server, handle: Mapping[str, Json], gateway: Mapping[str, Json]
) -> list[str]:
    name = _name_in(gateway)
    if name is None or not proc.is_running(name):
        return [f"gateway process {gateway.get('pid')} is not running"]
    answer = route.ask(server.host, server.port)
    if answer.status == 0:
        return [f"http://{server.host}:{server.port} does not answer: {answer.problem}"]
    if answer.instance != handle.get("instance"):
        return [f"http://{server.host}:{server.port} does not lead to the recorded server"]
    return []


def _gateway_folder(endpoint: Path, server: Server) -> Path:
    return endpoint / "gateways" / f"{server.host or 'any'}-{server.port}".replace(":", "_")


def _running_gateway(endpoint: Path, server: Server) -> proc.ProcessName | None:
    """Return this endpoint's gateway on the server's address, if one runs."""
    config = _gateway_folder(endpoint, server) / _CONFIG
    found = proc.running_with_argument(str(config))
    return found[0] if found else None


def _start_gateway(server: Server, endpoint: Path, owner: Owner, host: Host) -> proc.ProcessName:
    if _is_taken(server.host, server.port):
        raise route.port_taken(server.host, server.port)
    folder = _gateway_folder(endpoint, server)
    config = _write_config(
        folder,
        {
            "host": server.host,
            "port": server.port,
            "route": str(endpoint / route.ROUTE_NAME),
            "ready_file": str(folder / _READY),
        },
    )
    note = read_note(host.notes, owner)
    if note is not None:
        write_note(host.notes, owner, replace(note, gateway=str(config)))
    command = (host.python, *host.programs.gateway, str(config))
    return _detach(command, host.variables, endpoint / _GATEWAY_LOG)


def _require_gateway(name: proc.ProcessName, server: Server, endpoint: Path) -> None:
    if proc.is_running(name):
        return
    if _is_taken(server.host, server.port):
        raise route.port_taken(server.host, server.port)
    log = endpoint / _GATEWAY_LOG
    raise ServerFailed(
        "Gateway died",
        f"The process that owns port {server.port} ended.",
        log_tail=log_tail(log),
    )


def _is_taken(host: str, port: int) -> bool:
    """Whether somebody listens on an address, found by trying to listen there."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of a gateway that has just ended linger; they do not keep the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise ServerFailed(
                "Address cannot be listened on",
                f"{host}:{port}: {error.strerror or error}. Give the endpoint another `host` or "
                "`port`.",
            ) from error
    return False


def _wait_for_port(
    name: proc.ProcessName,
    ready_file: Path,
    limit: float,
    log: Path,
    cancellation: Cancellation,
) -> int:
    deadline = time.monotonic() + limit
    while True:
        port = _read_port(ready_file)
        if port is not None:
            return port
        if not proc.is_running(name):
            raise ServerFailed(
                "Server died before it was ready",
                "It ended while it loaded or tested its model.",
                log_tail=log_tail(log),
            )
        if time.monotonic() > deadline:
            raise not_ready(limit, log_tail(log))
        if cancellation.wait(_POLL):
            raise TaskCancelled("Server cancelled", "The run was interrupted; it was stopped.")


def _read_port(ready_file: Path) -> int | None:
    try:
        document = json.loads(ready_file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    port = document.get("port") if isinstance(document, dict) else None
    return port if isinstance(port, int) else None


def _write_config(folder: Path, config: JsonObject) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _READY).unlink(missing_ok=True)
    path = folder / _CONFIG
    path.write_bytes(canonical_json(config))
    return path


def _detach(command: tuple[str, ...], variables: Mapping[str, str], log: Path) -> proc.ProcessName:
    """Start a process that outlives this one."""
    import subprocess

    log.parent.mkdir(parents=True, exist_ok=True)
    cut_middle(log)
    try:
        with log.open("ab") as stream:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=dict(variables),
                cwd="/",
                start_new_session=True,
            )
    except OSError as error:
        raise not_started("Server", command[0], error) from error
    _detached.append(process)
    name = proc.name_of(process.pid)
    # A process that has ended already has no start time; its number with no time is nobody.
    return name or proc.ProcessName(pid=process.pid, started=0)


def _name_in(handle: Mapping[str, Json]) -> proc.ProcessName | None:
    pid, started = handle.get("pid"), handle.get("started")
    if isinstance(pid, int) and isinstance(started, int):
        return proc.ProcessName(pid=pid, started=started)
    return None


def _number(handle: Mapping[str, Json], key: str) -> int:
    value = handle.get(key)
    return value if isinstance(value, int) else 0
