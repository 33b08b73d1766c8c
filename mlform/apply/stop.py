"""The wish of somebody to stop an apply."""

from __future__ import annotations

import threading

from mlform.dataclass import dataclass, field


@dataclass(frozen=True, slots=True)
class Stop:
    """Set from a signal handler, read by the scheduler and by running tasks."""

    _requested: threading.Event = field(default_factory=threading.Event)
    _now: threading.Event = field(default_factory=threading.Event)

    def request(self) -> None:
        """Ask to start nothing new; what runs may finish."""
        self._requested.set()

    def request_now(self) -> None:
        """Ask to stop what runs as well."""
        self._requested.set()
        self._now.set()

    @property
    def requested(self) -> bool:
        """Whether nothing new is to be started."""
        return self._requested.is_set()

    @property
    def now(self) -> threading.Event:
        """The event that running tasks watch."""
        return self._now
