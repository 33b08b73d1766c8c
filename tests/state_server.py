"""A small server of Terraform's http backend protocol, with ways to misbehave; a pytest plugin.

Every path is a state of its own; its lock is at the same path (methods LOCK and UNLOCK) and at
`PATH/lock` (POST and DELETE), as GitLab has it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest

from mlform.backends.http_client import HttpSettings
from mlform.backends.http_site import INTERVAL, HttpPlace

WEB_PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


class Fault(Enum):
    """What goes wrong with one request."""

    UNAVAILABLE = "answers 503 and does nothing"
    BROKEN = "answers 500 and does nothing"
    BROKEN_AFTER = "does it and answers 500"
    SILENT = "does nothing and closes the connection"
    SILENT_AFTER = "does it and closes the connection"
    SLOW = "waits before it does anything"
    WEB_PAGE = "answers 200 with a web page and does nothing"
    MOVED = "answers 307 with the same path on the server of `moved_to`"
    SIGN_IN = "answers 302 with the address of a web page"
    UNAUTHORIZED = "answers 401"
    FORBIDDEN = "answers 403"
    TOO_LARGE = "answers 413"
    FORGETS = "forgets the lock before it does anything"
    GARBLES = "answers with another content than its Content-MD5 says"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass(slots=True)
class Stored:
    """A state and its lock."""

    content: bytes = b""
    lock: dict[str, object] = field(default_factory=dict)
    serials: list[int] = field(default_factory=list)


class StateServer:
    """States by path.

    Attributes:
        requests: All that came in.
        states: By path.
        faults: What goes wrong next, by method; the first one first.
        slowness: Seconds that `Fault.SLOW` waits.
        credentials: What must be given, as `user:password`; nothing where it is empty.
        like_gitlab: Takes each serial once, tells of a lock only id, person and time, and wants
            JSON with all members of a lock.
        moved_to: Where `Fault.MOVED` sends to; this server where it is empty.
        careless: Takes whatever is posted, whoever holds the lock.
    """

    def __init__(self, tls: SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.states: dict[str, Stored] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.slowness = 1.0
        self.credentials = ""
        self.like_gitlab = False
        self.careless = False
        self.moved_to = ""
        self.mutex = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.states = self
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def state(self, path: str) -> Stored:
        """Return what is at a path."""
        return self.states.setdefault(path, Stored())

    def methods(self) -> list[str]:
        """Return the methods of the requests so far."""
        return [request.method for request in self.requests]

    def serve(self) -> None:
        """Serve until closed."""
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Do what a request says."""
        if not self._may(request):
            return 401, b""
        path = request.path.removesuffix("/lock")
        stored = self.state(path)
        kind = request.method
        if request.path.endswith("/lock"):
            kind = {"POST": "LOCK", "DELETE": "UNLOCK"}.get(kind, kind)
        match kind:
            case "GET":
                return (200, stored.content) if stored.content else (204, b"")
            case "POST" | "PUT":
                return self._store(request, stored)
            case "LOCK":
                return self._lock(request, stored)
            case "UNLOCK":
                return self._unlock(request, stored)
            case _:
                return 405, b""

    def _may(self, request: Request) -> bool:
        if not self.credentials:
            return True
        expected = base64.b64encode(self.credentials.encode()).decode()
        return request.headers.get("authorization") == f"Basic {expected}"

    def _store(self, request: Request, stored: Stored) -> tuple[int, bytes]:
        told = request.headers.get("content-md5")
        found = hashlib.md5(request.body, usedforsecurity=False).digest()
        if told and base64.b64decode(told) != found:
            return 400, b"wrong Content-MD5"
        (lock_id,) = request.query.get("ID", [""])
        if not self.careless and lock_id != stored.lock.get("ID", ""):
            return 409, json.dumps(stored.lock).encode() if stored.lock else b""
        serial = request.json["serial"]
        if self.like_gitlab and serial in stored.serials:
            return 422, b'{"message":"PG::UniqueViolation: duplicate key value"}'
        assert isinstance(serial, int)
        stored.serials.append(serial)
        stored.content = request.body
        return 200, b""

    def _lock(self, request: Request, stored: Stored) -> tuple[int, bytes]:
        wanted = request.json
        if self.like_gitlab:
            missing = {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"} - set(wanted)
            if missing:
                return 400, json.dumps({"error": f"{sorted(missing)} is missing"}).encode()
        if not stored.lock:
            stored.lock = wanted
            return 200, json.dumps(wanted).encode()
        if not self.like_gitlab:
            return 423, json.dumps(stored.lock).encode()
        told = {**wanted, "ID": stored.lock["ID"], "Who": "ada", "Created": stored.lock["Created"]}
        return 409, json.dumps(told).encode()

    def _unlock(self, request: Request, stored: Stored) -> tuple[int, bytes]:
        lock_id = request.json.get("ID") if request.body else None
        if lock_id and lock_id != stored.lock.get("ID"):
            return 409, json.dumps(stored.lock).encode()
        stored.lock = {}
        return 200, b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    states: StateServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what is wrong, unless a client was killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(cast(socket.socket, request), client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - so it is called
        del format, arguments

    def handle_any(self) -> None:
        states = cast(_Server, self.server).states
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        with states.mutex:
            states.requests.append(request)
            waiting = states.faults.get(self.command) or []
            fault = waiting.pop(0) if waiting else None
        if fault is Fault.SLOW:
            time.sleep(states.slowness)
        with states.mutex:
            self._do(request, fault)

    do_GET = do_POST = do_PUT = do_DELETE = do_LOCK = do_UNLOCK = handle_any  # noqa: N815 - so they are called

    def _do(self, request: Request, fault: Fault | None) -> None:
        states = cast(_Server, self.server).states
        if fault in _EARLY:
            self._send(*_EARLY[fault])
        elif fault is Fault.MOVED:
            self._send(307, b"", {"Location": f"{states.moved_to}{self.path}"})
        elif fault is Fault.SIGN_IN:
            self._send(302, b"", {"Location": f"{states.url}/sign-in"})
        elif fault is Fault.SILENT:
            self.close_connection = True
        else:
            if fault is Fault.FORGETS:
                states.state(request.path.removesuffix("/lock")).lock = {}
            self._answer(fault, *states.answer(request))

    def _answer(self, fault: Fault | None, status: int, body: bytes) -> None:
        if fault is Fault.SILENT_AFTER:
            self.close_connection = True
            return
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest())
        if fault is Fault.BROKEN_AFTER:
            status, body = 500, b"broken"
        if fault is Fault.GARBLES:
            body = body[:-1] + b"?"
        self._send(status, body, {"Content-MD5": digest.decode()})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        kind = "text/html" if body == WEB_PAGE else "application/json"
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_EARLY: Mapping[Fault | None, tuple[int, bytes]] = {
    Fault.UNAVAILABLE: (503, b"try again"),
    Fault.BROKEN: (500, b"broken"),
    Fault.WEB_PAGE: (200, WEB_PAGE),
    Fault.UNAUTHORIZED: (401, b""),
    Fault.FORBIDDEN: (403, b""),
    Fault.TOO_LARGE: (413, b""),
}


@contextmanager
def state_server(tls: SSLContext | None = None) -> Iterator[StateServer]:
    """Return a server that serves until the block is left."""
    server = StateServer(tls)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(10)


def http_place(
    server: StateServer, folder: Path, *, interval: float = INTERVAL, path: str = "/state"
) -> HttpPlace:
    """Return a place on a server, with locks that a run asks about once, not waited for long."""
    url = f"{server.url}{path}"
    return HttpPlace(
        address=url,
        lock_address=f"{url}/lock",
        lock_method="POST",
        unlock_address=f"{url}/lock",
        unlock_method="DELETE",
        settings=HttpSettings(wait_min=0.01, wait_max=0.05, silence=10),
        interval=interval,
        recheck=3600,
        folder=folder,
        host="lab",
    )


@pytest.fixture
def http_states() -> Iterator[StateServer]:
    """A server for one test."""
    with state_server() as server:
        yield server
