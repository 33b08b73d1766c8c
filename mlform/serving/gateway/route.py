"""The route file: where the traffic goes now."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass

_LOG: Final = logging.getLogger("mlform.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A server to forward to: its address, and the identity of its process or container."""

    host: str
    port: int
    instance: str


class RouteError(Exception):
    """The route file cannot be understood."""


def parse_route(content: bytes) -> Route | None:
    """Read a route; None if it says that there is no server.

    Raises:
        RouteError: If it is not a route.
    """
    try:
        document: object = json.loads(content)
    except ValueError as failure:
        message = f"it is not JSON: {failure}"
        raise RouteError(message) from failure
    if document == {}:
        return None
    if not isinstance(document, dict):
        message = "it is not an object"
        raise RouteError(message)
    host, port = document.get("host"), document.get("port")
    instance = document.get("instance", "")
    if not (isinstance(host, str) and isinstance(port, int) and isinstance(instance, str)):
        message = '"host" and "instance" must be strings and "port" a number'
        raise RouteError(message)
    return Route(host=host, port=port, instance=instance)


class RouteFile:
    """The newest good content of a route file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._complained = False
        self.current: Route | None = None

    def refresh(self) -> bool:
        """Look at the file; return whether the route changed."""
        try:
            found = self._path.stat()
            mark = (found.st_ino, found.st_mtime_ns, found.st_size)
            if mark == self._seen:
                return False
            route = parse_route(self._path.read_bytes())
        except (OSError, RouteError) as failure:
            self._complain(failure)
            return False
        self._seen, self._complained = mark, False
        changed = route != self.current
        self.current = route
        return changed

    def _complain(self, failure: Exception) -> None:
        if not self._complained:
            kept = "the last route stays in force" if self.current else "there is no route yet"
            _LOG.warning("route file %s: %s; %s", self._path, failure, kept)
        self._complained = True
