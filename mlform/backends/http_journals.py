"""The journals of runs on this machine, whose states a server keeps that cannot append.

Each state has a folder of its own in the data folder. A run appends to a file there, named by its
journal; what the server has of it is never ahead of the file. `history` holds journals for which
there was no room on the server any more.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass
from mlform.durable import append_all, write_file
from mlform.errors import BackendError, StateConflict

_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_SUFFIX: Final = ".journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A journal that lies in the folder.

    Attributes:
        journal_id: Its identity.
        path: Of the file.
        lines: Its whole lines; a torn last one was promised to nobody.
    """

    journal_id: str
    path: Path
    lines: bytes

    @property
    def has_entries(self) -> bool:
        """Whether there is more than a header."""
        return self.lines.count(b"\n") > 1


class LocalJournals:
    """The folder of a state."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read or written yet."""
        self.folder = folder

    def found(self) -> tuple[Left, ...]:
        """Return all journals in the folder.

        Raises:
            BackendError: If they cannot be read.
        """
        with self.translated():
            paths = sorted(self.folder.glob(f"*{_SUFFIX}"))
            return tuple(left for path in paths if (left := _left(path)) is not None)

    def begin(self, journal_id: str, header: bytes) -> OwnJournal:
        """Begin the journal of this run.

        Raises:
            BackendError: If it cannot be written.
        """
        with self.translated():
            self.folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            path = self.folder / f"{journal_id.partition(':')[2]}{_SUFFIX}"
            write_file(path, header, mode=_MODE)
            return OwnJournal(self, path)

    def remove(self, *, but: str = "") -> None:
        """Remove all journals but one, whose words the server has; and what a dead run left.

        Raises:
            BackendError: If that cannot be done.
        """
        with self.translated():
            for torn in self.folder.glob(f".*{_SUFFIX}.*.tmp"):
                torn.unlink(missing_ok=True)
        for left in self.found():
            if left.journal_id != but:
                with self.translated():
                    left.path.unlink(missing_ok=True)

    def keep(self, name: str, journal: bytes) -> None:
        """Keep a journal that is over, for which the server has no room.

        Raises:
            BackendError: If it cannot be written.
        """
        with self.translated():
            folder = self.folder / "history"
            folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            write_file(folder / f"{name}.jsonl", journal, mode=_MODE)

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """Return the journals kept here, by name, in order.

        Raises:
            BackendError: If they cannot be read.
        """
        with self.translated():
            for path in sorted((self.folder / "history").glob("*.jsonl")):
                yield path.stem, path.read_bytes()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Translate what the system raises."""
        try:
            yield
        except OSError as problem:
            where = problem.filename or self.folder
            raise BackendError(
                "What a run does cannot be recorded on this machine",
                f"{where}: {problem.strerror or problem}. Check the free space there, and that "
                "you may write.",
            ) from problem


class OwnJournal:
    """The file that this run appends to."""

    def __init__(self, journals: LocalJournals, path: Path) -> None:
        self._journals = journals
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._size = os.fstat(self._descriptor).st_size

    def append(self, lines: bytes) -> None:
        """Make lines durable: all of them or none.

        Raises:
            StateConflict: If another run on this machine began, or wrote the state.
            BackendError: If they cannot be written.
        """
        with self._journals.translated():
            self._check()
            append_all(self._descriptor, lines, size=self._size)
            self._size += len(lines)

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._descriptor)

    def _check(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            found = None
        mine = os.fstat(self._descriptor)
        if found is None or not os.path.samestat(found, mine) or found.st_size != self._size:
            raise StateConflict(
                "The state was replaced while this run worked",
                f"{self._path} is not as this run left it: another run on this machine began, or "
                "wrote the state. Nothing was written to it.",
            )


def _left(path: Path) -> Left | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None  # its run has just ended
    lines = content[: content.rfind(b"\n") + 1]
    return Left(journal_id=f"sha256:{path.name.removesuffix(_SUFFIX)}", path=path, lines=lines)
