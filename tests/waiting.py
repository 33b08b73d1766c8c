"""Waiting for what happens, as no test may wait for a time alone."""

from __future__ import annotations

import time
from collections.abc import Callable

_LOOK = 0.02


def wait_until(happens: Callable[[], bool], what: str = "it", *, limit: float = 15.0) -> None:
    """Wait until something is so; fail after so many seconds.

    Args:
        happens: Whether it is so.
        what: Names it where it does not happen.
        limit: Seconds to wait.
    """
    deadline = time.monotonic() + limit
    while not happens():
        assert time.monotonic() < deadline, f"{what} did not happen in time"
        time.sleep(_LOOK)
