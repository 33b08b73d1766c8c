"""A backend whose process dies at a chosen call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlform.backends.base import LockInfo, StateBackend
from mlform.state.journal import Damaged, Journal, Run
from mlform.state.snapshot import Entry, State


class Died(BaseException):
    """The process is gone: nothing in it may handle this."""


class FaultyBackend:
    """Passes calls on until the chosen one, then dies at every call.

    Args:
        inner: The backend that does the work.
        dies_at: Which call to die at, counted from 1.
        done: Whether the call's work is still done, the caller dying before it is told.
    """

    def __init__(self, inner: StateBackend, *, dies_at: int, done: bool = False) -> None:
        self._inner = inner
        self._left = dies_at
        self._done = done

    @property
    def survived(self) -> bool:
        """Whether the call to die at never came."""
        return self._left > 0

    def describe(self) -> str:
        return self._inner.describe()

    def read(self) -> State | None:
        self._enter()
        state = self._inner.read()
        self._leave()
        return state

    def is_outdated(self) -> bool:
        return self._inner.is_outdated()

    def begin(self, state: State, run: Run) -> None:
        self._enter()
        self._inner.begin(state, run)
        self._leave()

    def append(self, entries: tuple[Entry, ...]) -> None:
        self._enter()
        self._inner.append(entries)
        self._leave()

    def write(self, state: State, *, expected_serial: int | None, run: Run | None = None) -> None:
        self._enter()
        self._inner.write(state, expected_serial=expected_serial, run=run)
        self._leave()

    def history(self) -> Iterator[Journal | Damaged]:
        self._enter()
        yield from self._inner.history()
        self._leave()

    def keep(self, journals: Sequence[Journal]) -> None:
        self._enter()
        self._inner.keep(journals)
        self._leave()

    def holder(self) -> LockInfo | None:
        return self._inner.holder()

    def break_lock(self, lock_id: str) -> None:
        self._inner.break_lock(lock_id)

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        self._enter()
        self._inner.lock(info, timeout=timeout)
        self._leave()

    def unlock(self, lock_id: str) -> None:
        self._enter()
        self._inner.unlock(lock_id)
        self._leave()

    def _enter(self) -> None:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._done):
            raise Died

    def _leave(self) -> None:
        if self._left == 0:
            raise Died
