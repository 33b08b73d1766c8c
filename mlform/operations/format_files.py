"""Bringing configuration files into canonical form."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic
from mlform.durable import write_file
from mlform.hcl.formatter import format_source
from mlform.hcl.parser import decode_source

SUFFIXES: Final = (".mlf.hcl", ".mlfvars.hcl", ".mlftest.hcl")
"""How the names of the files end that are formatted where a folder is named."""
_JSON: Final = ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormattedFile:
    """A file that can be formatted.

    Attributes:
        name: Its path as shown: relative to the working folder.
        before: Its bytes as found.
        after: Its bytes in canonical form.
    """

    name: str
    before: bytes
    after: bytes

    @property
    def changed(self) -> bool:
        """Whether it was not in canonical form."""
        return self.before != self.after


@dataclass(slots=True)
class Formatting:
    """What became of the files: those that were formatted, and what is wrong with the others."""

    files: list[FormattedFile] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)


def format_bytes(name: str, content: bytes) -> tuple[FormattedFile | None, tuple[Diagnostic, ...]]:
    """Return what the bytes of a file look like in canonical form.

    Args:
        name: Its path as shown.
        content: What is in it.

    Returns:
        The file and no problem; or None, and the errors for which it is left alone.
    """
    source, problems = decode_source(name, content)
    if problems:
        return None, problems
    text, problems = format_source(source)
    if problems:
        return None, problems
    return FormattedFile(name=name, before=content, after=text.encode()), ()


def format_files(
    folder: Path, targets: Iterable[str], *, recursive: bool, write: bool
) -> Formatting:
    """Bring files into canonical form.

    Args:
        folder: The working folder, absolute.
        targets: Paths of files and folders. Any file but JSON can be named; of a folder, those
            are taken whose names end in one of `SUFFIXES` and that are not hidden.
        recursive: Whether to go on in the folders of a folder; hidden ones are left out.
        write: Whether to replace the files that change. Each is replaced at once and keeps its
            permissions.
    """
    done = Formatting()
    for target in targets:
        for path in _files(folder, target, done, recursive=recursive):
            _format(path, _shown(path, folder), done, write=write)
    return done


def _format(path: Path, name: str, done: Formatting, *, write: bool) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        done.problems.append(_unreadable(name, error))
        return
    file, problems = format_bytes(name, content)
    done.problems += problems
    if file is None:
        return
    if write and file.changed:
        try:
            # Behind a symbolic link it is the file itself that is replaced.
            write_file(path.resolve(), file.after, mode=stat.S_IMODE(path.stat().st_mode))
        except OSError as error:
            done.problems.append(_unwritable(name, error))
            return
    done.files.append(file)


def _files(folder: Path, target: str, done: Formatting, *, recursive: bool) -> Iterator[Path]:
    """Yield the files that a target stands for."""
    path = folder / target
    if path.is_dir():
        yield from _files_in(path, done, recursive=recursive)
    elif not path.exists():
        detail = f'There is no file and no folder "{target}" to format.'
        done.problems.append(Diagnostic(summary="No such file or folder", detail=detail))
    elif path.name.endswith(_JSON):
        detail = (
            f'"{target}" is JSON, which every JSON tool can format. "mlform fmt" formats the '
            "native syntax only."
        )
        done.problems.append(Diagnostic(summary="JSON is not formatted", detail=detail))
    else:
        yield path


def _files_in(folder: Path, done: Formatting, *, recursive: bool) -> Iterator[Path]:
    """Yield the files of a folder, and of those below it where that is asked for, by name."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        done.problems.append(_unreadable(str(folder), error))
        return
    for entry in entries:
        if _is_ignored(entry.name):
            continue
        if _is_folder(entry):
            # A link to a folder could lead back up.
            if recursive and not entry.is_symlink():
                yield from _files_in(folder / entry.name, done, recursive=True)
        elif entry.name.endswith(SUFFIXES):
            yield folder / entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle: reading it as a file says what is wrong
        return False


def _is_ignored(name: str) -> bool:
    """Return whether a file or folder is hidden, or something an editor keeps beside a file."""
    return name.startswith(".") or name.endswith("~") or (name[0] == name[-1] == "#")


def _shown(path: Path, folder: Path) -> str:
    """Return a path as seen from the working folder."""
    # A name of bytes that are no UTF-8 could not be printed.
    return os.fsencode(os.path.relpath(path, folder)).decode(errors="replace")


def _unreadable(name: str, error: OSError) -> Diagnostic:
    detail = f'"{name}" cannot be read: {error.strerror}. Check its permissions.'
    return Diagnostic(summary="Cannot read a file or folder", detail=detail)


def _unwritable(name: str, error: OSError) -> Diagnostic:
    detail = f'"{name}" cannot be replaced: {error.strerror}. It was left as it is.'
    return Diagnostic(summary="Cannot write a file", detail=detail)
