"""Archives to folders, whatever the archive says.

Nothing is written outside of the folder and nothing but folders, files and links inside the
package comes out; owners, times and special permissions are left behind. The first entry that is
not like that ends it.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import mmap
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Final

from mlform.dataclass import dataclass, field
from mlform.errors import ModuleRefused
from mlform.fetching.limits import Limits
from mlform.fetching.links import check_links, stays_inside, unsafe_link

_CHUNK: Final = 1 << 20
_OF_DAMAGE: Final = (None, errno.EINVAL)
"""Errors of damaged data, as bz2 reports it, and of a table of contents that points nowhere."""
_EXECUTABLE: Final = 0o100
_ENCRYPTED: Final = 1
_LONGEST_LINK: Final = 4096
_ZIP_ENTRY: Final = re.compile(rb"PK\x01\x02")
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_OPENERS: Final[dict[str, Callable[[Path], io.BufferedIOBase]]] = {
    "tar": lambda path: path.open("rb"),
    "tar.gz": gzip.GzipFile,
    "tar.bz2": bz2.BZ2File,
    "tar.xz": lzma.LZMAFile,
}


def unpack(archive: Path, format_: str, folder: Path, *, what: str, limits: Limits) -> None:
    """Unpack an archive.

    Args:
        archive: The file.
        format_: One of the values of `ARCHIVE_FORMATS`.
        folder: Where to; empty.
        what: The archive as people know it.
        limits: How much is too much.

    Raises:
        ModuleRefused: If it is damaged, too large, or has an entry that is not allowed. What was
            unpacked until then is left in the folder.
        OSError: If the disk does not take it.
    """
    target = _Target(folder=folder, what=what, limits=limits)
    with _damage(what, format_):
        if format_ == "zip":
            _unzip(archive, target)
        else:
            _untar(archive, format_, target)
    target.make_links()
    check_links(folder, what)


@contextmanager
def _damage(what: str, format_: str) -> Iterator[None]:
    try:
        yield
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
        gzip.BadGzipFile,
    ) as error:
        raise _damaged(what, format_, str(error)) from error
    except OSError as error:
        if error.errno in _OF_DAMAGE:
            raise _damaged(what, format_, str(error)) from error
        raise


def _damaged(what: str, format_: str, why: str) -> ModuleRefused:
    detail = (
        f"{what} cannot be unpacked as {format_}: {why or 'it ends too early'}. Check that the URL "
        "gives the archive itself and not a page about it; if it is in another format, name that "
        "with ?archive=."
    )
    return ModuleRefused("Damaged module archive", detail)


@dataclass(slots=True, kw_only=True)
class _Target:
    """A folder that is being filled."""

    folder: Path
    what: str
    limits: Limits
    entries: int = 0
    size: int = 0
    links: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str | None:
        """Return the path of an entry from the top, or None if it is the top itself.

        Raises:
            ModuleRefused: If it would lie outside, or there are too many entries.
        """
        self.entries += 1
        if self.entries > self.limits.entries:
            raise self.too_large(f'"{name}"', f"more than {self.limits.entries:,} entries")
        parts = [part for part in name.split("/") if part not in {"", "."}]
        outside = name.startswith("/") or ".." in parts or "\\" in name or "\0" in name
        if outside or _DRIVE.match(name):
            detail = (
                f'In {self.what}, the entry "{name}" would be written outside of the folder of '
                "the module. Nothing of it was installed. Archives hold relative paths without "
                '"..". If you did not expect this, do not trust the archive.'
            )
            raise ModuleRefused("Unsafe file in module package", detail)
        return "/".join(parts) or None

    def add_folder(self, name: str) -> None:
        """Make a folder."""
        path = self.path(name)
        if path is not None:
            self._make(name, self.folder / path)

    def add_file(self, name: str, content: IO[bytes], *, mode: int) -> None:
        """Write a file; of its mode only whether it is a program counts."""
        path = self.path(name)
        if path is None:
            raise self.special(name, "a file without a name")
        place = self.folder / path
        self._make(name, place.parent)
        try:
            # Exclusive: an archive that has a path twice means two things.
            stream = place.open("xb")
        except (FileExistsError, IsADirectoryError):
            raise self._twice(name) from None
        with stream:
            while chunk := content.read(_CHUNK):
                self.size += len(chunk)
                if self.size > self.limits.unpacked:
                    raise self.too_large(f'"{name}"', f"more than {self.limits.unpacked:,} bytes")
                stream.write(chunk)
        if mode & _EXECUTABLE:
            place.chmod(0o755)

    def add_link(self, name: str, target: str) -> None:
        """Note a link, to be made when everything else is there."""
        path = self.path(name)
        if path is None or not stays_inside(path, target):
            raise unsafe_link(name, target, self.what)
        if path in self.links:
            raise self._twice(name)
        self.links[path] = target

    def make_links(self) -> None:
        """Make the links; nothing is written after that, so nothing is written through them."""
        for path, target in self.links.items():
            place = self.folder / path
            self._make(path, place.parent)
            try:
                place.symlink_to(target)
            except FileExistsError:
                raise self._twice(path) from None

    def special(self, name: str, kind: str) -> ModuleRefused:
        """Return the failure to raise for an entry that is no file, folder or link."""
        detail = (
            f'In {self.what}, the entry "{name}" is {kind}. Modules hold files, folders and '
            "symbolic links only. Nothing of it was installed."
        )
        return ModuleRefused("Unsafe file in module package", detail)

    def _make(self, name: str, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise self._twice(name) from None

    def _twice(self, name: str) -> ModuleRefused:
        detail = (
            f'{self.what} has the entry "{name}" twice, or both as a file and as a folder. Nothing '
            "of it was installed. Ask whoever made the archive to make it anew."
        )
        return ModuleRefused("Damaged module archive", detail)

    def too_large(self, name: str, limit: str) -> ModuleRefused:
        """Return the failure to raise at the entry where a limit is passed."""
        detail = (
            f"{self.what} unpacks to {limit}; it was stopped at {name}. Nothing of it "
            "was installed. Modules are configuration and code: keep data elsewhere."
        )
        return ModuleRefused("Module package is too large", detail)


class _Counted(io.RawIOBase):
    """A stream of limited length, for headers that claim any size."""

    def __init__(self, stream: io.BufferedIOBase, most: int) -> None:
        self._stream = stream
        self._left = most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._left:
            message = "it holds too much"
            raise tarfile.ReadError(message)
        content = self._stream.read(size)
        self._left -= len(content)
        return content


def _untar(archive: Path, format_: str, target: _Target) -> None:
    # Of each entry the header, and the rest of its last block.
    most = target.limits.unpacked + target.limits.entries * 4 * tarfile.BLOCKSIZE + _CHUNK
    with (
        _OPENERS[format_](archive) as plain,
        tarfile.open(fileobj=_Counted(plain, most), mode="r|") as entries,
    ):
        for entry in entries:
            _untar_entry(entries, entry, target)


def _untar_entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, target: _Target) -> None:
    if entry.isdir():
        target.add_folder(entry.name)
    elif entry.issym():
        target.add_link(entry.name, entry.linkname)
    elif entry.islnk():
        raise target.special(entry.name, f'a hard link to "{entry.linkname}"')
    elif entry.isfile():
        content = archive.extractfile(entry)
        if content is None:
            raise target.special(entry.name, "no file")
        with content:
            target.add_file(entry.name, content, mode=entry.mode)
    else:
        raise target.special(entry.name, "a device, a pipe or another special file")


def _unzip(archive: Path, target: _Target) -> None:
    _count_entries(archive, target)
    with zipfile.ZipFile(archive) as entries:
        for entry in entries.infolist():
            mode = entry.external_attr >> 16
            if entry.flag_bits & _ENCRYPTED:
                raise target.special(entry.filename, "encrypted")
            if entry.is_dir():
                target.add_folder(entry.filename)
            elif stat.S_ISLNK(mode):
                with entries.open(entry) as content:
                    goal = content.read(_LONGEST_LINK).decode()
                target.add_link(entry.filename, goal)
            elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
                raise target.special(entry.filename, "a device, a pipe or another special file")
            else:
                with entries.open(entry) as content:
                    target.add_file(entry.filename, content, mode=mode)


def _count_entries(archive: Path, target: _Target) -> None:
    """Refuse very many entries before their table is loaded whole."""
    most = target.limits.entries
    if archive.stat().st_size == 0:
        return
    with (
        archive.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if sum(1 for _ in islice(_ZIP_ENTRY.finditer(content), most + 1)) > most:
            raise target.too_large("its table of contents", f"more than {most:,} entries")
