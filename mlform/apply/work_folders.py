"""The working folders of tasks, and how those that a dead run left are told from those in use.

`work/<attempt>` is there while a task runs. Beside it lies `work/<attempt>.lock`, which the run
holds locked; the system lets go of it when the run dies. So a folder whose lock can be taken, or
has none, is nobody's.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def work_folder(data_folder: Path, attempt: str) -> Iterator[Path]:
    """Give an attempt an empty folder, gone afterwards.

    Raises:
        OSError: If it cannot be made.
    """
    root = data_folder / "work"
    root.mkdir(parents=True, exist_ok=True)
    lock = _lock_of(root / attempt)
    while (descriptor := _taken(lock, os.O_RDWR | os.O_CREAT)) is None:
        pass  # somebody looked just now whether it is in use
    try:
        folder = root / attempt
        folder.mkdir(exist_ok=True)
        yield folder
    finally:
        remove_work(data_folder, attempt)
        os.close(descriptor)


def remove_work(data_folder: Path, attempt: str) -> None:
    """Remove the folder of an attempt that nobody works at any more; absent is fine."""
    folder = data_folder / "work" / attempt
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        _lock_of(folder).unlink(missing_ok=True)


def sweep(data_folder: Path) -> None:
    """Remove the folders that dead runs left."""
    root = data_folder / "work"
    names = {path.name.removesuffix(_LOCK) for path in root.glob("*")} if root.is_dir() else set()
    for name in sorted(names):
        lock = _lock_of(root / name)
        if not lock.exists():
            remove_work(data_folder, name)
            continue
        with suppress(OSError):
            descriptor = _taken(lock, os.O_RDWR)
            if descriptor is not None:
                remove_work(data_folder, name)
                os.close(descriptor)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _taken(lock: Path, flags: int) -> int | None:
    """Return the descriptor of a lock that is held from now on, or None if somebody else has it.

    Raises:
        OSError: If it cannot be opened.
    """
    descriptor = os.open(lock, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), lock.stat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None
