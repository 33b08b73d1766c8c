"""The route of an endpoint: which server its URL leads to, and whether it does.

The gateway of an endpoint owns the URL's port and forwards to the address in
`ServerPaths.endpoint/route.json`: `{"host", "port", "instance", "previous"}`, where `previous` is
the route before, or null. The file is replaced as a whole, so a reader never sees half of it.
Beside it lies `route.back.json`, the file to put in its place should the server not prove itself:
written before traffic is switched, so that the way back needs no room on a disk that is full then.
Servers name themselves in the header `mlform-instance` of every answer.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Json, canonical_json
from mlform.errors import PortTaken, ServerFailed

ROUTE_NAME: Final = "route.json"
_BACK_NAME: Final = "route.back.json"
READY_PATH: Final = "/v2/health/ready"
INSTANCE_HEADER: Final = "mlform-instance"
_OK: Final = 200
_POLL: Final = 0.02
_LONGEST_ANSWER: Final = 1 << 16
_STATUS_LINE: Final = re.compile(r"HTTP/1\.[01] (\d{3})\b")
_INSTANCE_LINE: Final = re.compile(
    rf"^{INSTANCE_HEADER}:[ \t]*(.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_ANY_ADDRESS: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is probed when a user chose it


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where an endpoint's URL leads.

    Attributes:
        host: Address of the server as the gateway sees it.
        port: Its port.
        instance: The server's own name.
    """

    host: str
    port: int
    instance: str

    def to_json(self) -> dict[str, Json]:
        """Return the route as JSON."""
        return {"host": self.host, "port": self.port, "instance": self.instance}

    @classmethod
    def from_json(cls, document: object) -> Route | None:
        """Read a route; None where there is none."""
        if not isinstance(document, Mapping):
            return None
        port = document.get("port")
        if not isinstance(port, int):
            return None
        return cls(
            host=str(document.get("host", "")),
            port=port,
            instance=str(document.get("instance", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a health route answered.

    Attributes:
        status: HTTP status, or 0 where nothing answered.
        instance: The server that answered, or empty.
        problem: Why nothing answered, or empty.
    """

    status: int
    instance: str = ""
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether it says that it is ready."""
        return self.status == _OK


def read_routes(endpoint: Path) -> tuple[Route | None, Route | None]:
    """Return the route of an endpoint and the one before."""
    document = _read(endpoint / ROUTE_NAME)
    return Route.from_json(document), Route.from_json(document.get("previous"))


def _read(path: Path) -> Mapping[str, Json]:
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: Path, route: Route, previous: Route | None) -> None:
    """Replace a route in one step; it survives a crash of the machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    document = {**route.to_json(), "previous": previous.to_json() if previous else None}
    with temporary.open("wb") as stream:
        stream.write(canonical_json(document))
        stream.flush()
        os.fsync(stream.fileno())
    # The gateway may run as another user inside a container.
    temporary.chmod(0o644)
    temporary.replace(path)


def point(endpoint: Path, route: Route) -> None:
    """Lead an endpoint's URL to a server, remembering the one before."""
    current, previous = read_routes(endpoint)
    kept = previous if current is not None and current.instance == route.instance else current
    if kept is not None:
        _write(endpoint / _BACK_NAME, kept, None)
    _write(endpoint / ROUTE_NAME, route, kept)


def point_back(endpoint: Path, instance: str) -> None:
    """Lead the URL to the server before, if it leads to this instance now.

    Where there was none before, the route is removed.
    """
    current, previous = read_routes(endpoint)
    if current is None or current.instance != instance:
        return
    if previous is None:
        forget(endpoint, instance)
        return
    back = endpoint / _BACK_NAME
    if Route.from_json(_read(back)) != previous:
        _write(back, previous, None)
    back.replace(endpoint / ROUTE_NAME)


def forget(endpoint: Path, instance: object) -> None:
    """Remove the route of an endpoint, if it leads to this instance."""
    current, _ = read_routes(endpoint)
    if current is not None and current.instance == instance:
        (endpoint / ROUTE_NAME).unlink(missing_ok=True)
        (endpoint / _BACK_NAME).unlink(missing_ok=True)


def ask(host: str, port: int, timeout: float = 2.0) -> Answer:
    """Ask a server's or gateway's ready route over a new connection."""
    import socket

    address = _ANY_ADDRESS.get(host, host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    named = f"[{address}]" if ":" in address else address
    request = f"GET {READY_PATH} HTTP/1.1\r\nHost: {named}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect((address, port))
            connection.sendall(request.encode())
            content = b""
            while len(content) < _LONGEST_ANSWER and (part := connection.recv(_LONGEST_ANSWER)):
                content += part
    except OSError as error:
        return Answer(status=0, problem=str(error) or type(error).__name__)
    return _answer_of(content.decode("latin-1"))


def _answer_of(content: str) -> Answer:
    """Read an answer of HTTP/1.1; `http.client` does too, and takes 40 ms to load."""
    head, _, _ = content.partition("\r\n\r\n")
    status = _STATUS_LINE.match(head)
    if status is None:
        return Answer(status=0, problem="what answers does not speak HTTP")
    instance = _INSTANCE_LINE.search(head)
    return Answer(status=int(status[1]), instance=instance[1] if instance else "")


def wait_until_routed(
    host: str, port: int, instance: str, *, limit: float, check: Callable[[], None]
) -> None:
    """Wait until the public URL is answered by a certain server.

    Args:
        host: Address of the URL.
        port: Its port.
        instance: The server that must answer.
        limit: Seconds to wait.
        check: Called between attempts; raises if there is no use in waiting.

    Raises:
        ServerFailed: Nobody or somebody else answers.
    """
    deadline = time.monotonic() + limit
    while True:
        answer = ask(host, port)
        if answer.ready and answer.instance == instance:
            return
        check()
        if time.monotonic() > deadline:
            raise ServerFailed("Endpoint does not answer", _not_routed(host, port, answer))
        time.sleep(_POLL)


def _not_routed(host: str, port: int, answer: Answer) -> str:
    where = f"http://{host}:{port}"
    if answer.status == 0:
        return f"{where} could not be reached: {answer.problem}."
    if not answer.instance:
        return (
            f"{where} is answered by a program that is not this endpoint's (HTTP {answer.status}). "
            "Stop that program or give the endpoint another `port`."
        )
    return (
        f"{where} is answered by server {answer.instance} (HTTP {answer.status}), not by the new "
        "one. See `mlform logs` of the endpoint."
    )


def port_taken(host: str, port: int) -> PortTaken:
    """Return the failure of an endpoint whose port belongs to somebody else."""
    return PortTaken(
        "Port is taken",
        f"Another program listens on port {port} of {host or 'this machine'}. Stop that program "
        "or give the endpoint another `port`.",
    )
