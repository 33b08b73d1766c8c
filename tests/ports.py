"""Ports for servers that the tests start."""

from __future__ import annotations

import secrets
import socket
from typing import Final

_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000


def free_port() -> int:
    """Return a port of this machine that nobody listens on.

    It lies below those that systems give to connections (from 32768 on Linux), so that none takes
    it before the server does; and it is drawn, so that tests beside these draw another.
    """
    while True:
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
