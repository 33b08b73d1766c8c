"""A storage whose process dies at a chosen call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

from mlform.backends.storage import Content, Storage
from tests.contracts.faulty_backend import Died

Answer = TypeVar("Answer")


class JoiningStorage(Storage, Protocol):
    """A storage that does several calls at once."""

    def together(self, work: Callable[[], None]) -> None:
        """Do all calls of `work`, or none."""
        ...


class FaultyStorage:
    """Passes calls on until the chosen one, then dies at every call; see `FaultyBackend`.

    To do several calls together is a call too: dying at that one is to die at its end.
    """

    def __init__(self, inner: JoiningStorage, *, dies_at: int, done: bool) -> None:
        self._inner = inner
        self._left = dies_at
        self._done = done

    @property
    def survived(self) -> bool:
        """Whether the call to die at never came."""
        return self._left > 0

    def load(self) -> Content:
        return self._call(self._inner.load)

    def replace(self, snapshot: bytes, *, expected: str) -> str:
        return self._call(lambda: self._inner.replace(snapshot, expected=expected))

    def begin(self, header: bytes, journal_id: str) -> None:
        self._call(lambda: self._inner.begin(header, journal_id))

    def append(self, lines: bytes, journal_id: str) -> None:
        self._call(lambda: self._inner.append(lines, journal_id))

    def keep(self, journals: Mapping[str, bytes]) -> None:
        self._call(lambda: self._inner.keep(journals))

    def renew(self, journals: Mapping[str, bytes]) -> None:
        self._call(lambda: self._inner.renew(journals))

    def end(self, journal_id: str) -> None:
        self._call(lambda: self._inner.end(journal_id))

    def history(self) -> Iterator[tuple[str, bytes]]:
        return self._call(self._inner.history)

    def describe(self) -> str:
        return self._inner.describe()

    def together(self, work: Callable[[], None]) -> None:
        def to_its_end() -> None:
            work()
            self._left -= 1
            if self._left < 0 or (self._left == 0 and not self._done):
                raise Died

        self._inner.together(to_its_end)
        if self._left == 0:
            raise Died

    def _call(self, call: Callable[[], Answer]) -> Answer:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._done):
            raise Died
        answer = call()
        if self._left == 0:
            raise Died
        return answer
