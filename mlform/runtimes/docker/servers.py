"""Served models and their gateways as containers.

Every project has a bridge network of its own. A server is published on a free loopback port (for
mlform's probes) and reachable in the network by its instance's name; the gateway owns the public
port and forwards to it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Json, JsonObject, canonical_json, digest_json, short
from mlform.errors import EngineUnavailable, RuntimeFailure, ServerFailed, TaskCancelled
from mlform.runtimes import route
from mlform.runtimes.base import (
    READY_LIMIT,
    BoundFolder,
    Cancellation,
    Owner,
    ServerObservation,
    ServerPaths,
    not_ready,
)
from mlform.runtimes.docker import lifecycle
from mlform.runtimes.docker.containers import (
    CONFIG_TARGET,
    ENDPOINT_LABEL,
    ENDPOINT_TARGET,
    INSTANCE_LABEL,
    MODEL_TARGET,
    PROJECT_LABEL,
    ROLE_LABEL,
    SERVER_PORT,
    ContainerNeeds,
    ContainerRequest,
    body_of,
    labels_of,
    name_of,
)
from mlform.runtimes.docker.engine import Engine, engine_errors, inside, text_of
from mlform.runtimes.docker.inspection import Look, differences, engine_time, look_at
from mlform.runtimes.preparation import LOG_TAIL_LINES, Programs, thread_variables
from mlform.runtimes.records import identity_of
from mlform.tasks import Requirements, Server

_LOOPBACK: Final = "127.0.0.1"
_EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - inside the container; published on loopback
_GATEWAY_LIMIT: Final = 20.0
_DRAIN: Final = 30
_GATEWAY_DRAIN: Final = 5
_POLL: Final = 0.05
_TAKEN: Final = ("port is already allocated", "address already in use")
_CONFIG: Final = "config.json"
_HOME: Final = {"HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108 - the container's own, a tmpfs


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a server is started with.

    Attributes:
        engine: Where.
        image: Reference of the pinned image.
        python: The interpreter inside the image.
        programs: What the interpreter runs.
        user: `uid:gid`.
        folders: Mounts that every container gets besides its own.
    """

    engine: Engine
    image: str
    python: str
    programs: Programs
    user: str
    folders: tuple[BoundFolder, ...]


def start_server(
    host: Host, server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation
) -> dict[str, Json]:
    """Start a server's container, wait until it is ready, return its handle.

    Raises:
        ServerFailed: It died or did not become ready in time.
        TaskCancelled: `cancellation` was set.
        RuntimeFailure: The engine failed.
    """
    network = _ensure_network(host.engine, owner.project)
    request = _server_request(host, server, paths, owner, network)
    container = lifecycle.create(host.engine, request)
    done = False
    try:
        lifecycle.start(host.engine, container, host.image)
        _wait_until_ready(host.engine, container, server, identity_of(owner), cancellation)
        _restart_for_ever(host.engine, container)
        look = look_at(host.engine, container)
        since = engine_time(host.engine)
        if look is None:
            raise ServerFailed("Server vanished", "Somebody removed its container.")
        done = True
    finally:
        if not done:
            _keep_log(host.engine, container, paths.log)
            lifecycle.remove(host.engine, container)
            _remove_network(host.engine, network)
    return {
        "runtime": "docker",
        "container": container,
        "name": request.name,
        "network": network,
        "host": f"server-{identity_of(owner)}",
        "port": SERVER_PORT,
        "instance": identity_of(owner),
        "image": look.image,
        "baseline": look.to_json(),
        "watched_since": since,
    }


def _keep_log(engine: Engine, container: str, log: Path) -> None:
    """Save what a server printed that is about to be removed with its container."""
    with contextlib.suppress(RuntimeFailure, OSError):
        printed = lifecycle.log_of(engine, container)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(printed, encoding="utf-8")


