"""A state in a place that keeps bytes: what snapshot, journal and history mean, once for all.

Adapters bring a `Storage` for their place, and a `Lock`; `JournaledBackend` makes a backend of
them. What is written is sealed here, so a storage never sees what it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from typing import Protocol

from mlform.backends.base import LockInfo
from mlform.dataclass import dataclass, field, replace
from mlform.digests import JsonObject, digest_bytes
from mlform.errors import BackendError, EncryptionError, StateConflict, StateCorrupt
from mlform.state.encryption import PLAIN, Cipher
from mlform.state.journal import (
    Base,
    Damaged,
    Head,
    Journal,
    Run,
    begin_journal,
    decode_journal,
    encode_header,
    encode_journal,
    encode_seal,
)
from mlform.state.snapshot import Entry, State, apply_entries, entries_to
from mlform.state.stored import (
    Stored,
    check_serial,
    encode_stored,
    snapshot_to_begin_with,
    understand,
)


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

    def keep(self, name: str, journal: bytes) -> None:
        """Add a journal that is over to the history; one kept under that name stays as it is.

        Args:
            name: Tells it from others; names sort in the order in which journals were kept.
            journal: Its lines, header first.

        Raises:
            BackendError: If it cannot be written.
        """
        ...

    def end(self, journal_id: str) -> None:
        """Remove a journal; it need not be there.

        Raises:
            BackendError: If it cannot be removed.
        """
        ...

    def history(self) -> Iterator[bytes]:
        """Return the journals that were kept, in order of their names.

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


@dataclass(slots=True)
class _Run:
    """A run that has begun: where it started from and what it recorded."""

    state: State
    version: str
    journal_id: str
    kept_as: str
    head: Head
    journal: bytearray
    lines: int = 1
    written: list[Entry] = field(default_factory=list)
    unwritten: list[Entry] = field(default_factory=list)


