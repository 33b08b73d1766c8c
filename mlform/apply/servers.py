"""Servers in the state and in the world: as JSON, their files, their gateways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import ResourceAddress
from mlform.apply.attempt_logs import folder_name, new_log
from mlform.apply.ports import Ports
from mlform.digests import Digest, Json, JsonObject
from mlform.runtimes.base import Owner, ServerPaths
from mlform.state.snapshot import ResourceRecord
from mlform.tasks import Requirements, Server


def server_to_json(server: Server) -> JsonObject:
    """Return a server as JSON, for the state."""
    needs = server.requirements
    return {
        "name": server.name,
        "model": server.model,
        "host": server.host,
        "port": server.port,
        "environment": dict(server.environment),
        "requirements": {
            "cpus": needs.cpus,
            "memory": needs.memory,
            "gpus": needs.gpus,
            "timeout": needs.timeout,
            "devices": list(needs.devices),
        },
        "options": server.options,
    }


def server_from_json(document: Mapping[str, Json]) -> Server:
    """Return the server that `server_to_json` gave; fields of another type get their default."""
    needs = document.get("requirements")
    environment, options = document.get("environment"), document.get("options")
    port = document.get("port")
    block = needs if isinstance(needs, Mapping) else {}
    memory, timeout = block.get("memory"), block.get("timeout")
    cpus, gpus = block.get("cpus"), block.get("gpus")
    devices = block.get("devices")
    return Server(
        name=str(document.get("name")),
        model=Digest(str(document.get("model"))),
        host=str(document.get("host")),
        port=port if isinstance(port, int) else 0,
        environment={
            name: str(value)
            for name, value in (environment if isinstance(environment, Mapping) else {}).items()
        },
        requirements=Requirements(
            cpus=float(cpus) if isinstance(cpus, int | float) else 1.0,
            memory=memory if isinstance(memory, int) else None,
            gpus=gpus if isinstance(gpus, int) else 0,
            timeout=float(timeout) if isinstance(timeout, int | float) else None,
            devices=tuple(map(str, devices)) if isinstance(devices, list | tuple) else (),
        ),
        options=options if isinstance(options, Mapping) else {},
    )


def home_of(record: ResourceRecord) -> str:
    """Return the name of the folder with the route and gateway of a served object.

    It stays where it is when the object gets another address.
    """
    return str(record.handle.get("home") or folder_name(record.address))


def home_for(
    address: ResourceAddress, prior: ResourceRecord | None, others: Iterable[ResourceRecord]
) -> str:
    """Return the name of the folder for the route of an object that is made or replaced.

    Args:
        address: Of the object.
        prior: The object that it replaces, whose URL may be kept, or None.
        others: All served objects; one of them may have been called like this before.
    """
    if prior is not None:
        return home_of(prior)
    taken = {home_of(record) for record in others}
    name = folder_name(address)
    number = 1
    while name in taken:
        number += 1
        name = f"{folder_name(address)}-{number}"
    return name


def server_paths(
    ports: Ports,
    server: Server,
    home: str,
    address: ResourceAddress,
    step: str,
    *,
    serving: str = "",
) -> ServerPaths:
    """Return where the files of a server are.

    Args:
        ports: The outside world.
        server: The server.
        home: Name of the folder of its endpoint.
        address: Of the object.
        step: Identity of the attempt that starts it, or started it.
        serving: Identity of the attempt whose server runs now, whose log stays.
    """
    endpoint = ports.data_folder / "endpoints" / home
    endpoint.mkdir(parents=True, exist_ok=True)
    return ServerPaths(
        model=ports.store.get(server.model),
        endpoint=endpoint,
        log=new_log(ports.data_folder, address, step, ports.now(), serving=serving),
    )


def gateway_of(record: ResourceRecord) -> tuple[Json, ...]:
    """Return what tells the gateway of a served object from others: runtime, URL and folder."""
    spec = handle_part(record, "spec")
    return (record.handle.get("runtime"), spec.get("host"), spec.get("port"), home_of(record))


def at_url(record: ResourceRecord, server: Server) -> bool:
    """Whether a served object answers where this server is to answer."""
    spec = handle_part(record, "spec")
    return (spec.get("host"), spec.get("port")) == (server.host, server.port)


def devices_of(record: ResourceRecord) -> tuple[str, ...]:
    """Return the GPUs that the server of an object has."""
    return server_from_json(handle_part(record, "spec")).requirements.devices


def is_served(record: ResourceRecord) -> bool:
    """Whether a server runs for an object."""
    return "spec" in record.handle


def close_gateway(record: ResourceRecord, ports: Ports) -> None:
    """Stop the gateway of a served object.

    Raises:
        RuntimeFailure: If the engine does not do it.
    """
    runtime = ports.runtime(str(record.handle["runtime"])).runtime
    runtime.close_route(handle_part(record, "route"))


def restore_traffic(record: ResourceRecord, project: str, ports: Ports) -> None:
    """Send the traffic of a URL back to the server that the state knows.

    Raises:
        RuntimeFailure: If the engine does not do it.
    """
    server = server_from_json(handle_part(record, "spec"))
    step = str(record.handle.get("step", ""))
    owner = Owner(project=project, address=str(record.address), step=step)
    paths = server_paths(ports, server, home_of(record), record.address, step)
    runtime = ports.runtime(str(record.handle["runtime"])).runtime
    runtime.switch(server, paths, owner, handle_part(record, "server"))


def handle_part(record: ResourceRecord, name: str) -> JsonObject:
    """Return one part of the handle of a served object; an absent one is empty."""
    value = record.handle.get(name)
    return value if isinstance(value, Mapping) else {}
