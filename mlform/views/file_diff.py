"""What changes in the text of a file, as a unified diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from mlform.views.matching import spans
from mlform.views.paper import Ink, Line, Piece, render

if TYPE_CHECKING:
    from collections.abc import Sequence

_INKS: Final = {"+": Ink.ADD, "-": Ink.REMOVE, "@": Ink.NOTICE}
_CONTEXT: Final = 3
_Change = tuple[int, int, int, int]
"""The old lines from one number up to another, and the new ones in their place."""


def render_file_diff(name: str, before: str, after: str, *, color: bool) -> str:
    """Return the difference between two versions of a file as `diff -u` writes it.

    Args:
        name: The path of the file; the versions are called `old/` and `new/` before it.
        before: The text of the old version.
        after: The text of the new one.
        color: Whether to use the colours of a terminal.

    Returns:
        The lines of the diff, each with its line break; nothing if the versions are the same.
    """
    rows = list(_rows(_lines(before), _lines(after)))
    if not rows:
        return ""
    heading = [f"--- old/{name}", f"+++ new/{name}"]
    if not color:
        return "".join(f"{row}\n" for row in (*heading, *rows))
    inked = [
        *(Line((Piece(row, Ink.BOLD),)) for row in heading),
        *(Line((Piece(row, _INKS.get(row[0], Ink.PLAIN)),)) for row in rows),
    ]
    return render(inked, color=True, width=None)


def _lines(text: str) -> list[str]:
    """Return the lines of a text; the last one says so if no line break ends it."""
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _rows(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a diff without its heading."""
    for hunk in _hunks(_changes(old, new)):
        start, end = max(hunk[0][0] - _CONTEXT, 0), min(hunk[-1][1] + _CONTEXT, len(old))
        shift, end_shift = hunk[0][2] - hunk[0][0], hunk[-1][3] - hunk[-1][1]
        yield f"@@ -{_span(start, end)} +{_span(start + shift, end + end_shift)} @@"
        at = start
        for old_start, old_end, new_start, new_end in hunk:
            yield from (f" {line}" for line in old[at:old_start])
            yield from (f"-{line}" for line in old[old_start:old_end])
            yield from (f"+{line}" for line in new[new_start:new_end])
            at = old_end
        yield from (f" {line}" for line in old[at:end])


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    """Yield what changes, in order.

    Files that are formatted mostly keep their lines, and then each is compared with the one that
    takes its place: to search for similar ones would take long where many are the same.
    """
    if len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        for changed, group in groupby(pairs, lambda item: item[1][0] != item[1][1]):
            if changed:
                numbers = [number for number, _ in group]
                yield numbers[0], numbers[-1] + 1, numbers[0], numbers[-1] + 1
        return
    for tag, *places in spans(old, new, autojunk=True):
        if tag != "equal":
            old_start, old_end, new_start, new_end = places
            yield old_start, old_end, new_start, new_end


def _hunks(changes: Iterable[_Change]) -> Iterator[list[_Change]]:
    """Yield the changes in groups whose context would touch."""
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change[0] - hunk[-1][1] > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _span(start: int, end: int) -> str:
    """Return lines as a hunk names them: the first one counted from 1, and how many."""
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"
