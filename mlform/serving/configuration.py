"""The server's configuration file."""

from __future__ import annotations

from pathlib import Path

import msgspec


class ConfigurationError(Exception):
    """The configuration cannot be used; the text says what is wrong and where."""


class ServingOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits and choices of a server.

    Attributes:
        max_rows: Most rows of one request.
        max_body_bytes: Most bytes of a request's body.
        max_requests: Most requests at once; one more is answered 503.
        inline_rows: Up to so many rows are scored at once in the event loop; more go to a thread,
            so that other requests are answered meanwhile.
        coalesce: Whether small requests that arrive together are scored in one call. Own code is
            always called once for each request.
        drain_seconds: How long after SIGTERM connections are still served, each answer closing
            its connection.
        stop_seconds: How long after that requests under way may take.
        threads: Threads of one scoring call.
    """

    max_rows: int = 100_000
    max_body_bytes: int = 64 << 20
    max_requests: int = 1024
    inline_rows: int = 256
    coalesce: bool = True
    drain_seconds: float = 0.3
    stop_seconds: float = 20.0
    threads: int = 1


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a server is started with; see the package's docstring."""

    name: str
    model: str
    host: str
    port: int
    instance: str
    ready_file: str | None = None
    digest: str | None = None
    options: ServingOptions = ServingOptions()


def read_configuration(path: Path) -> ServerConfig:
    """Read the configuration file.

    Raises:
        ConfigurationError: If it cannot be read or a value is missing, unknown or of the wrong
            type.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ServerConfig)
    except OSError as failure:
        message = f"{path}: cannot be read: {failure.strerror}"
        raise ConfigurationError(message) from failure
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        message = f"{path}: {failure}"
        raise ConfigurationError(message) from failure
