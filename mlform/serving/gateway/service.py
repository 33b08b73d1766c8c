"""The gateway as a process: listens, follows the route file, ends in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from typing import Final

from mlform.serving.gateway.client import ClientConnection
from mlform.serving.gateway.configuration import GatewayConfig
from mlform.serving.gateway.route import RouteFile
from mlform.serving.gateway.upstream import UpstreamPool
from mlform.serving.readiness import announce

_LOG: Final = logging.getLogger("mlform.gateway")
_SWEEP_SECONDS: Final = 0.5
_BACKLOG: Final = 2048


class Gateway:
    """One gateway.

    Attributes:
        options: Its limits.
        pool: Its connections to the server.
        clients: Its connections of clients.
        draining: Whether it is about to end.
        emptied: Set whenever the last client leaves.
    """

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._route = RouteFile(config.route)
        self._stop = asyncio.Event()
        self.options = config.options
        self.pool = UpstreamPool(self._route, config.options)
        self.clients: set[ClientConnection] = set()
        self.draining = False
        self.emptied = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            OSError: If the port cannot be listened on or the ready file cannot be written.
        """
        loop = asyncio.get_running_loop()
        self.follow_route()
        server = await loop.create_server(
            lambda: ClientConnection(self),
            self._config.host,
            self._config.port,
            backlog=_BACKLOG,
            reuse_address=True,
        )
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.follow_route)
        port = int(server.sockets[0].getsockname()[1])
        _LOG.info("gateway listens on %s:%d", self._config.host, port)
        if self._config.ready_file is not None:
            announce(self._config.ready_file, port=port)
        watching = [
            loop.create_task(self._every(self.options.poll_seconds, self.follow_route)),
            loop.create_task(self._every(_SWEEP_SECONDS, self._sweep)),
        ]
        await self._stop.wait()
        server.close()
        await self._drain()
        for task in watching:
            task.cancel()

    def follow_route(self) -> None:
        """Look at the route file; leave idle connections to a former server."""
        if self._route.refresh():
            route = self._route.current
            where = f"{route.host}:{route.port} ({route.instance})" if route else "no server"
            _LOG.info("route: %s", where)
            self.pool.sweep()

    def _sweep(self) -> None:
        self.pool.sweep()
        for client in list(self.clients):
            client.sweep()

    async def _every(self, seconds: float, action: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            action()

    async def _drain(self) -> None:
        self.draining = True
        self.emptied.clear()
        for client in list(self.clients):
            client.drain()
        if self.clients:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.emptied.wait(), self.options.drain_seconds)
        for client in list(self.clients):
            client.abort()
        self.pool.close()
        _LOG.info("gateway ends")
