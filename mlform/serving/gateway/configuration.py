"""The gateway's configuration file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path


class ConfigurationError(Exception):
    """The configuration cannot be used; the text says what is wrong and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Limits of the gateway.

    Attributes:
        header_bytes: Most bytes of a request's or an answer's head.
        replay_bytes: Most bytes of a request that are kept to send it again.
        connections: Most client connections at once; one more is answered 503.
        idle_upstreams: Most idle connections kept to the server.
        upstream_idle_seconds: Age at which an idle connection to the server is closed; below the
            75 s after which `mlform.serving` closes it.
        connect_seconds: How long a server that refuses connections is tried.
        head_seconds: How long a client may take to send a head.
        idle_seconds: How long an idle client connection is kept.
        response_seconds: How long an exchange may stand still.
        drain_seconds: How long SIGTERM waits for exchanges under way.
        poll_seconds: How often the route file is looked at.
    """

    header_bytes: int = 65536
    replay_bytes: int = 1 << 20
    connections: int = 4096
    idle_upstreams: int = 256
    upstream_idle_seconds: float = 30.0
    connect_seconds: float = 2.0
    head_seconds: float = 30.0
    idle_seconds: float = 300.0
    response_seconds: float = 300.0
    drain_seconds: float = 10.0
    poll_seconds: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """What the gateway is started with; see the package's docstring."""

    host: str
    port: int
    route: Path
    ready_file: Path | None = None
    options: GatewayOptions = field(default_factory=GatewayOptions)


def read_configuration(path: Path) -> GatewayConfig:
    """Read the configuration file.

    Raises:
        ConfigurationError: If it cannot be read or a value is missing or of the wrong type.
    """
    try:
        document: object = json.loads(path.read_bytes())
    except OSError as failure:
        message = f"{path}: cannot be read: {failure.strerror}"
        raise ConfigurationError(message) from failure
    except ValueError as failure:
        message = f"{path}: is not JSON: {failure}"
        raise ConfigurationError(message) from failure
    if not isinstance(document, dict):
        message = f"{path}: must be a JSON object"
        raise ConfigurationError(message)
    host, port, route = document.get("host"), document.get("port"), document.get("route")
    ready_file = document.get("ready_file")
    if not (isinstance(host, str) and isinstance(port, int) and isinstance(route, str)):
        message = f'{path}: "host" and "route" must be strings and "port" a number'
        raise ConfigurationError(message)
    if ready_file is not None and not isinstance(ready_file, str):
        message = f'{path}: "ready_file" must be a path or null'
        raise ConfigurationError(message)
    return GatewayConfig(
        host=host,
        port=port,
        route=Path(route),
        ready_file=None if ready_file is None else Path(ready_file),
        options=_options(path, document.get("options") or {}),
    )


def _options(path: Path, document: object) -> GatewayOptions:
    if not isinstance(document, Mapping):
        message = f'{path}: "options" must be an object'
        raise ConfigurationError(message)
    known = {option.name: option.default for option in fields(GatewayOptions)}
    for name, value in document.items():
        if name not in known:
            message = f"{path}: unknown option {name!r}; known: {', '.join(known)}"
            raise ConfigurationError(message)
        whole = isinstance(known[name], int)
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            wanted = "a whole number" if whole else "a number"
            message = f"{path}: option {name!r} must be {wanted}, not {value!r}"
            raise ConfigurationError(message)
        if value <= 0:
            message = f"{path}: option {name!r} must be above 0, not {value!r}"
            raise ConfigurationError(message)
    return GatewayOptions(**document)
