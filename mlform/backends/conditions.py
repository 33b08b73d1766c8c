"""Whether a store writes on condition that nobody else has written; some only say so."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Final

from mlform.backends.objects import Objects
from mlform.errors import BackendError
from mlform.waiting import together

_AT_ONCE: Final = 4


class Conditions:
    """Tries a store once, before the first lock or state of a workspace is written."""

    def __init__(self, objects: Objects, key: str) -> None:
        """Use a store; nothing is tried yet.

        Args:
            objects: The store.
            key: Of an object to try it with, which is there for that time only.
        """
        self._objects = objects
        self._key = key
        self._is_tried = False

    def try_once(self) -> None:
        """Find out whether conditions are heeded, if that is not known yet.

        Raises:
            BackendError: If they are not, or it cannot be told.
        """
        if self._is_tried:
            return
        try:
            found = self._fault()
        finally:
            with suppress(BackendError):  # it is in nobody's way
                self._objects.delete([self._key])
        if found:
            raise self._objects.unfit(found)
        self._is_tried = True

    def _fault(self) -> str:
        """Return what the store does wrong; empty if nothing."""
        tried = together(partial(self._make, number) for number in range(_AT_ONCE))
        made = [version for version in tried if version]
        if len(made) != 1:
            return f"Of {_AT_ONCE} that made one object at the same time, {len(made)} were told so."
        first = made[0]
        if self._objects.swap(self._key, b"next", expected=first) is None:
            return "It refused to replace an object that nobody else had written."
        if self._objects.swap(self._key, b"late", expected=first) is not None:
            return "It replaced an object that had been written in between."
        return ""

    def _make(self, number: int) -> str | None:
        return self._objects.swap(self._key, b"%d" % number, expected="")
