"""A lock on a file that the system gives back when its holder dies.

The lock is `flock` on a file that is there only while somebody holds it; its content says who.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Final

from mlform.backends.base import (
    LockInfo,
    check_broken,
    check_held,
    describe_holder,
    lock_from_json,
    lock_to_json,
)
from mlform.durable import write_all
from mlform.errors import StateLocked

_PAUSE: Final = 0.05  # seconds between attempts; also longer than a holder takes to say who it is


class FileLock:
    """A lock on a path, held at most once by each object of this class."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._id = ""

    def take(self, info: LockInfo, *, timeout: float) -> None:
        """Take the lock, trying for `timeout` seconds.

        Raises:
            StateLocked: If somebody holds it all that time.
            OSError: If the file cannot be written.
        """
        deadline = time.monotonic() + timeout
        while not self._try(info):
            if time.monotonic() >= deadline:
                time.sleep(_PAUSE)
                raise StateLocked("The state is locked", describe_holder(self._told()))
            time.sleep(_PAUSE)

    def _try(self, info: LockInfo) -> bool:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(descriptor, self._path):
                # The holder before removed this file between our opening and locking it: whoever
                # comes next locks another one.
                os.close(descriptor)
                return False
            _write(descriptor, info)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor, self._id = descriptor, info.id
        return True

    def give_back(self, lock_id: str, *, leaving: LockInfo | None = None) -> None:
        """Give the lock back, if it is held under this id.

        Args:
            lock_id: Under which it was taken.
            leaving: A dead holder, whom the file goes on to name, for `left_behind`.

        Raises:
            OSError: If the file cannot be removed, or written.
        """
        if self._descriptor is None or self._id != lock_id:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            if not _is_at(descriptor, self._path):
                return
            if leaving is None:
                self._path.unlink()
            else:
                _write(descriptor, leaving)
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Check that the lock is still held, if it was taken.

        Raises:
            LockLost: If somebody forced it open.
        """
        if self._descriptor is not None and not _is_at(self._descriptor, self._path):
            check_held(self.holder(), self._id)

    def holder(self) -> LockInfo | None:
        """Return who holds the lock, or None; what a dead holder left behind counts for nothing.

        Raises:
            OSError: If the file cannot be opened.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._told()
        else:
            return None
        finally:
            os.close(descriptor)

    def left_behind(self) -> LockInfo | None:
        """Return who the file says holds the lock, dead or alive; None where it says nothing."""
        return self._told()

    def break_open(self, lock_id: str) -> None:
        """Take the lock from its holder.

        Raises:
            BackendError: If nobody holds it under this id.
            OSError: If the file cannot be removed.
        """
        check_broken(self.holder(), lock_id)
        self._path.unlink(missing_ok=True)

    def _told(self) -> LockInfo | None:
        try:
            return lock_from_json(json.loads(self._path.read_bytes()))
        except (OSError, ValueError):
            return None  # gone, or cut off: who it is cannot be told


def _write(descriptor: int, info: LockInfo) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    write_all(descriptor, json.dumps(lock_to_json(info), indent=2).encode())


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
