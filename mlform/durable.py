"""Files that are either the old ones or the new ones, whatever instant the machine stops at."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: what was created, renamed or removed in it.

    Raises:
        OSError: If the folder cannot be opened or flushed.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes at the descriptor's position; the system may take them in pieces.

    Raises:
        OSError: If they cannot be written; some of them may have been.
    """
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def append_all(descriptor: int, content: bytes, *, size: int) -> None:
    """Append to a file and flush it: all bytes or none.

    Args:
        descriptor: Of the file, open for appending.
        content: The bytes.
        size: Of the file before.

    Raises:
        OSError: If they cannot be written; the file is then as it was.
    """
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        # Half of it in the middle would make the file unreadable once more follows.
        os.ftruncate(descriptor, size)
        raise


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Create or replace a file at once: a reader sees the old content or the new one.

    The content goes to a temporary file in the same folder, is flushed to the disk and renamed;
    then the folder is flushed. The folder must exist.

    Raises:
        OSError: If it cannot be written; the old file is then untouched, unless the last flush,
            that of the folder, is what failed.
    """
    # Made here, because to load `tempfile` takes longer than to write most files.
    temporary = path.with_name(f"{temporary_prefix(path)}{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            write_all(descriptor, content)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def temporary_prefix(path: Path) -> str:
    """Return how the names of `write_file`'s temporary files for this path begin."""
    return f".{path.name}."
