from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlform.serving.gateway.configuration import ConfigurationError, read_configuration
from mlform.serving.gateway.framing import (
    ChunkedFraming,
    CloseFraming,
    FramingError,
    LengthFraming,
    parse_request,
    parse_response,
    render_request,
    render_response,
    request_framing,
    response_framing,
)
from mlform.serving.gateway.route import Route, RouteError, RouteFile, parse_route

if TYPE_CHECKING:
    from pathlib import Path

CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def chunked(parts: list[bytes]) -> bytes:
    body = b"".join(b"%x;note\r\n%b\r\n" % (len(part), part) for part in parts)
    return body + b"0\r\nTrailer: x\r\n\r\n"


@given(CHUNKS, st.integers(1, 17), st.binary(max_size=8))
def test_chunked_bodies_end_where_they_end(parts: list[bytes], step: int, after: bytes) -> None:
    body = chunked(parts)
    stream = body + after
    framing, taken, carried = ChunkedFraming(), 0, b""
    while taken < len(stream) and not framing.complete:
        piece = stream[taken : taken + step]
        fed = framing.feed(piece)
        carried += framing.payload(piece[:fed])
        taken += fed
    assert framing.complete
    assert taken == len(body)
    assert carried == b"".join(parts)


@pytest.mark.parametrize("body", [b"xyz\r\n", b"-1\r\n", b"2\r\nabc\r\n", b"2\nab", b"1" * 5000])
def test_malformed_chunks(body: bytes) -> None:
    with pytest.raises(FramingError):
        ChunkedFraming().feed(body)


def head(*lines: str) -> bytes:
    return "\r\n".join(("POST /predict HTTP/1.1", "Host: a", *lines)).encode()


def test_framing_of_requests() -> None:
    assert request_framing(parse_request(head())).complete
    length = request_framing(parse_request(head("Content-Length: 5")))
    assert isinstance(length, LengthFraming)
    assert (length.feed(b"abc"), length.complete, length.feed(b"defg"), length.complete) == (
        3,
        False,
        2,
        True,
    )
    chunks = request_framing(parse_request(head("Transfer-Encoding: Chunked")))
    assert isinstance(chunks, ChunkedFraming)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Bad Name: x",),
        ("Name : x",),
        (" folded",),
        ("no colon",),
        ("X: a\nContent-Length: 5",),
        ("X: a\rb",),
        ("Host: b",),
    ],
)
def test_ambiguous_requests_are_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(FramingError):
        request_framing(parse_request(head(*lines)))


@pytest.mark.parametrize("line", ["GET / HTTP/2.0", "GET  / HTTP/1.1", "GET /", "G@T / HTTP/1.1"])
def test_malformed_request_lines(line: str) -> None:
    with pytest.raises(FramingError):
        parse_request(line.encode() + b"\r\nHost: a")


def test_what_concerns_one_connection_is_not_forwarded() -> None:
    request = parse_request(
        head("Connection: keep-alive, X-Secret", "X-Secret: 1", "Expect: 100-continue", "X-Kept: 2")
    )
    assert request.expects_continue
    assert render_request(request) == (b"POST /predict HTTP/1.1\r\nhost: a\r\nx-kept: 2\r\n\r\n")


def test_a_connection_header_cannot_remove_framing() -> None:
    request = parse_request(head("Content-Length: 3", "Connection: content-length"))
    assert b"content-length: 3" in render_request(request)


def test_keep_alive_by_version() -> None:
    assert parse_request(head()).keep_alive
    assert not parse_request(head("Connection: Close")).keep_alive
    assert not parse_request(b"GET / HTTP/1.0").keep_alive
    assert parse_request(b"GET / HTTP/1.0\r\nConnection: keep-alive").keep_alive


def test_framing_of_answers() -> None:
    ok = parse_response(b"HTTP/1.1 200 OK\r\nContent-Length: 3")
    assert not response_framing(ok, b"GET").complete
    assert response_framing(ok, b"HEAD").complete
    assert response_framing(parse_response(b"HTTP/1.1 304 "), b"GET").complete
    assert isinstance(response_framing(parse_response(b"HTTP/1.1 200"), b"GET"), CloseFraming)
    chunks = parse_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")
    unframed = render_response(chunks, connection=b"close", framed=False)
    assert unframed == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"


def test_routes() -> None:
    assert parse_route(b'{"host": "h", "port": 5, "instance": "i"}') == Route(
        host="h", port=5, instance="i"
    )
    assert parse_route(b"{}") is None
    for broken in (b"", b"[]", b'{"host": 5, "port": 5}'):
        with pytest.raises(RouteError):
            parse_route(broken)


def test_the_last_good_route_stays_in_force(tmp_path: Path) -> None:
    path = tmp_path / "route.json"
    route = RouteFile(path)
    assert not route.refresh()
    path.write_text('{"host": "h", "port": 5, "instance": "i"}')
    assert route.refresh()
    assert not route.refresh()
    path.write_text("{half")
    assert not route.refresh()
    path.unlink()
    assert not route.refresh()
    assert route.current == Route(host="h", port=5, instance="i")
    path.write_text("{}")
    assert route.refresh()
    assert route.current is None


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        ('{"host": "h", "port": "x", "route": "r"}', "port"),
        ('{"host": "h", "port": 1, "route": "r", "options": {"x": 1}}', "unknown option 'x'"),
        ('{"host": "h", "port": 1, "route": "r", "options": {"connections": 0}}', "above 0"),
    ],
)
def test_gateway_configuration_errors(tmp_path: Path, document: str, expected: str) -> None:
    path = tmp_path / "gateway.json"
    path.write_text(document)
    with pytest.raises(ConfigurationError, match=expected):
        read_configuration(path)


def test_gateway_configuration(tmp_path: Path) -> None:
    path = tmp_path / "gateway.json"
    document = {"host": "h", "port": 1, "route": "r", "options": {"connect_seconds": 1}}
    path.write_text(json.dumps(document))
    assert read_configuration(path).options.connect_seconds == 1
