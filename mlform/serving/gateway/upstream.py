"""Connections to the server of the moment, kept between requests."""

from __future__ import annotations

import asyncio
import functools
from typing import Final, Protocol, cast

from mlform.serving.gateway.configuration import GatewayOptions
from mlform.serving.gateway.route import Route, RouteFile

_RETRY_PAUSE: Final = 0.025
"""Seconds between two attempts to connect to a server that refuses."""


class Unreachable(Exception):
    """No server could be connected to; the text says why."""


class UpstreamListener(Protocol):
    """The exchange that a connection works for."""

    def upstream_bytes(self, data: bytes) -> None:
        """Take bytes of the answer."""
        ...

    def upstream_lost(self) -> None:
        """The connection is gone."""
        ...

    def upstream_full(self) -> None:
        """The server reads more slowly than the client sends."""
        ...

    def upstream_drained(self) -> None:
        """The server has caught up."""
        ...


class UpstreamConnection(asyncio.Protocol):
    """One connection to a server.

    Attributes:
        route: What it is connected to.
        reused: Whether it has carried an exchange before the present one.
        listener: The exchange it works for, or None while it is idle.
        idle_since: Loop time at which it became idle.
    """

    def __init__(self, pool: UpstreamPool, route: Route) -> None:
        self._pool = pool
        self.route = route
        self.reused = False
        self.listener: UpstreamListener | None = None
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None

    @property
    def usable(self) -> bool:
        """Whether it is open as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are not subclasses of asyncio's, though they do the same.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the exchange; a server that speaks unasked is left."""
        if self.listener is None:
            self.close()
        else:
            self.listener.upstream_bytes(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange, or forget the idle connection."""
        del exc
        self._transport = None
        listener, self.listener = self.listener, None
        self._pool.forget(self)
        if listener is not None:
            listener.upstream_lost()

    def pause_writing(self) -> None:
        """Pass back-pressure on."""
        if self.listener is not None:
            self.listener.upstream_full()

    def resume_writing(self) -> None:
        """Pass the end of back-pressure on."""
        if self.listener is not None:
            self.listener.upstream_drained()

    def write(self, data: bytes) -> None:
        """Send bytes to the server."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Stop reading the answer."""
        if self.usable and self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read the answer on."""
        if self.usable and self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close it without telling the exchange."""
        self.listener = None
        if self._transport is not None:
            self._transport.abort()


class UpstreamPool:
    """Opens connections to the current route and keeps idle ones."""

    def __init__(self, route: RouteFile, options: GatewayOptions) -> None:
        self.route = route
        self._options = options
        self._idle: list[UpstreamConnection] = []

    def take_idle(self) -> UpstreamConnection | None:
        """Return the idle connection used last, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.route == self.route.current:
                return connection
            connection.close()
        return None

    async def connect(self) -> UpstreamConnection:
        """Return a new connection to the route of the moment; a refusal is tried again a while.

        Raises:
            Unreachable: If there is no route or its server does not accept in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.connect_seconds
        while True:
            route = self.route.current
            if route is None:
                message = "no server is routed to yet"
                raise Unreachable(message)
            left = max(deadline - loop.time(), _RETRY_PAUSE)
            try:
                _, connection = await asyncio.wait_for(
                    loop.create_connection(
                        functools.partial(UpstreamConnection, self, route), route.host, route.port
                    ),
                    left,
                )
            except (OSError, TimeoutError) as failure:
                reason = str(failure) or "it does not accept"
            else:
                return connection
            if loop.time() + _RETRY_PAUSE >= deadline:
                message = f"the server at {route.host}:{route.port} cannot be reached: {reason}"
                raise Unreachable(message)
            if not self.route.refresh():
                await asyncio.sleep(_RETRY_PAUSE)

    def give_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection whose exchange is over, if it can be of use again."""
        connection.listener = None
        if (
            not connection.usable
            or connection.route != self.route.current
            or len(self._idle) >= self._options.idle_upstreams
        ):
            connection.close()
            return
        connection.reused = True
        connection.idle_since = asyncio.get_running_loop().time()
        connection.resume()
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop a closed connection."""
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self) -> None:
        """Close idle connections that are old or lead to a former route."""
        limit = asyncio.get_running_loop().time() - self._options.upstream_idle_seconds
        kept: list[UpstreamConnection] = []
        for connection in self._idle:
            if connection.route == self.route.current and connection.idle_since > limit:
                kept.append(connection)
            else:
                connection.close()
        self._idle = kept

    def close(self) -> None:
        """Close all idle connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
