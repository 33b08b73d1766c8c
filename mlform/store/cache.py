"""Files by MD5, in the layout of a DVC cache (version 3).

Source of layout and modes: the caches that DVC 3 writes, `dvc_data.hashfile.db.local`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from mlform.durable import sync_folder, write_file
from mlform.store.base import ArtifactFile
from mlform.store.manifest import folder_object, read_digests

_READ_ONLY: Final = 0o444  # DVC takes a file with this mode for whole without reading it


class DvcCache:
    """One cache folder."""

    def __init__(self, root: Path) -> None:
        """Name the folder; it is made when the first file is added."""
        self._root = root / "files" / "md5"

    def path(self, name: str) -> Path:
        """Return where an object lies: its MD5, for folders followed by `.dir`."""
        return self._root / name[:2] / name[2:]

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes, or None where it is not a readable file."""
        try:
            found = os.stat(f"{self._root}/{name[:2]}/{name[2:]}")  # noqa: PTH116 - called often
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def add_file(self, source: Path, *, md5: str, sha256: str, size: int) -> None:
        """Add a file, moving it if nothing else can change it through another name.

        Raises:
            OSError: If it cannot be written.
        """
        target = self.path(md5)
        if self._holds(target, (size, sha256, md5)):
            return
        self._make_folder(target.parent)
        if not _move(source, target):
            self._copy(source, target)

    def add_folder(self, files: tuple[ArtifactFile, ...]) -> None:
        """Add the object that stands for a folder of these files.

        Raises:
            OSError: If it cannot be written.
        """
        name, content = folder_object(files)
        target = self.path(name)
        self._make_folder(target.parent)
        write_file(target, content, mode=_READ_ONLY)

    def flush(self, files: tuple[ArtifactFile, ...]) -> None:
        """Make the names of added files durable.

        Raises:
            OSError: If that fails.
        """
        for folder in sorted({self.path(file.md5).parent for file in files}):
            sync_folder(folder)
        sync_folder(self._root)

    @staticmethod
    def _holds(target: Path, content: tuple[int, str, str]) -> bool:
        """Whether a file is there and still has this content; a damaged one is to be replaced."""
        try:
            with target.open("rb") as stream:
                if os.fstat(stream.fileno()).st_size != content[0]:
                    return False
                return read_digests(stream.read) == content
        except OSError:
            return False

    def _make_folder(self, folder: Path) -> None:
        """Make a folder; in a cache that a group shares, with the mode of the one above."""
        missing: list[Path] = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        mode = stat.S_IMODE(folder.stat().st_mode)
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            if mode & stat.S_ISGID:
                path.chmod(mode)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        import shutil
        import tempfile

        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
        try:
            with source.open("rb") as content, os.fdopen(descriptor, "wb") as copy:
                shutil.copyfileobj(content, copy, 1 << 20)
                copy.flush()
                os.fchmod(copy.fileno(), _READ_ONLY)
                os.fsync(copy.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _move(source: Path, target: Path) -> bool:
    """Move a file on the same file system; return False, leaving it, where only a copy is safe."""
    with contextlib.suppress(OSError):  # another file system, or a file of another user
        if source.lstat().st_nlink != 1:
            return False
        source.chmod(_READ_ONLY)
        descriptor = os.open(source, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        source.replace(target)
        return True
    return False