def switch(
    host: Host, server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json]
) -> dict[str, Json]:
    """Lead the endpoint's URL to a started server; return the handle of the route.

    A gateway that is there and was left alone stays; one that somebody touched is replaced.

    Raises:
        ServerFailed: The port is taken by something else, or the gateway does not answer.
        RuntimeFailure: The engine failed.
    """
    endpoint = paths.endpoint.absolute()
    target = route.Route(
        host=str(handle["host"]), port=SERVER_PORT, instance=str(handle["instance"])
    )
    route.point(endpoint, target)
    kept = _read_gateway(endpoint, server)
    gateway: dict[str, Json] | None = None
    fresh, done = False, False
    try:
        if kept is not None and not _differences(kept, _look(host.engine, kept)):
            gateway = kept
        else:
            _clear_gateways(host.engine, endpoint, server)
            gateway = _start_gateway(host, server, endpoint, owner, str(handle["network"]))
            fresh = True
        container = str(gateway["container"])
        route.wait_until_routed(
            server.host,
            server.port,
            target.instance,
            limit=_GATEWAY_LIMIT,
            check=lambda: _require_running(host.engine, container),
        )
        if fresh:
            gateway = _watched(host.engine, gateway)
            _keep_gateway(endpoint, server, gateway)
        done = True
    finally:
        if not done:
            route.point_back(endpoint, target.instance)
            if gateway is not None and fresh:
                lifecycle.remove(host.engine, str(gateway["container"]))
    return {**gateway, "instance": target.instance}


def observe(
    engine: Engine, server: Server, handle: Mapping[str, Json], gateway: Mapping[str, Json]
) -> ServerObservation:
    """Look at a server and its gateway; changes nothing."""
    # Comparing the files of a large image takes the engine a second: both at the same time.
    with ThreadPoolExecutor(max_workers=2) as pool:
        looks = list(pool.map(lambda each: _look(engine, each), (handle, gateway)))
    problems = [
        problem
        for each, look in zip((handle, gateway), looks, strict=True)
        for problem in _differences(each, look)
    ]
    if not problems:
        problems.extend(_health_problems(engine, server, handle))
    return ServerObservation(problems=tuple(problems), gone=looks == [None, None])


def stop_server(engine: Engine, handle: Mapping[str, Json]) -> None:
    """Let requests finish, then stop and remove a server; absent is fine."""
    container = str(handle.get("container", ""))
    if container and lifecycle.stop(engine, container, _DRAIN):
        lifecycle.remove(engine, container)
    _remove_network(engine, str(handle.get("network", "")))


def close_route(engine: Engine, gateway: Mapping[str, Json]) -> None:
    """Stop and remove the gateway of an endpoint and forget the route; absent is fine."""
    container = str(gateway.get("container", ""))
    if container and lifecycle.stop(engine, container, _GATEWAY_DRAIN):
        lifecycle.remove(engine, container)
    route.forget(Path(str(gateway.get("endpoint", ""))), gateway.get("instance"))
    _remove_network(engine, str(gateway.get("network", "")))


def leave_route(container: Mapping[str, object]) -> None:
    """Lead a URL away from a server's container that is listed, back to the one before."""
    endpoint = text_of(container, "Labels", ENDPOINT_LABEL)
    instance = text_of(container, "Labels", INSTANCE_LABEL)
    if endpoint and instance:
        route.point_back(Path(endpoint), instance)


def _server_request(
    host: Host, server: Server, paths: ServerPaths, owner: Owner, network: str
) -> ContainerRequest:
    instance = identity_of(owner)
    endpoint = paths.endpoint.absolute()
    folder = endpoint / "servers" / instance
    _write_config(
        folder,
        {
            "name": server.name,
            "digest": server.model,
            "model": MODEL_TARGET,
            "host": _EVERY_ADDRESS,
            "port": SERVER_PORT,
            "instance": instance,
            "ready_file": None,
            "options": server.options,
        },
    )
    labels = {
        **labels_of(owner, "server"),
        ENDPOINT_LABEL: str(endpoint),
        INSTANCE_LABEL: instance,
    }
    needs = ContainerNeeds(
        image=host.image,
        command=(host.python, *host.programs.server, f"{CONFIG_TARGET}/{_CONFIG}"),
        user=host.user,
        variables={**thread_variables(1), **_HOME, **server.environment},
        labels=labels,
        folders=(
            BoundFolder(source=str(paths.model.absolute()), target=MODEL_TARGET),
            BoundFolder(source=str(folder), target=CONFIG_TARGET),
            *host.folders,
        ),
        requirements=server.requirements,
        network=network,
        aliases=(f"server-{instance}",),
        published=(_LOOPBACK, 0),
    )
    return ContainerRequest(name=name_of(owner, "server"), body=body_of(needs))


