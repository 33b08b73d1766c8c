"""Where HTTP/1.1 messages begin and end (RFC 9112), and nothing more of HTTP.

Heads that two readers could understand differently (both lengths given, folded lines, bare line
feeds, spaces before a colon) are refused rather than repaired: a proxy that repairs them is how
requests are smuggled.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from mlform.dataclass import dataclass

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REQUEST_LINE: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])"
)
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: ([^\r\n]*))?")
_DIGITS: Final = re.compile(rb"[0-9]{1,18}")
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_FORBIDDEN: Final = re.compile(rb"[\r\n\x00]")
_MAX_CHUNK_LINE: Final = 4096
_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"te",
        b"upgrade",
        b"expect",
        b"http2-settings",
    }
)
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})

NO_CONTENT: Final = 204
NOT_MODIFIED: Final = 304


class FramingError(Exception):
    """The bytes are not a message this gateway forwards; the text says why."""


class Framing(Protocol):
    """Finds the end of a body."""

    @property
    def complete(self) -> bool:
        """Whether the end was seen."""
        ...

    def feed(self, data: bytes) -> int:
        """Return how many of the bytes belong to the body.

        Raises:
            FramingError: If the body breaks its own framing.
        """
        ...

    def payload(self, data: bytes) -> bytes:
        """Return what the newest fed bytes carry, without framing."""
        ...


class LengthFraming:
    """A body of a known length; zero for none."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        self._left = length

    @property
    def complete(self) -> bool:
        """Whether all bytes were seen."""
        return self._left == 0

    def feed(self, data: bytes) -> int:
        """Return how many of the bytes belong to the body."""
        taken = min(self._left, len(data))
        self._left -= taken
        return taken

    def payload(self, data: bytes) -> bytes:
        """Return the bytes: there is no framing among them."""
        return data


class CloseFraming:
    """A body that ends with its connection."""

    __slots__ = ()
    complete = False

    def feed(self, data: bytes) -> int:
        """Return the number of bytes: all belong to the body."""
        return len(data)

    def payload(self, data: bytes) -> bytes:
        """Return the bytes: there is no framing among them."""
        return data


class ChunkedFraming:
    """A body in chunks (RFC 9112, section 7.1), with optional trailers."""

    __slots__ = ("_carried", "_left", "_line", "_state", "complete")

    def __init__(self) -> None:
        self.complete = False
        self._state = "size"
        self._left = 0
        self._line = bytearray()
        self._carried: list[bytes] = []

    def feed(self, data: bytes) -> int:
        """Return how many of the bytes belong to the body.

        Raises:
            FramingError: If a chunk is malformed.
        """
        self._carried = []
        position, end = 0, len(data)
        while position < end and not self.complete:
            if self._state == "data":
                taken = min(self._left, end - position)
                self._carried.append(data[position : position + taken])
                position += taken
                self._left -= taken
                if self._left == 0:
                    self._state = "data end"
            else:
                position = self._take_line(data, position)
        return position

    def payload(self, data: bytes) -> bytes:
        """Return the content of the chunks in the newest fed bytes."""
        del data
        return b"".join(self._carried)

    def _take_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position)
        stop = len(data) if end < 0 else end + 1
        self._line += data[position:stop]
        if len(self._line) > _MAX_CHUNK_LINE:
            message = "a chunk's size line or trailer is too long"
            raise FramingError(message)
        if end >= 0:
            line = bytes(self._line)
            self._line.clear()
            if not line.endswith(b"\r\n"):
                message = "a line of a chunked body ends without a carriage return"
                raise FramingError(message)
            self._line_done(line[:-2])
        return stop

    def _line_done(self, line: bytes) -> None:
        if self._state == "data end":
            if line:
                message = "a chunk is longer than it says"
                raise FramingError(message)
            self._state = "size"
        elif self._state == "trailer":
            self.complete = not line
        else:
            match = _CHUNK_LINE.fullmatch(line)
            if match is None:
                message = "a chunk's size is not a hexadecimal number"
                raise FramingError(message)
            self._left = int(match[1], 16)
            self._state = "data" if self._left else "trailer"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """The head of a request.

    Attributes:
        method: As sent.
        target: As sent.
        minor: 0 or 1, of HTTP/1.x.
        fields: Names in lower case and values, in order.
        keep_alive: Whether the client wants to go on using the connection.
        expects_continue: Whether the client waits for `100 Continue` before the body.
    """

    method: bytes
    target: bytes
    minor: int
    fields: tuple[tuple[bytes, bytes], ...]
    keep_alive: bool
    expects_continue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """The head of an answer; attributes as in `RequestHead`."""

    status: int
    reason: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    keep_alive: bool


