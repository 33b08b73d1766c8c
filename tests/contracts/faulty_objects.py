"""Objects in memory, and an object store whose user dies at a chosen request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

from obstore.store import MemoryStore

from mlform.backends.lease import Periods
from mlform.backends.object_errors import Place, Unheard
from mlform.backends.object_store import Surroundings
from mlform.backends.objects import Object, Objects, StoredObjects
from mlform.errors import BackendError
from tests.contracts.faulty_backend import Died

Result = TypeVar("Result")


def memory_objects() -> StoredObjects:
    """A store in memory that heeds conditions."""
    return StoredObjects(MemoryStore(), Place(url="memory:", provider="s3", bucket="memory"))


def surroundings(*, now: Callable[[], datetime] | None = None) -> Surroundings:
    """A machine whose clock stands still, where the lock is renewed never."""
    ids = count(1)
    return Surroundings(
        now=now or (lambda: datetime(2026, 3, 1, 12, tzinfo=UTC)),
        new_id=lambda: f"id-{next(ids)}",
        periods=Periods(renewal=3600, silence=0.2, poll=0.02),
    )


class FaultyObjects:
    """Passes requests on until the chosen one, then fails at it.

    Args:
        inner: The store.
        fails_at: Which request to fail at, counted from 1; 0 for none.
        done: Whether the work of that request is still done.
        dies: Whether the process dies there and makes no more; otherwise it only hears nothing.
    """

    def __init__(
        self, inner: Objects, *, fails_at: int = 0, done: bool = False, dies: bool = True
    ) -> None:
        self._inner = inner
        self._fails_at = fails_at
        self._done = done
        self._dies = dies
        self.requests: list[str] = []

    @property
    def survived(self) -> bool:
        """Whether the request to fail at never came."""
        return len(self.requests) < self._fails_at

    def get(self, key: str) -> Object | None:
        return self._request(f"get {key}", lambda: self._inner.get(key))

    def put(self, key: str, content: bytes) -> None:
        self._request(f"put {key}", lambda: self._inner.put(key, content))

    def swap(self, key: str, content: bytes, *, expected: str) -> str | None:
        return self._request(
            f"swap {key}", lambda: self._inner.swap(key, content, expected=expected)
        )

    def delete(self, keys: Sequence[str]) -> None:
        self._request(f"delete {' '.join(keys)}", lambda: self._inner.delete(keys))

    def keys(self, folder: str) -> Iterator[str]:
        yield from self._request(f"list {folder}", lambda: list(self._inner.keys(folder)))

    def folders(self, folder: str) -> tuple[str, ...]:
        return self._request(f"list {folder}", lambda: self._inner.folders(folder))

    def describe(self, key: str) -> str:
        return self._inner.describe(key)

    def unfit(self, found: str) -> BackendError:
        return self._inner.unfit(found)

    def _request(self, name: str, work: Callable[[], Result]) -> Result:
        self.requests.append(name)
        at = len(self.requests)
        if self._dies and self._fails_at and at > self._fails_at:
            raise Died
        if at != self._fails_at:
            return work()
        if self._done:
            work()
        if self._dies:
            raise Died
        raise Unheard("The object store cannot be reached", "No answer.")
