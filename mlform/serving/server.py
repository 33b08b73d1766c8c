"""A server as a process: load, test, listen, say so, end in order."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, cast

import uvicorn

from mlform.digests import Digest
from mlform.features.problems import TaskFailure
from mlform.features.scoring import load_model
from mlform.serving.app import Application
from mlform.serving.configuration import ServerConfig
from mlform.serving.model import (
    ModelUnusable,
    ServedModel,
    artifact_digest,
    read_reference,
)
from mlform.serving.readiness import announce
from mlform.serving.selftest import self_test

_LOG: Final = logging.getLogger("mlform.serving")
_BACKLOG: Final = 2048
_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the gateway keeps idle connections, so that it is the one to close them."""


def load(config: ServerConfig) -> ServedModel:
    """Load a model and test it.

    Raises:
        ModelUnusable: If it cannot be loaded, is another than the configuration names, or fails
            its self-test.
    """
    folder = Path(config.model)
    try:
        digest = artifact_digest(folder)
        if config.digest is not None and digest != Digest(config.digest):
            message = f"{folder}: its content is {digest}, not {config.digest}: it was changed"
            raise ModelUnusable(message)
        scorer = load_model(folder, config.options.threads)
        reference = read_reference(folder)
    except (OSError, ValueError, KeyError, TaskFailure) as failure:
        message = f"{folder}: the model cannot be loaded: {failure}"
        raise ModelUnusable(message) from failure
    self_test(scorer, reference)
    return ServedModel(name=config.name, digest=digest, scorer=scorer, reference=reference)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        OSError: If the address cannot be listened on.
    """
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return socket.create_server(cast("tuple[str, int]", address), family=family, backlog=_BACKLOG)


class _Server(uvicorn.Server):
    """uvicorn, with a drain before it stops and an exit status of 0 after SIGTERM."""

    def __init__(
        self,
        config: uvicorn.Config,
        application: Application,
        *,
        drain_seconds: float,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._application = application
        self._drain_seconds = drain_seconds
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept, and say so."""
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second signal ends at once."""
        del sig, frame
        self.force_exit = self.should_exit
        self.should_exit = True
        self._application.draining = True

    async def main_loop(self) -> None:
        """Serve until told to stop, then a little longer."""
        await super().main_loop()
        if not self.force_exit:
            await asyncio.sleep(self._drain_seconds)


async def serve(config: ServerConfig, model: ServedModel, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OSError: If the ready file cannot be written.
    """
    options = config.options
    port = int(listener.getsockname()[1])

    def say_ready() -> None:
        _LOG.info("%s %s listens on %s:%d", config.name, model.version, config.host, port)
        if config.ready_file is not None:
            announce(Path(config.ready_file), port=port)

    application = Application(model, config.instance, options)
    server = _Server(
        uvicorn.Config(
            application,
            http="auto",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, round(options.stop_seconds)),
        ),
        application,
        drain_seconds=options.drain_seconds,
        on_ready=say_ready,
    )
    await server.serve(sockets=[listener])
    application.close()
    _LOG.info("%s ends", config.name)