def parse_request(head: bytes) -> RequestHead:
    """Read a head, without the empty line that ends it.

    Raises:
        FramingError: If it is malformed.
    """
    first, _, rest = head.partition(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        message = "the request line is malformed, or not of HTTP/1.0 or HTTP/1.1"
        raise FramingError(message)
    fields = _fields(rest)
    minor = int(match[3])
    if minor == 1 and sum(name == b"host" for name, _ in fields) != 1:
        message = "an HTTP/1.1 request needs one Host header"
        raise FramingError(message)
    return RequestHead(
        method=match[1],
        target=match[2],
        minor=minor,
        fields=fields,
        keep_alive=_keep_alive(fields, minor),
        expects_continue=any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in fields
        ),
    )


def parse_response(head: bytes) -> ResponseHead:
    """Read a head, without the empty line that ends it.

    Raises:
        FramingError: If it is malformed.
    """
    first, _, rest = head.partition(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        message = "the status line is malformed"
        raise FramingError(message)
    fields = _fields(rest)
    return ResponseHead(
        status=int(match[2]),
        reason=match[3] or b"",
        fields=fields,
        keep_alive=_keep_alive(fields, int(match[1])),
    )


def request_framing(head: RequestHead) -> Framing:
    """Return how the body of a request ends (RFC 9112, section 6.3).

    Raises:
        FramingError: If its length is ambiguous.
    """
    declared = _declared_framing(head.fields)
    if declared is None:
        return LengthFraming(0)
    if isinstance(declared, ChunkedFraming) and head.minor == 0:
        message = "an HTTP/1.0 request cannot be chunked"
        raise FramingError(message)
    return declared


def response_framing(head: ResponseHead, method: bytes) -> Framing:
    """Return how the body of an answer ends (RFC 9112, section 6.3).

    Raises:
        FramingError: If its length is ambiguous.
    """
    if method == b"HEAD" or head.status in {NO_CONTENT, NOT_MODIFIED}:
        return LengthFraming(0)
    return _declared_framing(head.fields) or CloseFraming()


def render_request(head: RequestHead) -> bytes:
    """Return the head to send to the server: without what concerns one connection only."""
    lines = [b"%b %b HTTP/1.1" % (head.method, head.target)]
    if head.minor == 0 and not any(name == b"host" for name, _ in head.fields):
        lines.append(b"host: localhost")
    lines.extend(_end_to_end(head.fields))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def render_response(head: ResponseHead, *, connection: bytes | None, framed: bool) -> bytes:
    """Return the head to send to the client.

    Args:
        head: The server's head.
        connection: Value of the `connection` header, or None for none.
        framed: Whether the body keeps the server's framing headers; without, it ends with the
            connection.
    """
    lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason)]
    lines.extend(
        line
        for line in _end_to_end(head.fields)
        if framed or line.partition(b":")[0] != b"transfer-encoding"
    )
    if connection is not None:
        lines.append(b"connection: " + connection)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _fields(text: bytes) -> tuple[tuple[bytes, bytes], ...]:
    fields: list[tuple[bytes, bytes]] = []
    for line in text.split(b"\r\n") if text else ():
        name, colon, value = line.partition(b":")
        if not colon or _TOKEN.fullmatch(name) is None or _FORBIDDEN.search(value):
            message = "a header line is malformed"
            raise FramingError(message)
        fields.append((name.lower(), value.strip(b" \t")))
    return tuple(fields)


def _connection_options(fields: tuple[tuple[bytes, bytes], ...]) -> set[bytes]:
    return {
        option.strip().lower()
        for name, value in fields
        if name == b"connection"
        for option in value.split(b",")
    }


def _keep_alive(fields: tuple[tuple[bytes, bytes], ...], minor: int) -> bool:
    options = _connection_options(fields)
    return b"close" not in options and (minor == 1 or b"keep-alive" in options)


def _declared_framing(fields: tuple[tuple[bytes, bytes], ...]) -> Framing | None:
    lengths = {value for name, value in fields if name == b"content-length"}
    codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    if codings:
        if lengths:
            message = "both Content-Length and Transfer-Encoding are given"
            raise FramingError(message)
        if codings != [b"chunked"]:
            message = "the only Transfer-Encoding forwarded is chunked"
            raise FramingError(message)
        return ChunkedFraming()
    if not lengths:
        return None
    length = lengths.pop()
    if lengths or _DIGITS.fullmatch(length) is None:
        message = "Content-Length is not one number"
        raise FramingError(message)
    return LengthFraming(int(length))


def _end_to_end(fields: tuple[tuple[bytes, bytes], ...]) -> list[bytes]:
    dropped = _HOP_BY_HOP | (_connection_options(fields) - _FRAMING - {b"host"})
    return [b"%b: %b" % field for field in fields if field[0] not in dropped]
