"""The state in memory, as bytes, for tests and for runs that keep nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from mlform.backends.base import (
    DEFAULT_WORKSPACE,
    LockInfo,
    StateBackend,
    check_broken,
    check_held,
    describe_holder,
    workspace_exists,
)
from mlform.backends.journaled import JournaledBackend
from mlform.backends.storage import Content, check_unchanged
from mlform.dataclass import dataclass, field
from mlform.digests import digest_bytes
from mlform.errors import BackendError, StateLocked
from mlform.state.encryption import PLAIN, Cipher


@dataclass(slots=True)
class MemoryPlace:
    """Where a state is kept; several backends on one place see the same state.

    Attributes:
        snapshot: Bytes of the snapshot, or None.
        journal: The journal, header first; empty where no run works or died.
        journal_id: Identity of the journal.
        begun_with: Version of the snapshot that the journal was begun with.
        kept: Journals that are over, by name.
        holder: Who holds the lock, or None.
        changed: Notified when the lock is given back.
    """

    snapshot: bytes | None = None
    journal: bytes = b""
    journal_id: str = ""
    begun_with: str = ""
    kept: dict[str, bytes] = field(default_factory=dict)
    holder: LockInfo | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def version(self) -> str:
        """What tells the snapshot from others; empty where there is none."""
        return "" if self.snapshot is None else digest_bytes(self.snapshot)


class MemoryStorage:
    """Keeps bytes in a place; see `Storage`."""

    def __init__(self, place: MemoryPlace) -> None:
        self._place = place

    def load(self) -> Content:
        """Return what is kept."""
        place = self._place
        return Content(
            snapshot=place.snapshot,
            version=place.version,
            journal=place.journal,
            journal_id=place.journal_id,
        )

    def replace(self, snapshot: bytes, *, expected: str) -> str:
        """Store a snapshot."""
        check_unchanged(self._place.version, expected, self.describe())
        self._place.snapshot = snapshot
        return self._place.version

    def begin(self, header: bytes, journal_id: str) -> None:
        """Start a journal."""
        self._place.journal, self._place.journal_id = header, journal_id
        self._place.begun_with = self._place.version

    def append(self, lines: bytes, journal_id: str) -> None:
        """Add to a journal."""
        check_unchanged(self._place.journal_id, journal_id, self.describe())
        check_unchanged(self._place.version, self._place.begun_with, self.describe())
        self._place.journal += lines

    def keep(self, journals: Mapping[str, bytes]) -> None:
        """Add journals to the history."""
        for name, journal in journals.items():
            self._place.kept.setdefault(name, journal)

    def renew(self, journals: Mapping[str, bytes]) -> None:
        """Replace journals of the history."""
        self._place.kept.update(journals)

    def end(self, journal_id: str) -> None:
        """Remove a journal."""
        if self._place.journal_id == journal_id:
            self._place.journal, self._place.journal_id = b"", ""

    def history(self) -> Iterator[tuple[str, bytes]]:
        """Return the journals that were kept."""
        yield from sorted(self._place.kept.items())

    def describe(self) -> str:
        """Return where it is."""
        return "memory"


class MemoryLock:
    """The lock of a place; see `Lock`."""

    def __init__(self, place: MemoryPlace) -> None:
        self._place = place
        self._id = ""

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock."""
        place = self._place
        with place.changed:
            if not place.changed.wait_for(lambda: place.holder is None, timeout):
                raise StateLocked("The state is locked", describe_holder(place.holder))
            place.holder = info
            self._id = info.id

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        if self._id == lock_id:
            self._id = ""
            self._release(lock_id)

    def holder(self) -> LockInfo | None:
        """Return who holds the lock."""
        return self._place.holder

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from its holder."""
        check_broken(self._place.holder, lock_id)
        self._release(lock_id)

    def check(self) -> None:
        """Check that the lock is still held."""
        check_held(self._place.holder, self._id)

    def _release(self, lock_id: str) -> None:
        with self._place.changed:
            if self._place.holder is not None and self._place.holder.id == lock_id:
                self._place.holder = None
                self._place.changed.notify()


class MemoryBackend(JournaledBackend):
    """A state in memory."""

    def __init__(self, place: MemoryPlace | None = None, *, cipher: Cipher = PLAIN) -> None:
        """Use a place; a new, empty one if none is given."""
        found = MemoryPlace() if place is None else place
        super().__init__(MemoryStorage(found), MemoryLock(found), cipher=cipher)


class MemoryWorkspaces:
    """States in memory by workspace; see `Workspaces`."""

    def __init__(self, places: dict[str, MemoryPlace] | None = None) -> None:
        """Use places by name; none but the default one where none are given."""
        self._places = {} if places is None else places
        self._places.setdefault(DEFAULT_WORKSPACE, MemoryPlace())

    def names(self) -> tuple[str, ...]:
        """Return the workspaces that exist."""
        others = sorted(name for name in self._places if name != DEFAULT_WORKSPACE)
        return (DEFAULT_WORKSPACE, *others)

    def open(self, name: str) -> StateBackend:
        """Return the state of a workspace."""
        return MemoryBackend(self._places.setdefault(name, MemoryPlace()))

    def create(self, name: str) -> None:
        """Make a workspace exist."""
        if name in self._places:
            raise workspace_exists(name)
        self._places[name] = MemoryPlace()

    def delete(self, name: str) -> None:
        """Remove a workspace."""
        self._places.pop(name, None)


class OneState:
    """One state, whatever the workspace; see `Workspaces`."""

    def __init__(self, backend: StateBackend) -> None:
        self._backend = backend

    def names(self) -> tuple[str, ...]:
        """Return the default workspace."""
        return (DEFAULT_WORKSPACE,)

    def open(self, name: str) -> StateBackend:
        """Return the state."""
        del name
        return self._backend

    def create(self, name: str) -> None:
        """Refuse: there are no others."""
        raise workspace_exists(name)

    def delete(self, name: str) -> None:
        """Refuse: it is not to be removed."""
        raise BackendError(f'Workspace "{name}" stays', "There is only this one.")
