"""The ports to where states are kept.

A backend keeps one state for each workspace. A run locks it, reads it, begins, appends entries
while it works, and folds them into a new snapshot at its end. An appended entry is durable when
`append` returns; its cost does not depend on the size of the state. A reader always sees the
snapshot with the entries of a run that died applied to it. What a run appended is kept when it is
over: all of these together are the history of the state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from mlform.dataclass import dataclass
from mlform.errors import BackendError, LockLost
from mlform.state.journal import Damaged, Journal, Run
from mlform.state.snapshot import Entry, State

DEFAULT_WORKSPACE: Final = "default"
"""The workspace that is always there."""


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
        host: Name of the machine.
        started: When the process started and where, as its system tells it: with `pid` and `host`
            it names one process for all time. Empty where the system does not tell.
        heartbeat: Last time the holder said that it is alive, in UTC, ISO 8601; empty where the
            lock goes away by itself with its holder.
    """

    id: str
    operation: str
    who: str
    pid: int
    created: str
    version: str
    host: str = ""
    started: str = ""
    heartbeat: str = ""

    @property
    def run(self) -> Run:
        """The run that holds it."""
        return Run(
            id=self.id,
            operation=self.operation,
            who=self.who,
            started=self.created,
            version=self.version,
        )


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

    def is_outdated(self) -> bool:
        """Whether what was read last is encrypted otherwise than it would be if written now.

        Raises:
            EncryptionError: If the key that it would be written with cannot be made.
        """
        ...

    def begin(self, state: State, run: Run) -> None:
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
            LockLost: If the lock was held, and is not any more.
            BackendError: If they cannot be written.
        """
        ...

    def write(self, state: State, *, expected_serial: int | None, run: Run | None = None) -> None:
        """Replace the snapshot by `state`, end the journal and keep it in the history.

        What the state holds that was not appended is appended first, so the history is whole.

        Args:
            state: The new state.
            expected_serial: Serial of the stored snapshot, or None if there must be none.
            run: Who writes, where no run has begun; without one, the history tells nothing of it.

        Raises:
            StateConflict: If the stored serial is another one.
            LockLost: If the lock was held, and is not any more.
            BackendError: If it cannot be written; the old snapshot and journal are then whole.
        """
        ...

    def history(self) -> Iterator[Journal | Damaged]:
        """Return what each run did, in order of the serial it began with.

        Runs that recorded nothing and wrote no snapshot are left out. One that works still, or
        died and was not recovered yet, comes last. What cannot be understood is told as that, in
        its place.

        Raises:
            BackendError: If it cannot be read.
        """
        ...

    def keep(self, journals: Sequence[Journal]) -> None:
        """Add what runs did elsewhere to the history; a journal that is there stays as it is.

        Raises:
            BackendError: If it cannot be written.
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

    def holder(self) -> LockInfo | None:
        """Return who holds the lock, or None.

        Raises:
            BackendError: If that cannot be told.
        """
        ...

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from whoever holds it under this id.

        Raises:
            BackendError: If nobody holds it, or somebody under another id; nothing is changed.
        """
        ...

    def describe(self) -> str:
        """Return where the state is, for people, such as `mlform.mlfstate`."""
        ...


class Workspaces(Protocol):
    """All states of one backend, by the name of their workspace."""

    def names(self) -> tuple[str, ...]:
        """Return the workspaces that exist: the default one first, then the others in order.

        Raises:
            BackendError: If they cannot be listed.
        """
        ...

    def open(self, name: str) -> StateBackend:
        """Return the state of a workspace; nothing is read or written yet."""
        ...

    def create(self, name: str) -> None:
        """Make a workspace exist, without a state.

        Raises:
            BackendError: If it exists, or cannot be made.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a workspace with its state, its journal and its history.

        Raises:
            BackendError: If it cannot be removed.
        """
        ...


def describe_holder(holder: LockInfo | None) -> str:
    """Return who holds a lock and what to do about it; None stands for somebody unknown."""
    if holder is None:
        return "Another run holds the lock. Wait for it to end, or give -lock-timeout=60s."
    alive = f", last heard of at {holder.heartbeat}" if holder.heartbeat else ""
    version = f", mlform {holder.version}" if holder.version else ""
    return (
        f"{_process(holder)} holds it{_work(holder)}{alive}; lock id {holder.id}{version}. Wait "
        "for it to end, or give -lock-timeout=60s. Only if you are sure that it is over: "
        f"mlform force-unlock {holder.id}"
    )


def describe_wait(holder: LockInfo | None) -> str:
    """Return that somebody waits for a lock, and who holds it; None stands for somebody unknown."""
    if holder is None:
        return "Waiting for the lock of the state, which another run holds."
    return f"Waiting for the lock of the state: {_process(holder)} holds it{_work(holder)}."


def check_held(holder: LockInfo | None, lock_id: str) -> None:
    """Check that a lock which was taken is still held.

    Args:
        holder: Who holds it now.
        lock_id: Under which it was taken; empty where it was not.

    Raises:
        LockLost: If somebody took it.
    """
    if not lock_id or (holder is not None and holder.id == lock_id):
        return
    by = "" if holder is None else f", and {holder.who} holds it now for {holder.operation}"
    raise LockLost(
        "The lock of the state was taken from this run",
        f"Somebody forced it open while this run worked{by}. To keep two runs from writing the "
        "same state, this one stops; what it finished before is recorded. Make sure that nobody "
        "else is at work and run the command again.",
    )


def check_broken(holder: LockInfo | None, lock_id: str) -> None:
    """Check that a lock to be forced open is the one that somebody holds.

    Raises:
        BackendError: If it is not.
    """
    if holder is None:
        raise BackendError("The state is not locked", "There is no lock to force open.")
    if holder.id != lock_id:
        raise BackendError(
            "The lock has another id",
            f'"{lock_id}" is not the id of the lock that is held now: {_process(holder)} holds '
            f"{holder.id}{_work(holder)}. If that is the one, give its id.",
        )


def _process(holder: LockInfo) -> str:
    """Return which process it is; not every place keeps all of that."""
    return f"{holder.who} (process {holder.pid})" if holder.pid else holder.who


def _work(holder: LockInfo) -> str:
    """Return what it does, and since when."""
    operation = f" for {holder.operation}" if holder.operation else ""
    return f"{operation} since {holder.created}"


def workspace_exists(name: str) -> BackendError:
    """Return the failure to raise where a workspace to be made is there already."""
    return BackendError(
        f'Workspace "{name}" already exists', f'Go to it with "mlform workspace select {name}".'
    )


def lock_to_json(info: LockInfo) -> dict[str, str | int]:
    """Return who holds a lock as JSON; `lock_from_json` gives it back."""
    return {
        "id": info.id,
        "operation": info.operation,
        "who": info.who,
        "pid": info.pid,
        "created": info.created,
        "version": info.version,
        "host": info.host,
        "started": info.started,
        "heartbeat": info.heartbeat,
    }


def lock_from_json(document: object) -> LockInfo | None:
    """Return who holds a lock, or None where the document does not tell."""
    if not isinstance(document, dict):
        return None
    pid = document.get("pid")
    info = LockInfo(
        id=str(document.get("id", "")),
        operation=str(document.get("operation", "")),
        who=str(document.get("who", "")),
        pid=pid if isinstance(pid, int) else 0,
        created=str(document.get("created", "")),
        version=str(document.get("version", "")),
        host=str(document.get("host", "")),
        started=str(document.get("started", "")),
        heartbeat=str(document.get("heartbeat", "")),
    )
    return info if info.id else None
