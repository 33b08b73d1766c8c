"""What the functions of the language see of the world: files and tables below a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from errno import EISDIR
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import digest_file, digest_files, tree_files
from mlform.lang.functions.context import (
    FunctionContext,
    TableColumn,
    TableFacts,
    TableOptions,
)

_META: Final = frozenset("*?[{\\")
_ANY_FOLDERS: Final = "**"


def function_context(folder: Path, home_folder: str | None) -> FunctionContext:
    """Return the context of functions that look files up from a folder.

    Args:
        folder: The working folder, absolute.
        home_folder: What `~` means.
    """
    files = _Files(folder)
    return FunctionContext(
        working_folder=str(folder),
        home_folder=home_folder,
        read_file=files.read_file,
        file_exists=files.file_exists,
        fileset=files.fileset,
        fingerprint=files.fingerprint,
        read_table=files.read_table,
    )


@dataclass(frozen=True, slots=True)
class _Files:
    folder: Path

    def read_file(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def file_exists(self, path: str) -> bool:
        place = self.folder / path
        if place.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        return place.is_file()

    def fileset(self, where: str, pattern: str) -> list[str]:
        root = self.folder / where
        return sorted(
            {
                found.relative_to(root).as_posix()
                for each in _alternatives(pattern)
                for found in _matching(root, each.split("/"))
                if found.is_file()
            }
        )

    def fingerprint(self, path: str) -> str:
        """Return the digest of a file, or of a folder as the planner sees it."""
        place = self.folder / path
        if not place.is_dir():
            return digest_file(place)
        return digest_files(place, tree_files(place), digest_file)

    def read_table(self, path: str, options: TableOptions) -> TableFacts:
        from mlform.features.tables import table_facts

        place = self.folder / path
        if place.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        schema, rows = table_facts(
            place,
            format_=options.format,
            delimiter=options.delimiter,
            null_values=options.null_values,
        )
        columns = tuple(
            TableColumn(name=item.name, type=item.type, nullable=item.nullable) for item in schema
        )
        return TableFacts(columns=columns, rows=rows)


def _alternatives(pattern: str) -> Iterator[str]:
    """Return the patterns that one with `{a,b}` stands for.

    Raises:
        ValueError: If a brace is not closed.
    """
    start = _first_brace(pattern)
    if start < 0:
        yield pattern
        return
    depth, pieces, begun = 0, [], start + 1
    for at in range(start, len(pattern)):
        character = pattern[at]
        depth += (character == "{") - (character == "}")
        if depth == 0 or (depth == 1 and character == ","):
            pieces.append(pattern[begun:at])
            begun = at + 1
        if depth == 0:
            for piece in pieces:
                yield from _alternatives(pattern[:start] + piece + pattern[at + 1 :])
            return
    raise ValueError(f'a brace is not closed in the pattern "{pattern}"')


def _first_brace(pattern: str) -> int:
    found = re.search(r"(?:\\.|[^\\{])*?(\{)", pattern)
    return found.start(1) if found else -1


def _matching(folder: Path, parts: list[str]) -> Iterator[Path]:
    """Return what below a folder the parts of a pattern match."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == _ANY_FOLDERS:
        for each in _folders(folder):
            yield from _matching(each, rest or ["*"])
        return
    if not _META.intersection(part):
        if (folder / part).exists():
            yield from _matching(folder / part, rest)
        return
    matches = _name_matcher(part)
    if folder.is_dir():
        for each in folder.iterdir():
            if matches(each.name) and (not rest or each.is_dir()):
                yield from _matching(each, rest)


def _folders(folder: Path) -> Iterator[Path]:
    """Return a folder and all below it; links to folders are not followed."""
    if not folder.is_dir():
        return
    yield folder
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            yield from _folders(each)


def _name_matcher(pattern: str) -> Callable[[str], bool]:
    """Return the test whether a name matches a pattern with `*`, `?`, `[…]` and escapes.

    Raises:
        ValueError: If a bracket is not closed.
    """
    written: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "[":
            end = pattern.find("]", at + 2)
            if end < 0:
                raise ValueError(f'a bracket is not closed in the pattern "{pattern}"')
            inside = pattern[at + 1 : end]
            negated = inside[0] in "^!"
            written.append(f"[{'^' if negated else ''}{_class(inside[negated:])}]")
            at = end
        elif character == "\\" and at + 1 < len(pattern):
            at += 1
            written.append(re.escape(pattern[at]))
        else:
            written.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
        at += 1
    try:
        compiled = re.compile("".join(written), re.DOTALL)
    except re.error as error:
        raise ValueError(f'the pattern "{pattern}" is not valid: {error}') from error
    return lambda name: compiled.fullmatch(name) is not None


def _class(inside: str) -> str:
    return (
        inside.replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^").replace("&&", "&\\&")
    )
