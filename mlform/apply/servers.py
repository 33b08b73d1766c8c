"""Servers as JSON, for the state."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.digests import Digest, Json, JsonObject
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
        ),
        options=options if isinstance(options, Mapping) else {},
    )
