"""Folders of links to files that must not change."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_READ_ONLY: Final = 0o444


def check_out(files: Mapping[str, Path], target: Path) -> None:
    """Make a folder hold exactly these files, or repair it where it does.

    A new folder appears at once, whole. Each file is a hard link; a copy where that cannot be.

    Args:
        files: By relative POSIX path.
        target: The folder.

    Raises:
        OSError: If a file cannot be read or the folder not be written.
    """
    if target.is_dir():
        _repair(files, target)
        return
    import shutil
    import tempfile

    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh.chmod(0o755)
        for relative, source in files.items():
            place = fresh / relative
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(source, place)
        try:
            fresh.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            _repair(files, target)  # another process made it meanwhile
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _repair(files: Mapping[str, Path], target: Path) -> None:
    for current, folders, names in os.walk(target):
        for name in (*names, *folders):
            path = Path(current, name)
            is_folder = path.is_dir() and not path.is_symlink()
            if not is_folder and path.relative_to(target).as_posix() not in files:
                path.unlink(missing_ok=True)
    for relative, source in files.items():
        place = target / relative
        if not _is_same(source, place):
            place.parent.mkdir(parents=True, exist_ok=True)
            _replace(source, place)


def _is_same(source: Path, place: Path) -> bool:
    try:
        wanted, found = source.stat(), place.lstat()
    except FileNotFoundError:
        return False
    if os.path.samestat(wanted, found):
        return True
    return (
        wanted.st_dev != found.st_dev
        and stat.S_ISREG(found.st_mode)
        and (wanted.st_size, wanted.st_mtime_ns) == (found.st_size, found.st_mtime_ns)
    )


def _replace(source: Path, place: Path) -> None:
    """Put the file in place at once; who has the old one open keeps it."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix=".mlform-", dir=place.parent))
    try:
        fresh = folder / "file"
        _link(source, fresh)
        fresh.replace(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(source: Path, place: Path) -> None:
    try:
        place.hardlink_to(source)
    except OSError:  # another file system, or one that knows no links: a copy says why if it fails
        import shutil

        shutil.copyfile(source, place)
        found = source.stat()
        os.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns))
        place.chmod(_READ_ONLY)
