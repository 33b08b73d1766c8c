"""A snapshot on this machine, where the place it belongs to does not take it any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from mlform.durable import write_file

_MODE: Final = 0o600


def rescue_into(folder: Path) -> Callable[[bytes], str]:
    """Return what keeps a snapshot in a folder, in a file that no run before has taken.

    All snapshots of one run go to the same file, the newest one in place of the one before.

    Args:
        folder: The working folder; where it cannot be written to, a new one of the system's.
    """
    taken: list[Path] = []

    def rescue(snapshot: bytes) -> str:
        path = taken[0] if taken else _free_name(folder)
        try:
            write_file(path, snapshot, mode=_MODE)
        except OSError:
            path = _in_other_folder()
            write_file(path, snapshot, mode=_MODE)
        taken[:] = [path]
        return str(path)

    return rescue


def _free_name(folder: Path) -> Path:
    path, count = folder / "mlform.errored.mlfstate", 1
    while path.exists():
        count += 1
        path = folder / f"mlform.errored-{count}.mlfstate"
    return path


def _in_other_folder() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="mlform-")) / "mlform.errored.mlfstate"
