"""Objects in a bucket: read, replaced only from a known version, listed and removed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from mlform.backends.object_errors import (
    Absent,
    Place,
    Refused,
    Unheard,
    conditions_ignored,
    translated,
)
from mlform.dataclass import dataclass
from mlform.errors import BackendError
from mlform.waiting import answers

if TYPE_CHECKING:  # only those who keep their state there load it
    from obstore import ObjectMeta, PutMode, PutResult, UpdateVersion
    from obstore.store import ObjectStore

Result = TypeVar("Result")

_ATTEMPTS: Final = 3
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """What is stored under a key.

    Attributes:
        content: Its bytes.
        version: Changes whenever it is replaced by other bytes.
    """

    content: bytes
    version: str


class Objects(Protocol):
    """Objects by key; `/` makes folders of keys. Every failure is a `BackendError`."""

    def get(self, key: str) -> Object | None:
        """Return an object, or None where there is none."""
        ...

    def put(self, key: str, content: bytes) -> None:
        """Store an object, whatever is there."""
        ...

    def swap(self, key: str, content: bytes, *, expected: str) -> str | None:
        """Replace the object that has the version `expected`, or none where that is empty.

        Returns:
            The new version, also where the very same bytes are there already; None where
            something else is there.
        """
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; they need not be there."""
        ...

    def keys(self, folder: str) -> Iterator[str]:
        """Return the keys below a folder, in no order."""
        ...

    def folders(self, folder: str) -> tuple[str, ...]:
        """Return the names of the folders in a folder, sorted."""
        ...

    def describe(self, key: str) -> str:
        """Return where a key is, for people."""
        ...

    def unfit(self, found: str) -> BackendError:
        """Return the failure to raise where conditions are found not to be heeded."""
        ...


class StoredObjects:
    """Objects in a store of `obstore`; see `Objects`."""

    def __init__(self, store: ObjectStore, place: Place) -> None:
        """Use a store; nothing is asked of it yet.

        Args:
            store: With the prefix below which all keys are.
            place: What to say of it.
        """
        self._store = store
        self._place = place

    def get(self, key: str) -> Object | None:
        """Return an object."""
        try:
            with translated(self._place, "read", key):
                return _answered(lambda: self._get(key))
        except Absent:
            return None

    def _get(self, key: str) -> Object:
        found = self._store.get(key)
        return Object(content=bytes(found.bytes()), version=_version(found.meta))

    def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        with translated(self._place, "written", key):
            _answered(lambda: self._store.put(key, content, use_multipart=False))

    def swap(self, key: str, content: bytes, *, expected: str) -> str | None:
        """Replace an object."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._swap(key, content, expected)
            except Refused:
                pass
            except Unheard:
                if attempt == _ATTEMPTS:
                    raise
            found = self.get(key)
            if found is not None and found.content == content:
                return found.version  # it had arrived unheard, and was refused when sent again
            if expected != ("" if found is None else found.version):
                return None
            # It did not arrive, or was refused for what another one tried at the same time.
        return None

    def _swap(self, key: str, content: bytes, expected: str) -> str:
        with translated(self._place, "written", key):
            mode: PutMode = _update(expected) if expected else "create"
            return _version(
                _answered(lambda: self._store.put(key, content, mode=mode, use_multipart=False))
            )

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects."""
        try:
            with translated(self._place, "removed", keys[0]):
                _answered(lambda: self._store.delete(list(keys)))
        except Absent:  # some stores stop at the first one that is not there
            for key in keys:
                with suppress(Absent), translated(self._place, "removed", key):
                    _answered(partial(self._store.delete, key))

    def keys(self, folder: str) -> Iterator[str]:
        """Return the keys below a folder."""
        with translated(self._place, "listed", folder):
            pages = self._store.list(folder, chunk_size=_PAGE)
            while (page := _answered(lambda: next(pages, None))) is not None:
                yield from (each["path"] for each in page)

    def folders(self, folder: str) -> tuple[str, ...]:
        """Return the names of the folders in a folder."""
        with translated(self._place, "listed", folder):
            found = _answered(lambda: self._store.list_with_delimiter(folder))["common_prefixes"]
            return tuple(sorted(each.rstrip("/").rpartition("/")[2] for each in found))

    def describe(self, key: str) -> str:
        """Return where a key is."""
        return self._place.of(key)

    def unfit(self, found: str) -> BackendError:
        """Return the failure to raise where conditions are not heeded."""
        return conditions_ignored(self._place, found)


def _answered(request: Callable[[], Result]) -> Result:
    """Make a request. The main thread lets another one wait in it: `obstore` hears no Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        return request()
    (answer,) = answers(request)
    return answer


def _version(told: PutResult | ObjectMeta) -> str:
    """Return what tells a version of an object from others: stores differ in what they go by."""
    return json.dumps([told["e_tag"], told["version"]])


def _update(version: str) -> UpdateVersion:
    e_tag, number = json.loads(version)
    update: UpdateVersion = {}
    if e_tag is not None:
        update["e_tag"] = e_tag
    if number is not None:
        update["version"] = number
    return update
