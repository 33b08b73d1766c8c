"""The ports to a place that keeps bytes: what an adapter brings, to be made a backend of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from mlform.backends.base import LockInfo
from mlform.dataclass import dataclass
from mlform.errors import StateConflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a place keeps of one state.

    Attributes:
        snapshot: Its bytes, or None where there is none.
        version: Changes with every snapshot that is stored; empty where there is none.
        journal: The journal that was begun last, header first; empty where no run works or died.
        journal_id: Identity of that journal; empty where there is none.
    """

    snapshot: bytes | None = None
    version: str = ""
    journal: bytes = b""
    journal_id: str = ""


class Storage(Protocol):
    """Keeps bytes of one state; every call is durable when it returns.

    A foreign failure is translated into `BackendError`; the message says what and how to mend it.
    """

    def load(self) -> Content:
        """Return what is kept, all of one moment.

        Raises:
            BackendError: If it cannot be read.
        """
        ...

    def replace(self, snapshot: bytes, *, expected: str) -> str:
        """Store a snapshot in place of the one with the version `expected`; return its version.

        Raises:
            StateConflict: If another version is stored; nothing is changed.
            BackendError: If it cannot be written; the old one is then whole.
        """
        ...

    def begin(self, header: bytes, journal_id: str) -> None:
        """Start a journal in place of any other one.

        Raises:
            BackendError: If it cannot be written.
        """
        ...

    def append(self, lines: bytes, journal_id: str) -> None:
        """Add whole lines to a journal: all of them or none.

        Raises:
            StateConflict: If it is not the journal of the place any more.
            BackendError: If they cannot be written.
        """
        ...

    def keep(self, journals: Mapping[str, bytes]) -> None:
        """Add journals that are over to the history; one kept under its name stays as it is.

        Args:
            journals: Their lines, header first, by a name that tells each from others; names sort
                in the order in which journals were kept.

        Raises:
            BackendError: If they cannot be written; some may be kept then.
        """
        ...

    def renew(self, journals: Mapping[str, bytes]) -> None:
        """Put journals in place of those that are kept under their names.

        Raises:
            BackendError: If they cannot be written; some may be renewed then.
        """
        ...

    def end(self, journal_id: str) -> None:
        """Remove a journal; it need not be there.

        Raises:
            BackendError: If it cannot be removed.
        """
        ...

    def history(self) -> Iterator[tuple[str, bytes]]:
        """Return the journals that were kept with their names, in order of these.

        Raises:
            BackendError: If they cannot be read.
        """
        ...

    def describe(self) -> str:
        """Return where it is, for people."""
        ...


class Lock(Protocol):
    """The lock of one state; see `StateBackend` for the calls of the same names."""

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock."""
        ...

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        ...

    def holder(self) -> LockInfo | None:
        """Return who holds the lock."""
        ...

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from its holder."""
        ...

    def check(self) -> None:
        """Check that a lock that was taken is still held; nothing where none was taken.

        Raises:
            LockLost: If somebody took it.
        """
        ...


def check_unchanged(found: str, expected: str, where: str) -> None:
    """Check that a journal or snapshot is the one that a run left there.

    Args:
        found: Identity of what is there.
        expected: Identity of what was left there.
        where: Name of the place.

    Raises:
        StateConflict: If another run began, or wrote the state.
    """
    if found != expected:
        raise replaced_meanwhile(where)


def replaced_meanwhile(where: str) -> StateConflict:
    """Return the failure to raise where another run began, or wrote the state."""
    return StateConflict(
        "The state was replaced while this run worked",
        f"{where} is not as this run left it: somebody else wrote it. Nothing was written to it.",
    )
