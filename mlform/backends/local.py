"""The state as a file in the project's folder.

Beside `mlform.mlfstate` lie `mlform.mlfstate.journal` (while a run works, or after one died),
`mlform.mlfstate.backup` (the version before), `mlform.mlfstate.history` (the journals of runs that
are over), and `.mlform.mlfstate.lock` while somebody holds the lock. What cannot be written to its
place is kept in `mlform.errored.mlfstate`. All of them are for their owner's eyes only, since a
state may hold sensitive values.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from mlform.backends.base import DEFAULT_WORKSPACE, LockInfo, StateBackend, workspace_exists
from mlform.backends.flock import FileLock
from mlform.backends.journal_file import JournalFile
from mlform.backends.kept import (
    journal_between,
    journal_name,
    read_journal,
    renewed_anew,
    same_run,
)
from mlform.backends.ledger import Ledger
from mlform.dataclass import dataclass
from mlform.digests import JsonObject, digest_bytes
from mlform.durable import temporary_prefix, write_file
from mlform.errors import BackendError, EncryptionError, StateConflict, StateCorrupt
from mlform.state.encryption import PLAIN, Cipher
from mlform.state.journal import (
    Damaged,
    Journal,
    Run,
    decode_journal,
    encode_journal,
)
from mlform.state.snapshot import Entry, State
from mlform.state.stored import (
    Stored,
    check_serial,
    encode_stored,
    renewed,
    snapshot_to_begin_with,
    understand,
)

_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_ATTEMPTS: Final = 20
_UNLOCKED: Final = ' A plan alone needs no lock: "mlform plan -lock=false".'

_Identity: TypeAlias = tuple[int, int, int, int] | None
"""Device, inode, size and time of change of a file; None where there is none."""


@dataclass(slots=True)
class _Run:
    """A run that has begun: where it started from and what it recorded."""

    ledger: Ledger
    snapshot: _Identity
    journal: JournalFile


class LocalBackend:
    """A state in a local file."""

    def __init__(self, path: Path, *, cipher: Cipher = PLAIN) -> None:
        """Name the file; nothing is read or written yet.

        Args:
            path: Of the snapshot, such as `mlform.mlfstate`. A link is followed.
            cipher: Seals what is written.
        """
        self._cipher = cipher
        self._shown = path
        self._path = path.resolve()
        name = self._path.name
        self._journal_path = self._path.with_name(f"{name}.journal")
        self._backup_path = self._path.with_name(f"{name}.backup")
        self._history_path = self._path.with_name(f"{name}.history")
        self._errored: Path | None = None
        self._lock = FileLock(self._path.with_name(f".{name}.lock"))
        self._notes: tuple[JsonObject, ...] = ()
        self._renews = False
        self._run: _Run | None = None

    def describe(self) -> str:
        """Return where the state is; see `StateBackend`."""
        return str(self._shown)

    def read(self) -> State | None:
        """Return the stored state; see `StateBackend`."""
        with self._translated("read"):
            stored = self._load()
        self._notes = () if stored is None else stored.notes
        return None if stored is None else stored.recovered

    def is_outdated(self) -> bool:
        """Whether it is encrypted otherwise than it would be now; see `StateBackend`."""
        return not all(map(self._cipher.is_current, self._notes))

    def begin(self, state: State, run: Run) -> None:
        """Make `append` possible; see `StateBackend`."""
        with self._translated("written"):
            self._lock.check()
            self._end_run()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._sweep()
            stored = self._load()
            renews = stored is not None and stored.is_outdated(self._cipher)
            self._renews = renews
            base, content = snapshot_to_begin_with(stored, state, self._cipher)
            if renews:
                self._renew_history()
            if content is not None:
                self._seal(stored, content)
                self._replace(content)
            self._keep_journal()
            journal = JournalFile.create(self._journal_path, base, run, self._cipher)
            self._run = _Run(ledger=Ledger(state), snapshot=_identity(self._path), journal=journal)

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Make entries durable; see `StateBackend`."""
        run = self._run
        if run is None:
            raise BackendError("Nothing can be recorded", "No run has begun on this state.")
        try:
            run.ledger.append(entries, lambda unwritten: self._append(run, unwritten))
        except BackendError as problem:
            raise self._rescued(problem, run.ledger.reached) from problem

    def write(self, state: State, *, expected_serial: int | None, run: Run | None = None) -> None:
        """Replace the snapshot; see `StateBackend`."""
        content = encode_stored(state, self._cipher)
        kept = None
        try:
            with self._translated("written"):
                self._lock.check()
                self._path.parent.mkdir(parents=True, exist_ok=True)
                if self._run is None:
                    stored = self._check_and_seal(content, expected_serial)
                    self._renews = stored is not None and stored.is_outdated(self._cipher)
                    if self._renews:
                        self._renew_history()
                    kept = journal_between(stored, state, content, run, self._cipher)
                else:
                    self._fold(self._run, state, content, expected_serial)
                self._replace(content)
        except StateCorrupt:
            raise
        except BackendError as problem:
            raise self._rescued(problem, state) from problem
        self._end_run()
        # A journal that stays is known to be in the snapshot; the next run keeps it.
        with contextlib.suppress(OSError):
            self._keep_journal()
            if kept is not None:
                self._history_path.mkdir(exist_ok=True, mode=_FOLDER_MODE)
                write_file(self._kept_path(kept[0]), kept[1], mode=_MODE)

    def history(self) -> Iterator[Journal | Damaged]:
        """Return what each run did; see `StateBackend`."""
        with self._translated("read"):
            last = self._journal(self._journal_path) if self._path.exists() else None
            for path in sorted(self._history_path.glob("*.jsonl")):
                journal = self._journal(path)
                if (
                    isinstance(journal, Journal)
                    and isinstance(last, Journal)
                    and same_run(journal, last)
                ):
                    last = None  # it was kept meanwhile
                if journal is not None:
                    yield journal
            if last is not None:
                yield last

    def keep(self, journals: Sequence[Journal]) -> None:
        """Add to the history; see `StateBackend`."""
        with self._translated("written"):
            self._history_path.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            for journal in journals:
                path = self._kept_path(journal_name(journal))
                if not path.exists():
                    write_file(path, encode_journal(journal, self._cipher), mode=_MODE)

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock; see `StateBackend`."""
        with self._translated("locked", otherwise=_UNLOCKED if info.operation == "plan" else ""):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.take(info, timeout=timeout)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back; see `StateBackend`."""
        with self._translated("unlocked"):
            self._lock.give_back(lock_id)

    def holder(self) -> LockInfo | None:
        """Return who holds the lock; see `StateBackend`."""
        with self._translated("read"):
            return self._lock.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from its holder; see `StateBackend`."""
        with self._translated("unlocked"):
            self._lock.break_open(lock_id)

    def _load(self) -> Stored | None:
        for _ in range(_ATTEMPTS):
            before = _identity(self._path)
            snapshot = _content(self._path)
            journal = _content(self._journal_path)
            # A run may end, and another begin, between the two: then they do not belong together.
            if _identity(self._path) == before:
                return self._understand(snapshot, journal)
        raise BackendError(
            f"{self._shown} keeps changing while it is read",
            "Another run is writing it. Wait for that run to end.",
        )

    def _understand(self, snapshot: bytes | None, journal: bytes | None) -> Stored | None:
        try:
            return understand(snapshot, journal, self._cipher)
        except EncryptionError as problem:
            detail = f"{self._shown}: {problem.detail}"
            raise type(problem)(problem.summary, detail) from problem
        except StateCorrupt as problem:
            backup = (
                f" The version before is in {self._backup_path}."
                if self._backup_path.exists()
                else ""
            )
            journal_note = f" The journal is {self._journal_path}." if journal else ""
            raise StateCorrupt(
                problem.summary, f"{self._shown}: {problem.detail}{backup}{journal_note}"
            ) from problem

    def _append(self, run: _Run, entries: tuple[Entry, ...]) -> None:
        self._check_untouched(run)
        self._lock.check()
        with self._translated("written"):
            run.journal.append(entries)

    def _fold(self, run: _Run, state: State, content: bytes, expected_serial: int | None) -> None:
        self._check_untouched(run)
        check_serial(run.ledger.begun.serial, expected_serial)
        run.ledger.complete(state, run.journal.append)
        run.journal.seal(digest_bytes(content))

    def _check_and_seal(self, content: bytes, expected_serial: int | None) -> Stored | None:
        stored = self._load()
        check_serial(None if stored is None else stored.base.serial, expected_serial)
        self._seal(stored, content)
        return stored

    def _keep_journal(self) -> None:
        """Move a journal that is over to the history, if it says anything."""
        content = _content(self._journal_path)
        if content is None:
            return
        journal = decode_journal(content, self._cipher)
        if journal is None or journal.is_blank:
            self._journal_path.unlink(missing_ok=True)
            return
        self._history_path.mkdir(exist_ok=True, mode=_FOLDER_MODE)
        if not self._cipher.is_current(journal.note):
            write_file(self._journal_path, encode_journal(journal, self._cipher), mode=_MODE)
        self._journal_path.replace(self._kept_path(journal_name(journal)))

    def _renew_history(self) -> None:
        """Encrypt kept journals as the state is going to be; those that do not open stay."""
        paths = sorted(self._history_path.glob("*.jsonl"))
        kept = ((path.stem, path.read_bytes()) for path in paths)
        for name, changed in renewed_anew(kept, self._cipher):
            write_file(self._kept_path(name), changed, mode=_MODE)

    def _kept_path(self, name: str) -> Path:
        return self._history_path / f"{name}.jsonl"

    def _journal(self, path: Path) -> Journal | Damaged | None:
        content = _content(path)
        return None if content is None else read_journal(content, self._cipher, str(path))

    def _seal(self, stored: Stored | None, content: bytes) -> None:
        if stored is None or stored.journal is None:
            return
        journal = JournalFile.resume(self._journal_path, stored.journal)
        try:
            journal.seal(digest_bytes(content), recovered=True)
        finally:
            journal.close()

    def _replace(self, content: bytes) -> None:
        if self._path.exists():
            self._back_up()
        write_file(self._path, content, mode=_MODE)
        self._renews = False

    def _back_up(self) -> None:
        if self._renews:  # what is encrypted from now on shall not stay in plain text here
            write_file(
                self._backup_path, renewed(self._path.read_bytes(), self._cipher), mode=_MODE
            )
            return
        link = self._backup_path.with_name(f"{temporary_prefix(self._backup_path)}link.tmp")
        link.unlink(missing_ok=True)
        try:
            link.hardlink_to(self._path)
        except OSError:  # a file system without links
            write_file(self._backup_path, self._path.read_bytes(), mode=_MODE)
        else:
            link.replace(self._backup_path)
            link.unlink(missing_ok=True)  # stays where both are the same file already

    def _sweep(self) -> None:
        """Remove temporary files that a run left when it died."""
        prefix = temporary_prefix(self._path)  # those of journal and backup begin with it too
        for found in self._path.parent.iterdir():
            if found.name.startswith(prefix) and found.name.endswith(".tmp"):
                found.unlink(missing_ok=True)

    def _end_run(self) -> None:
        if self._run is not None:
            self._run.journal.close()
            self._run = None

    def _check_untouched(self, run: _Run) -> None:
        with self._translated("read"):
            snapshot, intact = _identity(self._path), run.journal.is_intact()
        if snapshot == run.snapshot and intact:
            return
        what = self._shown if snapshot != run.snapshot else self._journal_path
        raise StateConflict(
            "The state was replaced while this run worked",
            f"{what} is not the file that this run began with: it was removed, restored or written "
            "by somebody else. Nothing was written to it.",
        )

    def _rescued(self, problem: BackendError, state: State) -> BackendError:
        """Return the problem with a note on where the state was kept instead."""
        saved = self._save_elsewhere(encode_stored(state, self._cipher))
        note = (
            "It could not be kept anywhere else either."
            if saved is None
            else f"The state as it should be is kept in {saved}; to make it the state, copy it "
            f"over {self._shown}."
        )
        return type(problem)(problem.summary, f"{problem.detail} {note}")

    def _save_elsewhere(self, content: bytes) -> Path | None:
        for choose in (self._name_beside, self._name_in_other_folder):
            with contextlib.suppress(OSError):
                path = choose()
                write_file(path, content, mode=_MODE)
                self._errored = path
                return path
        return None

    def _name_beside(self) -> Path:
        """Return a name beside the state that no run before has taken."""
        if self._errored is not None:
            return self._errored
        stem, suffix = f"{self._path.stem}.errored", self._path.suffix
        path, count = self._path.with_name(f"{stem}{suffix}"), 1
        while path.exists():
            count += 1
            path = self._path.with_name(f"{stem}-{count}{suffix}")
        return path

    def _name_in_other_folder(self) -> Path:
        """Return a name in a new folder of the system's, where the project's disk is full."""
        import tempfile

        return Path(tempfile.mkdtemp(prefix="mlform-")) / self._path.name

    @contextlib.contextmanager
    def _translated(self, done: str, *, otherwise: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            advice = self._advice(problem) + otherwise
            raise BackendError(f"The state cannot be {done}", advice) from problem

    def _advice(self, problem: OSError) -> str:
        where = problem.filename or self._shown
        reason = f"{where}: {problem.strerror or problem}."
        match problem.errno:
            case errno.ENOSPC | errno.EDQUOT:
                return f"{reason} Free some space on that disk and run the command again."
            case errno.EACCES | errno.EPERM | errno.EROFS:
                return f"{reason} Give yourself the right to write in {self._path.parent}."
            case errno.EISDIR | errno.ENOTDIR:
                return f"{reason} Move away what is in the way."
            case _:
                return f"{reason} Check the disk that holds {self._path.parent}."


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class LocalWorkspaces:
    """States in local files: the default one, and a folder with one folder for each other one."""

    def __init__(self, path: Path, *, folder: Path, cipher: Cipher = PLAIN) -> None:
        """Name the files; nothing is read or written yet.

        Args:
            path: Of the default workspace's state.
            folder: Of the others.
            cipher: Seals what is written.
        """
        self._path = path
        self._folder = folder
        self._cipher = cipher

    def names(self) -> tuple[str, ...]:
        """Return the workspaces that exist; see `Workspaces`."""
        with self._translated("listed"):
            found = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        return (DEFAULT_WORKSPACE, *(each.name for each in found if each.is_dir()))

    def open(self, name: str) -> StateBackend:
        """Return the state of a workspace; see `Workspaces`."""
        if name == DEFAULT_WORKSPACE:
            return LocalBackend(self._path, cipher=self._cipher)
        return LocalBackend(self._folder / name / self._path.name, cipher=self._cipher)

    def create(self, name: str) -> None:
        """Make a workspace exist; see `Workspaces`."""
        if name in self.names():
            raise workspace_exists(name)
        with self._translated("made"):
            (self._folder / name).mkdir(parents=True, mode=_FOLDER_MODE)

    def delete(self, name: str) -> None:
        """Remove a workspace; see `Workspaces`."""
        from shutil import rmtree

        with self._translated("removed"):
            rmtree(self._folder / name)

    @contextlib.contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            where = problem.filename or self._folder
            raise BackendError(
                f"The workspaces cannot be {done}",
                f"{where}: {problem.strerror or problem}. Check that you may write there.",
            ) from problem
