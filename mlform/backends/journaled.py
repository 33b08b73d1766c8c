"""A state in a place that keeps bytes: what snapshot, journal and history mean, once for all.

Adapters bring a `Storage` for their place, and a `Lock`; `JournaledBackend` makes a backend of
them. What is written is sealed here, so a storage never sees what it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from itertools import islice
from typing import Final

from mlform.backends.base import LockInfo
from mlform.backends.kept import (
    journal_between,
    journal_name,
    name_of,
    read_journal,
    renewed_anew,
    same_run,
)
from mlform.backends.ledger import Ledger
from mlform.backends.storage import Content, Lock, Storage
from mlform.dataclass import dataclass
from mlform.digests import JsonObject, digest_bytes
from mlform.errors import BackendError, EncryptionError, StateCorrupt
from mlform.state.encryption import PLAIN, Cipher
from mlform.state.journal import (
    Damaged,
    Head,
    Journal,
    Run,
    begin_journal,
    decode_journal,
    encode_journal,
    encode_seal,
    renewed_journal,
)
from mlform.state.snapshot import Entry, State
from mlform.state.stored import (
    Stored,
    check_serial,
    encode_stored,
    snapshot_to_begin_with,
    understand,
)

_TOGETHER: Final = 64
"""Journals that are encrypted anew and written at once; so many are in memory."""


@dataclass(slots=True)
class _Run:
    """A run that has begun: where it started from and what it recorded."""

    ledger: Ledger
    version: str
    journal_id: str
    kept_as: str
    head: Head
    journal: bytearray
    lines: int = 1


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
            ledger=Ledger(state),
            version=content.version,
            journal_id=digest_bytes(head.line + content.journal_id.encode()),
            kept_as=name_of(base, run),
            head=head,
            journal=bytearray(head.line),
        )

        def store() -> None:
            self._renew_history(stored)
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
        try:
            run.ledger.append(entries, lambda unwritten: self._append_held(run, unwritten))
        except BackendError as problem:
            raise self._rescued(problem, run.ledger.reached) from problem

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
        for number, (_, kept) in enumerate(self._storage.history(), start=1):
            where = f"journal {number} of the history of {self.describe()}"
            journal = read_journal(kept, self._cipher, where)
            if isinstance(journal, Journal) and last is not None and same_run(journal, last):
                last = None  # it was kept meanwhile
            if journal is not None:
                yield journal
        if last is not None:
            yield last

    def keep(self, journals: Sequence[Journal]) -> None:
        """Add to the history; see `StateBackend`."""
        told = {journal_name(each): encode_journal(each, self._cipher) for each in journals}
        self._together(lambda: self._storage.keep(told))

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

    def _append_held(self, run: _Run, entries: tuple[Entry, ...]) -> None:
        self._lock.check()
        self._append(run, entries)

    def _append(self, run: _Run, entries: tuple[Entry, ...]) -> None:
        lines = run.head.encode(entries, run.lines)
        self._storage.append(lines, run.journal_id)
        run.journal += lines
        run.lines += len(entries)

    def _fold(self, run: _Run, state: State, content: bytes, expected_serial: int | None) -> None:
        check_serial(run.ledger.begun.serial, expected_serial)
        run.ledger.complete(state, lambda missing: self._append(run, missing))
        seal = encode_seal(digest_bytes(content), run.lines)

        def store() -> None:
            self._storage.append(seal, run.journal_id)
            self._storage.replace(content, expected=run.version)
            # From here on the state is the new one: whoever comes next keeps and ends the journal,
            # if this run fails to. Of what is done at once, all is undone instead.
            with nullcontext() if self._is_atomic else suppress(BackendError):
                self._storage.keep({run.kept_as: bytes(run.journal + seal)})
                self._storage.end(run.journal_id)

        self._together(store)

    def _write_alone(
        self, state: State, snapshot: bytes, expected_serial: int | None, run: Run | None
    ) -> None:
        content, stored = self._load()
        check_serial(None if stored is None else stored.base.serial, expected_serial)
        journal = journal_between(stored, state, snapshot, run, self._cipher)

        def store() -> None:
            self._renew_history(stored)
            left = self._sealed(content, stored, snapshot)
            self._storage.replace(snapshot, expected=content.version)
            self._keep(left)
            self._storage.end(content.journal_id)
            if journal is not None:
                self._storage.keep({journal[0]: journal[1]})

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

    def _renew_history(self, stored: Stored | None) -> None:
        """Encrypt the history as a state is going to be that is encrypted otherwise so far.

        It comes before the state, so that whoever dies at it begins it anew.
        """
        if stored is None or not stored.is_outdated(self._cipher):
            return
        renewed = renewed_anew(self._storage.history(), self._cipher)
        while some := dict(islice(renewed, _TOGETHER)):
            self._storage.renew(some)

    def _keep(self, left: bytes) -> None:
        """Keep what a run did that died, as its journal tells."""
        journal = decode_journal(left, self._cipher) if left else None
        if journal is not None and not journal.is_blank:
            whole = renewed_journal(left[: journal.size], self._cipher)
            self._storage.keep({journal_name(journal): whole})

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


def _unfolded(content: Content, cipher: Cipher) -> Journal | None:
    """Return the journal of a run that works or died, if it can be understood."""
    found = read_journal(content.journal, cipher, "") if content.journal else None
    return found if isinstance(found, Journal) else None


def _one_by_one(work: Callable[[], None]) -> None:
    work()
