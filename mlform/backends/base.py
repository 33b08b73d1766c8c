"""The port to where the state is kept.

A run locks, reads, appends entries while it works, and folds them into a new snapshot at its end.
An appended entry is durable when `append` returns; its cost does not depend on the size of the
state. A reader always sees the snapshot with the entries of a run that died applied to it.
"""

from __future__ import annotations

from typing import Protocol

from mlform.dataclass import dataclass
from mlform.state.snapshot import Entry, State


@dataclass(frozen=True, slots=True, kw_only=True)
class LockInfo:
    """Who holds the lock.

    Attributes:
        id: Identity of the lock, to force it open.
        operation: The command, such as `apply`.
        who: `user@host`.
        pid: Process on that host.
        created: Time in UTC, ISO 8601.
        version: mlform's version.
    """

    id: str
    operation: str
    who: str
    pid: int
    created: str
    version: str


class StateBackend(Protocol):
    """One state, in one workspace."""

    def read(self) -> State | None:
        """Return the state with entries of a dead run applied, or None where there is none.

        Raises:
            StateCorrupt: If it cannot be understood; nothing is changed, the message says how
                to recover.
            BackendError: If it cannot be read.
        """
        ...

    def begin(self, state: State) -> None:
        """Make `append` possible: entries that follow are relative to this state.

        Writes the state first where none is stored, so that lineage and journal belong together,
        or where `state` differs from the stored snapshot (entries of a dead run).

        Raises:
            StateConflict: If the stored state is not of this lineage and serial.
            BackendError: If it cannot be written.
        """
        ...

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Make entries durable.

        Raises:
            StateConflict: If the state was removed or replaced since `begin`.
            BackendError: If they cannot be written.
        """
        ...

    def write(self, state: State, *, expected_serial: int | None) -> None:
        """Replace the snapshot by `state` and end the journal.

        Args:
            state: The new state.
            expected_serial: Serial of the stored snapshot, or None if there must be none.

        Raises:
            StateConflict: If the stored serial is another one.
            BackendError: If it cannot be written; the old snapshot and journal are then whole.
        """
        ...

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock, waiting at most `timeout` seconds; a lock of a dead holder is taken over.

        Raises:
            StateLocked: If another run holds it; the message names holder and lock id.
        """
        ...

    def unlock(self, lock_id: str) -> None:
        """Give the lock back; one that is held no more is fine."""
        ...

    def describe(self) -> str:
        """Return where the state is, for people, such as `mlform.mlfstate`."""
        ...


def describe_holder(holder: LockInfo | None) -> str:
    """Return who holds a lock and what to do about it; None stands for somebody unknown."""
    if holder is None:
        return "Another run holds the lock. Wait for it to end, or give -lock-timeout=60s."
    return (
        f"{holder.who} (process {holder.pid}) holds it for {holder.operation} since "
        f"{holder.created}; lock id {holder.id}, mlform {holder.version}. Wait for it to end, or "
        "give -lock-timeout=60s. Only if you are sure that it is over: "
        f"mlform force-unlock {holder.id}"
    )