def _wait_until_ready(
    engine: Engine, container: str, server: Server, instance: str, cancellation: Cancellation
) -> None:
    limit = server.requirements.timeout or READY_LIMIT
    deadline = time.monotonic() + limit
    while True:
        found = lifecycle.inspect(engine, container)
        if text_of(found, "State", "Status") != "running":
            code = inside(found, "State", "ExitCode")
            raise ServerFailed(
                "Server died before it was ready",
                f"It ended with status {code} while it loaded or tested its model.",
                log_tail=lifecycle.log_of(engine, container, LOG_TAIL_LINES),
            )
        port = _published_port(found)
        answer = route.ask(_LOOPBACK, port) if port else route.Answer(status=0)
        if answer.ready and answer.instance == instance:
            return
        if time.monotonic() > deadline:
            raise not_ready(limit, lifecycle.log_of(engine, container, LOG_TAIL_LINES))
        if cancellation.wait(_POLL):
            raise TaskCancelled("Server cancelled", "The run was interrupted; it was stopped.")


def _published_port(found: Mapping[str, object] | None) -> int:
    bindings = inside(found, "NetworkSettings", "Ports", f"{SERVER_PORT}/tcp")
    first = bindings[0] if isinstance(bindings, list) and bindings else None
    port = text_of(first, "HostPort")
    return int(port) if port.isdigit() else 0


def _restart_for_ever(engine: Engine, container: str) -> None:
    """Have the engine bring a server back, from now on: before, a failure must end it."""
    with engine_errors(engine.docker_host, "set the restart policy"):
        # The client's types know two of the engine's four policies.
        engine.api.update_container(
            container,
            restart_policy={"Name": "unless-stopped"},  # type: ignore[arg-type]
        )


def _start_gateway(
    host: Host, server: Server, endpoint: Path, owner: Owner, network: str
) -> dict[str, Json]:
    folder = _gateway_folder(endpoint, server)
    _write_config(
        folder,
        {
            "host": _EVERY_ADDRESS,
            "port": SERVER_PORT,
            "route": f"{ENDPOINT_TARGET}/{route.ROUTE_NAME}",
            "ready_file": None,
        },
    )
    inner = f"{ENDPOINT_TARGET}/{folder.relative_to(endpoint).as_posix()}/{_CONFIG}"
    needs = ContainerNeeds(
        image=host.image,
        command=(host.python, *host.programs.gateway, inner),
        user=host.user,
        variables={**thread_variables(1), **_HOME},
        labels=labels_of(owner, "gateway") | _gateway_labels(endpoint, server),
        folders=(BoundFolder(source=str(endpoint), target=ENDPOINT_TARGET), *host.folders),
        requirements=Requirements(cpus=1.0),
        network=network,
        published=(server.host, server.port),
    )
    name = f"mlform-{_endpoint_identity(endpoint, server)}-gateway"
    container = lifecycle.create(host.engine, ContainerRequest(name=name, body=body_of(needs)))
    done = False
    try:
        lifecycle.start(host.engine, container, host.image)
        _restart_for_ever(host.engine, container)
        done = True
    except EngineUnavailable:
        raise
    except RuntimeFailure as failure:
        if any(words in failure.detail for words in _TAKEN):
            raise route.port_taken(server.host, server.port) from failure
        raise
    finally:
        if not done:
            lifecycle.remove(host.engine, container)
    return {
        "runtime": "docker",
        "container": container,
        "name": name,
        "network": network,
        "host": server.host,
        "port": server.port,
        "endpoint": str(endpoint),
    }


def _watched(engine: Engine, gateway: Mapping[str, Json]) -> dict[str, Json]:
    """Return a gateway's handle with the baseline that later looks are compared with."""
    look = look_at(engine, str(gateway["container"]))
    if look is None:
        raise ServerFailed("Gateway vanished", "Somebody removed its container.")
    return {**gateway, "baseline": look.to_json(), "watched_since": engine_time(engine)}


