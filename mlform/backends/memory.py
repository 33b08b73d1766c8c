"""The state in memory, as bytes, for tests and for runs that keep nothing."""

from __future__ import annotations

import threading

from mlform.backends.base import LockInfo, describe_holder
from mlform.dataclass import dataclass, field
from mlform.errors import BackendError, StateConflict, StateLocked
from mlform.state.codec import encode_entry, encode_state
from mlform.state.journal import encode_header
from mlform.state.snapshot import Entry, State
from mlform.state.stored import Stored, check_serial, snapshot_to_begin_with, understand


@dataclass(slots=True)
class MemoryPlace:
    """Where a state is kept; several backends on one place see the same state.

    Attributes:
        snapshot: Bytes of the snapshot, or None.
        journal: Lines of the journal, header first; empty where no run works or died.
        holder: Who holds the lock, or None.
        changed: Notified when the lock is given back.
    """

    snapshot: bytes | None = None
    journal: list[bytes] = field(default_factory=list)
    holder: LockInfo | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)


class MemoryBackend:
    """A state in memory."""

    def __init__(self, place: MemoryPlace | None = None) -> None:
        """Use a place; a new, empty one if none is given."""
        self._place = MemoryPlace() if place is None else place
        self._snapshot: bytes | None = None
        self._journal: list[bytes] | None = None

    def describe(self) -> str:
        """Return where the state is; see `StateBackend`."""
        return "memory"

    def read(self) -> State | None:
        """Return the stored state; see `StateBackend`."""
        stored = self._load()
        return None if stored is None else stored.recovered

    def begin(self, state: State) -> None:
        """Make `append` possible; see `StateBackend`."""
        stored = self._load()
        base, content = snapshot_to_begin_with(stored, state)
        if content is not None:
            self._place.snapshot = content
        self._place.journal = [encode_header(base)]
        self._snapshot = self._place.snapshot
        self._journal = self._place.journal

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Make entries durable; see `StateBackend`."""
        if self._journal is None:
            raise BackendError("Nothing can be recorded", "No run has begun on this state.")
        self._check_untouched()
        for entry in entries:
            self._journal.append(encode_entry(entry, len(self._journal)))

    def write(self, state: State, *, expected_serial: int | None) -> None:
        """Replace the snapshot; see `StateBackend`."""
        if self._journal is not None:
            self._check_untouched()
        stored = self._load()
        check_serial(None if stored is None else stored.base.serial, expected_serial)
        self._place.snapshot = encode_state(state)
        self._place.journal = []
        self._journal = None

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock; see `StateBackend`."""
        place = self._place
        with place.changed:
            if not place.changed.wait_for(lambda: place.holder is None, timeout):
                raise StateLocked("The state is locked", describe_holder(place.holder))
            place.holder = info

    def unlock(self, lock_id: str) -> None:
        """Give the lock back; see `StateBackend`."""
        with self._place.changed:
            if self._place.holder is not None and self._place.holder.id == lock_id:
                self._place.holder = None
                self._place.changed.notify()

    def _load(self) -> Stored | None:
        return understand(self._place.snapshot, b"".join(self._place.journal))

    def _check_untouched(self) -> None:
        if self._place.snapshot is not self._snapshot or self._place.journal is not self._journal:
            raise StateConflict(
                "The state was replaced while this run worked",
                "Somebody else wrote it. Nothing was written to it.",
            )
