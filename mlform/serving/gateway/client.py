"""Connections of clients: read requests one after the other, each into an exchange."""

from __future__ import annotations

import asyncio
import json
from typing import Final, Protocol, cast

from mlform.serving.gateway.configuration import GatewayOptions
from mlform.serving.gateway.exchange import Exchange
from mlform.serving.gateway.framing import FramingError, parse_request
from mlform.serving.gateway.upstream import UpstreamPool

_HEAD_END: Final = b"\r\n\r\n"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINGER_SECONDS: Final = 2.0
_REASONS: Final = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class ClientRegistry(Protocol):
    """What a connection needs of the gateway."""

    pool: UpstreamPool
    options: GatewayOptions
    clients: set[ClientConnection]
    draining: bool
    emptied: asyncio.Event


class ClientConnection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, gateway: ClientRegistry) -> None:
        self._gateway = gateway
        self._options = gateway.options
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._exchange: Exchange | None = None
        self._deadline = 0.0
        self._holds: set[str] = set()
        self._ended = False
        self._lingering = False
        self._serving = False

    @property
    def closing(self) -> bool:
        """Whether the connection is to end after the present exchange."""
        return self._gateway.draining or (self._ended and not self._buffer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection, or turn it away if there are too many."""
        # uvloop's transports are not subclasses of asyncio's, though they do the same.
        self._transport = cast("asyncio.Transport", transport)
        self._gateway.clients.add(self)
        self._deadline = self._loop.time() + self._options.idle_seconds
        if len(self._gateway.clients) > self._options.connections:
            limit = self._options.connections
            self.answer(503, "Too many connections", f"this gateway carries {limit} at once")

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the exchange under way."""
        del exc
        self._transport = None
        self._gateway.clients.discard(self)
        if not self._gateway.clients:
            self._gateway.emptied.set()
        if self._exchange is not None:
            self._exchange.abandon()
            self._exchange = None

    def eof_received(self) -> bool:
        """Answer what was asked whole, then close."""
        self._ended = True
        exchange = self._exchange
        return not self._lingering and exchange is not None and exchange.request.complete

    def data_received(self, data: bytes) -> None:
        """Read requests."""
        if self._lingering:
            return
        if self._exchange is not None and not self._exchange.request.complete and not self._buffer:
            self._take_body(data)
        else:
            self._buffer += data
        if not self._serving:
            self._serve()

    def pause_writing(self) -> None:
        """Pass back-pressure on to the server."""
        if self._exchange is not None:
            self._exchange.client_full()

    def resume_writing(self) -> None:
        """Pass the end of back-pressure on."""
        if self._exchange is not None:
            self._exchange.client_drained()

    def send(self, data: bytes) -> None:
        """Send bytes to the client."""
        if self._transport is not None:
            self._transport.write(data)
            self._deadline = self._loop.time() + self._options.response_seconds

    def hold(self, reason: str) -> None:
        """Read no more until `release`."""
        self._holds.add(reason)
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def release(self, reason: str) -> None:
        """Take a reason back; read on if it was the last."""
        if reason in self._holds:
            self._holds.discard(reason)
            if not self._holds and self._transport is not None:
                self._transport.resume_reading()

    def answer(self, status: int, summary: str, detail: str) -> None:
        """Send an answer of the gateway's own and close."""
        body = json.dumps({"error": {"summary": summary, "detail": detail}}).encode()
        retry = "retry-after: 1\r\n" if status == 503 else ""  # noqa: PLR2004 - as in _REASONS
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{retry}mlform-gateway: 1\r\nconnection: close\r\n\r\n"
        )
        self.send(head.encode() + body)
        self._exchange = None
        self._linger()

    def abort(self) -> None:
        """Close at once."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def finished(self) -> None:
        """Go on with the next request, or close."""
        exchange, self._exchange = self._exchange, None
        if exchange is None or exchange.close or self.closing:
            self._linger()
            return
        self._deadline = self._loop.time() + self._options.idle_seconds
        self.release("pipeline is full")
        if self._buffer and not self._serving:
            self._loop.call_soon(self._serve)

    def drain(self) -> None:
        """Close if idle; otherwise the answer under way says `Connection: close`."""
        if self._exchange is None and self._transport is not None and not self._lingering:
            self._transport.close()

    def sweep(self) -> None:
        """End what has stood still for too long."""
        if self._loop.time() < self._deadline:
            return
        exchange = self._exchange
        if self._lingering or (exchange is not None and exchange.answering):
            self.abort()
        elif exchange is not None:
            complete = exchange.request.complete
            exchange.abandon()
            if complete:
                self.answer(504, "The server is too slow", "it did not answer in time")
            else:
                self.answer(408, "The request is too slow", "its body did not arrive in time")
        elif self._buffer:
            self.answer(408, "The request is too slow", "its head did not arrive in time")
        elif self._transport is not None:
            self._transport.close()

    def _serve(self) -> None:
        self._serving = True
        try:
            while self._buffer and self._exchange is None and not self._lingering:
                if not self._take_head():
                    break
        except FramingError as failure:
            self._refuse(400, str(failure))
        finally:
            self._serving = False
        if self._exchange is not None and len(self._buffer) > self._options.header_bytes:
            self.hold("pipeline is full")

    def _take_head(self) -> bool:
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(_HEAD_END, 0, self._options.header_bytes)
        if end < 0:
            if len(self._buffer) >= self._options.header_bytes:
                self._refuse(431, f"the head is longer than {self._options.header_bytes} bytes")
            elif self._buffer:
                self._deadline = min(self._deadline, self._loop.time() + self._options.head_seconds)
            return False
        head = parse_request(bytes(self._buffer[:end]))
        exchange = Exchange(self, head, self._gateway.pool, self._options)
        body = bytes(self._buffer[end + len(_HEAD_END) :])
        self._buffer.clear()
        self._exchange = exchange
        self._deadline = self._loop.time() + self._options.response_seconds
        if head.expects_continue and not body and not exchange.request.complete:
            self.send(_CONTINUE)
        self._take_body(body)
        if self._exchange is exchange:
            exchange.start()
        return True

    def _take_body(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        try:
            taken = exchange.request.feed(data)
        except FramingError as failure:
            exchange.abandon()
            self._refuse(400, str(failure))
            return
        if taken:
            exchange.request_bytes(data[:taken])
        self._deadline = self._loop.time() + self._options.response_seconds
        if taken < len(data):
            self._buffer += data[taken:]

    def _refuse(self, status: int, detail: str) -> None:
        self._buffer.clear()
        self.answer(status, "The request cannot be understood", detail)

    def _linger(self) -> None:
        """Close our side, and let the client read the answer before its bytes are refused."""
        self._lingering = True
        self._buffer.clear()
        self._deadline = self._loop.time() + _LINGER_SECONDS
        transport = self._transport
        if transport is None:
            return
        self._holds.clear()
        if self._ended:
            transport.close()
            return
        if not transport.is_reading():
            transport.resume_reading()
        if transport.can_write_eof():
            transport.write_eof()