def _require_running(engine: Engine, container: str) -> None:
    found = lifecycle.inspect(engine, container)
    if text_of(found, "State", "Status") not in {"running", "created"}:
        raise ServerFailed(
            "Gateway died",
            "The container that owns the endpoint's port ended.",
            log_tail=lifecycle.log_of(engine, container, LOG_TAIL_LINES),
        )


def _look(engine: Engine, handle: Mapping[str, Json]) -> Look | None:
    return look_at(
        engine, str(handle.get("container", "")), since=str(handle.get("watched_since", ""))
    )


def _differences(handle: Mapping[str, Json], now: Look | None) -> list[str]:
    name = str(handle.get("name") or handle.get("container"))
    baseline = handle.get("baseline")
    return differences(name, baseline if isinstance(baseline, Mapping) else {}, now)


def _health_problems(engine: Engine, server: Server, handle: Mapping[str, Json]) -> list[str]:
    name = handle.get("name")
    port = _published_port(lifecycle.inspect(engine, str(handle.get("container", ""))))
    answer = route.ask(_LOOPBACK, port) if port else route.Answer(status=0, problem="no port")
    if not answer.ready:
        said = f"HTTP {answer.status}" if answer.status else answer.problem
        return [f"container {name} does not answer its health route: {said}"]
    public = route.ask(server.host, server.port)
    if public.status == 0:
        return [f"http://{server.host}:{server.port} does not answer: {public.problem}"]
    if public.instance != handle.get("instance"):
        return [f"http://{server.host}:{server.port} does not lead to the recorded server"]
    return []


def _gateway_folder(endpoint: Path, server: Server) -> Path:
    return endpoint / "gateways" / f"{server.host or 'any'}-{server.port}".replace(":", "_")


def _endpoint_identity(endpoint: Path, server: Server) -> str:
    return short(digest_json([str(endpoint), server.host, server.port]))


def _gateway_labels(endpoint: Path, server: Server) -> dict[str, str]:
    return {
        ROLE_LABEL: "gateway",
        ENDPOINT_LABEL: str(endpoint),
        INSTANCE_LABEL: _endpoint_identity(endpoint, server),
    }


def _clear_gateways(engine: Engine, endpoint: Path, server: Server) -> None:
    for found in lifecycle.labelled(engine, _gateway_labels(endpoint, server)):
        lifecycle.remove(engine, text_of(found, "Id"))


def _keep_gateway(endpoint: Path, server: Server, gateway: JsonObject) -> None:
    (_gateway_folder(endpoint, server) / "handle.json").write_bytes(canonical_json(gateway))


def _read_gateway(endpoint: Path, server: Server) -> dict[str, Json] | None:
    import json

    try:
        handle = json.loads((_gateway_folder(endpoint, server) / "handle.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return handle if isinstance(handle, dict) else None


def _write_config(folder: Path, config: JsonObject) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _CONFIG
    path.write_bytes(canonical_json(config))
    # Read by the container's user, who is another one.
    path.chmod(0o644)


def _ensure_network(engine: Engine, project: str) -> str:
    """Return the name of a project's network; make it where it is missing."""
    from docker.errors import APIError, NotFound

    name = _network_of(project)
    with engine_errors(engine.docker_host, "make the project's network"):
        try:
            engine.api.inspect_network(name)
        except NotFound:
            try:
                engine.api.create_network(
                    name, driver="bridge", check_duplicate=True, labels={PROJECT_LABEL: project}
                )
            except APIError as error:
                if error.status_code != 409:  # noqa: PLR2004 - another run made it just now
                    raise
    return name


def tidy_network(engine: Engine, project: str) -> None:
    """Remove a project's network if nothing is in it."""
    _remove_network(engine, _network_of(project))


def _network_of(project: str) -> str:
    return f"mlform-{short(digest_json(project))}"


def _remove_network(engine: Engine, name: str) -> None:
    """Remove a project's network once nothing is in it."""
    from docker.errors import APIError, NotFound

    if not name:
        return
    with engine_errors(engine.docker_host, "remove the project's network"):
        try:
            if not inside(engine.api.inspect_network(name), "Containers"):
                engine.api.remove_network(name)
        except NotFound:
            return
        except APIError as error:
            if "active endpoints" not in str(error.explanation):
                raise
