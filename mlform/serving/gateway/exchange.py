"""One request and its answer."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from mlform.serving.gateway.configuration import GatewayOptions
from mlform.serving.gateway.framing import (
    CloseFraming,
    Framing,
    FramingError,
    RequestHead,
    parse_response,
    render_request,
    render_response,
    request_framing,
    response_framing,
)
from mlform.serving.gateway.upstream import Unreachable, UpstreamConnection, UpstreamPool

_ATTEMPTS: Final = 5
_FIRST_FINAL_STATUS: Final = 200
_SWITCHING: Final = 101
_HEAD_END: Final = b"\r\n\r\n"


class Requester(Protocol):
    """The client's side of an exchange."""

    def send(self, data: bytes) -> None:
        """Send bytes to the client."""
        ...

    def hold(self, reason: str) -> None:
        """Read no more from the client until `release` with the same reason."""
        ...

    def release(self, reason: str) -> None:
        """Take a reason to hold back."""
        ...

    def answer(self, status: int, summary: str, detail: str) -> None:
        """Send an answer of the gateway's own and close."""
        ...

    def abort(self) -> None:
        """Close at once: the answer cannot be finished."""
        ...

    def finished(self) -> None:
        """The answer was sent whole."""
        ...

    @property
    def closing(self) -> bool:
        """Whether the connection is to end after this exchange."""
        ...


class Exchange:
    """Forwards one request and its answer; sends the request again where that is safe.

    Attributes:
        request: Framing of the request's body.
        close: Whether the client's connection must end with this exchange.
    """

    def __init__(
        self, client: Requester, head: RequestHead, pool: UpstreamPool, options: GatewayOptions
    ) -> None:
        """Prepare the exchange.

        Raises:
            FramingError: If the length of the request is ambiguous.
        """
        self.request: Framing = request_framing(head)
        self.close = not head.keep_alive
        self._client = client
        self._head = head
        self._pool = pool
        self._options = options
        self._outgoing = bytearray(render_request(head))
        self._replayable = True
        self._upstream: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._attempts = 0
        self._incoming = bytearray()
        self._response: Framing | None = None
        self._response_keep_alive = False
        self._chunks_to_bytes = False
        self._over = False

    @property
    def answering(self) -> bool:
        """Whether the head of the answer was sent to the client."""
        return self._response is not None

    def start(self) -> None:
        """Send what there is of the request."""
        connection = self._pool.take_idle()
        if connection is None:
            self._connect()
        else:
            self._use(connection)

    def request_bytes(self, data: bytes) -> None:
        """Send a part of the request's body."""
        if self._replayable:
            self._outgoing += data
        if self._upstream is not None:
            self._upstream.write(data)
            if len(self._outgoing) > self._options.replay_bytes:
                self._replayable = False
                self._outgoing.clear()
        elif len(self._outgoing) > self._options.replay_bytes:
            self._client.hold("no server yet")

    def client_full(self) -> None:
        """The client reads more slowly than the server answers."""
        if self._upstream is not None:
            self._upstream.pause()

    def client_drained(self) -> None:
        """The client has caught up."""
        if self._upstream is not None:
            self._upstream.resume()

    def abandon(self) -> None:
        """Leave the exchange: the client is gone or was answered otherwise."""
        self._over = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None

    def upstream_full(self) -> None:
        """Pass back-pressure on to the client."""
        self._client.hold("server is slow")

    def upstream_drained(self) -> None:
        """Take back-pressure from the client."""
        self._client.release("server is slow")

    def upstream_bytes(self, data: bytes) -> None:
        """Forward bytes of the answer."""
        try:
            if self._response is None:
                self._incoming += data
                self._take_heads()
            else:
                self._forward(b"", data)
        except FramingError as failure:
            self._fail(f"the server's answer cannot be understood: {failure}")

    def upstream_lost(self) -> None:
        """End the exchange, or send the request again."""
        connection, self._upstream = self._upstream, None
        self._client.release("server is slow")
        if isinstance(self._response, CloseFraming):
            self._finish()
        elif self._response is not None or self._incoming:
            self._fail("the server closed the connection in the middle of its answer")
        elif connection is not None and self._may_repeat(connection):
            self._connect()
        else:
            self._fail("the server closed the connection without an answer")

    def _may_repeat(self, connection: UpstreamConnection) -> bool:
        if not self._replayable or self._attempts >= _ATTEMPTS:
            return False
        self._pool.route.refresh()
        return connection.reused or connection.route != self._pool.route.current

    def _connect(self) -> None:
        self._connecting = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            connection = await self._pool.connect()
        except Unreachable as failure:
            if not self._over:
                self._over = True
                self._client.answer(503, "No server", str(failure))
            return
        finally:
            self._connecting = None
        if self._over:
            self._pool.give_back(connection)
        elif connection.usable:
            self._use(connection)
        else:
            self._upstream = connection
            self.upstream_lost()

    def _use(self, connection: UpstreamConnection) -> None:
        self._attempts += 1
        self._upstream = connection
        connection.listener = self
        connection.write(bytes(self._outgoing))
        if len(self._outgoing) > self._options.replay_bytes:
            self._replayable = False
            self._outgoing.clear()
        self._client.release("no server yet")

    def _take_heads(self) -> None:
        while self._response is None:
            end = self._incoming.find(_HEAD_END)
            if end < 0:
                if len(self._incoming) > self._options.header_bytes:
                    message = "its head is too large"
                    raise FramingError(message)
                return
            text = bytes(self._incoming[:end])
            del self._incoming[: end + len(_HEAD_END)]
            head = parse_response(text)
            if head.status == _SWITCHING:
                message = "it switches protocols"
                raise FramingError(message)
            if head.status < _FIRST_FINAL_STATUS:
                continue
            self._response = response_framing(head, self._head.method)
            unchunked = any(name == b"transfer-encoding" for name, _ in head.fields)
            self._chunks_to_bytes = unchunked and self._head.minor == 0
            self._response_keep_alive = head.keep_alive
            self.close = (
                self.close
                or self._client.closing
                or self._chunks_to_bytes
                or not self.request.complete
                or isinstance(self._response, CloseFraming)
            )
            connection = (
                b"close" if self.close else b"keep-alive" if self._head.minor == 0 else None
            )
            rendered = render_response(
                head, connection=connection, framed=not self._chunks_to_bytes
            )
            body = bytes(self._incoming)
            self._incoming.clear()
            self._forward(rendered, body)

    def _forward(self, rendered: bytes, data: bytes) -> None:
        response = self._response
        if response is None:
            return
        taken = response.feed(data)
        body = data if taken == len(data) else data[:taken]
        self._client.send(rendered + (response.payload(body) if self._chunks_to_bytes else body))
        if taken < len(data):
            self._response_keep_alive = False
        if response.complete:
            self._finish()

    def _finish(self) -> None:
        self._over = True
        connection, self._upstream = self._upstream, None
        if connection is not None:
            if self._response_keep_alive and self.request.complete:
                self._pool.give_back(connection)
            else:
                connection.close()
        self._client.finished()

    def _fail(self, detail: str) -> None:
        if self._over:
            return
        answering = self.answering
        self.abandon()
        if answering:
            self._client.abort()
        else:
            self._client.answer(502, "The server failed", detail)
