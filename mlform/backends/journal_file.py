"""The journal as a file that is only ever appended to."""

from __future__ import annotations

import os
from pathlib import Path

from mlform.digests import Digest
from mlform.durable import write_all, write_file
from mlform.state.codec import encode_entry
from mlform.state.encryption import PLAIN, Cipher
from mlform.state.journal import Base, Journal, Run, encode_header, encode_seal
from mlform.state.snapshot import Entry


class JournalFile:
    """A journal open for appending."""

    def __init__(self, path: Path, *, size: int, lines: int, cipher: Cipher = PLAIN) -> None:
        """Open a journal that exists.

        Args:
            path: Of the journal.
            size: Bytes of its whole lines; what follows is cut off.
            lines: How many those are.
            cipher: Seals what is appended.

        Raises:
            OSError: If it cannot be opened.
        """
        self._path = path
        self._cipher = cipher
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
        header = encode_header(base, run)
        write_file(path, header, mode=0o600)
        return cls(path, size=len(header), lines=1, cipher=cipher)

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
        waiting = enumerate(entries, start=self._lines)
        lines = [encode_entry(entry, at, self._cipher) for at, entry in waiting]
        self._append(b"".join(lines), len(lines))

    def seal(self, snapshot: Digest) -> None:
        """Record that the snapshot with this digest holds all entries.

        Raises:
            OSError: If that cannot be written.
        """
        self._append(encode_seal(snapshot, self._lines), 1)

    def _append(self, content: bytes, lines: int) -> None:
        try:
            write_all(self._descriptor, content)
            os.fsync(self._descriptor)
        except OSError:
            # Half a line in the middle would make the journal unreadable once more follows.
            os.ftruncate(self._descriptor, self._size)
            raise
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