class JournaledBackend:
    """A state in a storage."""

    def __init__(
        self,
        storage: Storage,
        lock: Lock,
        *,
        cipher: Cipher = PLAIN,
        rescue: Callable[[bytes], str] | None = None,
        together: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """Use a storage; nothing is read or written yet.

        Args:
            storage: Keeps the bytes.
            lock: Of the same place.
            cipher: Seals what is kept.
            rescue: Keeps a snapshot on this machine that the storage does not take any more, and
                returns where.
            together: Does all calls to the storage that it is given at once or not at all; it may
                begin anew with them. A place that cannot do so makes one call after the other.
        """
        self._storage = storage
        self._lock = lock
        self._cipher = cipher
        self._rescue = rescue
        self._together = together or _one_by_one
        self._is_atomic = together is not None
        self._notes: tuple[JsonObject, ...] = ()
        self._run: _Run | None = None

    def describe(self) -> str:
        """Return where the state is; see `StateBackend`."""
        return self._storage.describe()

    def read(self) -> State | None:
        """Return the stored state; see `StateBackend`."""
        _, stored = self._load()
        self._notes = () if stored is None else stored.notes
        return None if stored is None else stored.recovered

    def is_outdated(self) -> bool:
        """Whether it is encrypted otherwise than it would be now; see `StateBackend`."""
        return not all(map(self._cipher.is_current, self._notes))

    def begin(self, state: State, run: Run) -> None:
        """Make `append` possible; see `StateBackend`."""
        self._run = None
        self._lock.check()
        content, stored = self._load()
        base, snapshot = snapshot_to_begin_with(stored, state, self._cipher)
        head = begin_journal(base, run, self._cipher)
        begun = _Run(
            state=state,
            version=content.version,
            journal_id=digest_bytes(head.line + content.journal_id.encode()),
            kept_as=_name(base, run),
            head=head,
            journal=bytearray(head.line),
        )

        def store() -> None:
            left = content.journal
            if snapshot is not None:
                left = self._sealed(content, stored, snapshot)
                begun.version = self._storage.replace(snapshot, expected=content.version)
            self._keep(left)
            self._storage.begin(head.line, begun.journal_id)

        self._together(store)
        self._run = begun

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Make entries durable; see `StateBackend`."""
        run = self._run
        if run is None:
            raise BackendError("Nothing can be recorded", "No run has begun on this state.")
        run.unwritten.extend(entries)
        try:
            self._lock.check()
            self._append(run, tuple(run.unwritten))
        except ValueError:
            del run.unwritten[-len(entries) :]  # no JSON: it must not take later entries with it
            raise
        except BackendError as problem:
            reached = state_reached(run.state, (*run.written, *run.unwritten))
            raise self._rescued(problem, reached) from problem

    def write(self, state: State, *, expected_serial: int | None, run: Run | None = None) -> None:
        """Replace the snapshot; see `StateBackend`."""
        content = encode_stored(state, self._cipher)
        try:
            self._lock.check()
            if self._run is None:
                self._write_alone(state, content, expected_serial, run)
            else:
                self._fold(self._run, state, content, expected_serial)
        except StateCorrupt:
            raise
        except BackendError as problem:
            raise self._rescued(problem, state) from problem
        self._run = None

    def history(self) -> Iterator[Journal | Damaged]:
        """Return what each run did; see `StateBackend`."""
        content = self._storage.load()
        last = None if content.snapshot is None else _unfolded(content, self._cipher)
        for number, kept in enumerate(self._storage.history(), start=1):
            where = f"journal {number} of the history of {self.describe()}"
            journal = read_journal(kept, self._cipher, where)
            if isinstance(journal, Journal) and last is not None and same_run(journal, last):
                last = None  # it was kept meanwhile
            if journal is not None:
                yield journal
        if last is not None:
            yield last

    def keep(self, journal: Journal) -> None:
        """Add to the history; see `StateBackend`."""
        self._storage.keep(journal_name(journal), encode_journal(journal, self._cipher))

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock; see `StateBackend`."""
        self._lock.lock(info, timeout=timeout)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back; see `StateBackend`."""
        self._lock.unlock(lock_id)

    def holder(self) -> LockInfo | None:
        """Return who holds the lock; see `StateBackend`."""
        return self._lock.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from its holder; see `StateBackend`."""
        self._lock.break_lock(lock_id)

    def _load(self) -> tuple[Content, Stored | None]:
        content = self._storage.load()
        try:
            return content, understand(content.snapshot, content.journal, self._cipher)
        except (StateCorrupt, EncryptionError) as problem:
            detail = f"{self.describe()}: {problem.detail}"
            raise type(problem)(problem.summary, detail) from problem

    def _append(self, run: _Run, entries: tuple[Entry, ...]) -> None:
        lines = run.head.encode(entries, run.lines)
        self._storage.append(lines, run.journal_id)
        run.journal += lines
        run.lines += len(entries)
        run.written.extend(entries)
        run.unwritten.clear()

    def _fold(self, run: _Run, state: State, content: bytes, expected_serial: int | None) -> None:
        check_serial(run.state.serial, expected_serial)
        missing = entries_to(apply_entries(run.state, tuple(run.written)), state)
        if missing:
            self._append(run, missing)
        seal = encode_seal(digest_bytes(content), run.lines)

        def store() -> None:
            self._storage.append(seal, run.journal_id)
            self._storage.replace(content, expected=run.version)
            # From here on the state is the new one: whoever comes next keeps and ends the journal,
            # if this run fails to. Of what is done at once, all is undone instead.
            with nullcontext() if self._is_atomic else suppress(BackendError):
                self._storage.keep(run.kept_as, bytes(run.journal + seal))
                self._storage.end(run.journal_id)

        self._together(store)

    def _write_alone(
        self, state: State, snapshot: bytes, expected_serial: int | None, run: Run | None
    ) -> None:
        content, stored = self._load()
        check_serial(None if stored is None else stored.base.serial, expected_serial)
        journal = journal_between(stored, state, snapshot, run, self._cipher)

        def store() -> None:
            left = self._sealed(content, stored, snapshot)
            self._storage.replace(snapshot, expected=content.version)
            self._keep(left)
            self._storage.end(content.journal_id)
            if journal is not None:
                self._storage.keep(*journal)

        self._together(store)

    def _sealed(self, content: Content, stored: Stored | None, snapshot: bytes) -> bytes:
        """Say in the journal of a dead run that the snapshot about to be stored holds it.

        Returns:
            The journal as it is then.
        """
        if stored is None or stored.journal is None:
            return content.journal
        seal = encode_seal(digest_bytes(snapshot), stored.journal.lines, recovered=True)
        self._storage.append(seal, content.journal_id)
        return content.journal[: stored.journal.size] + seal

    def _keep(self, left: bytes) -> None:
        """Keep what a run did that died, as its journal tells."""
        journal = decode_journal(left, self._cipher) if left else None
        if journal is not None and not journal.is_blank:
            self._storage.keep(journal_name(journal), left[: journal.size])

    def _rescued(self, problem: BackendError, state: State) -> BackendError:
        """Return the problem with a note on where the state was kept instead."""
        if self._rescue is None:
            return problem
        try:
            place = self._rescue(encode_stored(state, self._cipher))
        except OSError as other:
            note = f"It could not be kept on this machine either: {other.strerror or other}."
        else:
            note = (
                f"The state as it should be is kept in {place}; once that is mended, make it the "
                f'state with "mlform state push {place}".'
            )
        return type(problem)(problem.summary, f"{problem.detail} {note}")


def read_journal(content: bytes, cipher: Cipher, where: str) -> Journal | Damaged | None:
    """Return a journal that was kept, or what is wrong with it; None where it says nothing.

    Args:
        content: Its lines.
        cipher: Opens what is sealed.
        where: Its place, for people.
    """
    try:
        journal = decode_journal(content, cipher, is_history=True)
    except (StateCorrupt, EncryptionError) as problem:
        return Damaged(where=where, problem=problem.detail)
    return None if journal is None or journal.is_blank else journal


def same_run(journal: Journal, other: Journal) -> bool:
    """Whether two journals are the same one, read at different times."""
    return (journal.base, journal.run) == (other.base, other.run)


def _unfolded(content: Content, cipher: Cipher) -> Journal | None:
    """Return the journal of a run that works or died, if it can be understood."""
    found = read_journal(content.journal, cipher, "") if content.journal else None
    return found if isinstance(found, Journal) else None


def journal_between(
    stored: Stored | None, state: State, snapshot: bytes, run: Run | None, cipher: Cipher
) -> tuple[str, bytes] | None:
    """Return what a writer did that replaced a state at once, as a journal and its name.

    Args:
        stored: What it replaced.
        state: What it wrote.
        snapshot: The same as it is stored.
        run: Who it was; None tells nothing.
        cipher: Seals the journal.

    Returns:
        None where nothing is to be told.
    """
    if run is None:
        return None
    before = State(lineage=state.lineage, serial=-1) if stored is None else stored.recovered
    if before.lineage != state.lineage:
        return None
    entries = entries_to(before, state)
    base = Base(lineage=state.lineage, serial=before.serial, digest=digest_bytes(b""))
    if stored is not None:
        base = stored.base
    journal = Journal(
        base=base, run=run, entries=entries, seals=(digest_bytes(snapshot),), lines=0, size=0
    )
    return _name(base, run), encode_journal(journal, cipher)


def _one_by_one(work: Callable[[], None]) -> None:
    work()


def _name(base: Base, run: Run) -> str:
    """Return the name under which a journal is kept: what it led to, and who wrote it."""
    return f"{base.serial + 1:08d}-{digest_bytes(encode_header(base, run))[7:19]}"


def journal_name(journal: Journal) -> str:
    """Return the name under which a journal is kept in the history."""
    return _name(journal.base, journal.run)


def state_reached(begun: State, entries: tuple[Entry, ...]) -> State:
    """Return the state that a run came to, to be kept where its own place takes it no more.

    Args:
        begun: The state that the run began with.
        entries: What it recorded, appended or not.
    """
    # The next serial, so that the journal left behind counts as part of this state.
    return replace(apply_entries(begun, entries), serial=begun.serial + 1)


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
