"""The journal as a file that is only ever appended to."""

from __future__ import annotations

import os
from pathlib import Path

from mlform.digests import Digest
from mlform.durable import append_all, write_file
from mlform.state.encryption import Cipher
from mlform.state.journal import Base, Head, Journal, Run, begin_journal, encode_seal
from mlform.state.snapshot import Entry


class JournalFile:
    """A journal open for appending."""

    def __init__(self, path: Path, *, size: int, lines: int, head: Head | None = None) -> None:
        """Open a journal that exists.

        Args:
            path: Of the journal.
            size: Bytes of its whole lines; what follows is cut off.
            lines: How many those are.
            head: How it begins; None where no entries are appended.

        Raises:
            OSError: If it cannot be opened.
        """
        self._path = path
        self._head = head
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._size = size
        self._lines = lines
        if os.fstat(self._descriptor).st_size != size:
            os.ftruncate(self._descriptor, size)

    @classmethod
    def create(cls, path: Path, base: Base, run: Run, cipher: Cipher) -> JournalFile:
        """Begin a journal that continues a snapshot; one that was there is replaced at once.

        Raises:
            OSError: If it cannot be written.
        """
        head = begin_journal(base, run, cipher)
        write_file(path, head.line, mode=0o600)
        return cls(path, size=len(head.line), lines=1, head=head)

    @classmethod
    def resume(cls, path: Path, journal: Journal) -> JournalFile:
        """Open the journal of a run that died.

        Raises:
            OSError: If it cannot be opened.
        """
        return cls(path, size=journal.size, lines=journal.lines)

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Make entries durable: one write, one flush; all of them or none.

        Raises:
            OSError: If they cannot be written.
        """
        assert self._head is not None  # noqa: S101 - of a run that began
        self._append(self._head.encode(entries, self._lines), len(entries))

    def seal(self, snapshot: Digest, *, recovered: bool = False) -> None:
        """Record that the snapshot with this digest holds all entries.

        Args:
            snapshot: Its digest.
            recovered: Whether another run records it, because this one died.

        Raises:
            OSError: If that cannot be written.
        """
        self._append(encode_seal(snapshot, self._lines, recovered=recovered), 1)

    def _append(self, content: bytes, lines: int) -> None:
        append_all(self._descriptor, content, size=self._size)
        self._size += len(content)
        self._lines += lines

    def is_intact(self) -> bool:
        """Whether the file at the path is still this one, with nothing but what was appended."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(self._descriptor)) and found.st_size == self._size

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._descriptor)
