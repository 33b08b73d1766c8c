"""Rows of a difference: what Terraform prints between the braces of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from mlform.dataclass import dataclass, field
from mlform.state.snapshot import Path
from mlform.views.matching import spans
from mlform.views.paper import Ink, Line, Piece
from mlform.views.values import visible_line

ADD: Final = "+"
REMOVE: Final = "-"
CHANGE: Final = "~"
FORGET: Final = "."
SIGN_INKS: Final[Mapping[str, Ink]] = {
    ADD: Ink.ADD,
    REMOVE: Ink.REMOVE,
    CHANGE: Ink.CHANGE,
    FORGET: Ink.FAINT,
    "-/+": Ink.REMOVE,
    "+/-": Ink.ADD,
    "./+": Ink.ADD,
    "+/.": Ink.ADD,
}
_INDENT: Final = 4
_CONTEXT: Final = 3
"""Unchanged lines that are shown before and after changed ones."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a difference.

    Attributes:
        depth: How many braces are open.
        sign: `+`, `-`, `~`, `.`, two of them with a slash, or empty.
        pieces: The text after the sign.
    """

    depth: int
    sign: str = ""
    pieces: tuple[Piece, ...] = ()

    def line(self) -> Line:
        """Return the row as a line: the text of a depth always begins at the same column."""
        if not self.pieces:
            return Line()
        column = 2 + _INDENT * self.depth
        sign = self.sign.rjust(column + 1) if self.sign else " " * (column + 1)
        lead = sign[: len(sign) - len(self.sign)] if self.sign else sign
        ink = SIGN_INKS.get(self.sign, Ink.PLAIN)
        return Line(
            (Piece(lead), Piece(self.sign, ink), Piece(" "), *self.pieces),
            hang=column + 2 + _INDENT,
        )


_Inside: TypeAlias = dict[Path, dict[str | int | None, None]]
"""For each place what is to know of all that lies inside it, in order and once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is known of places in the documents.

    Attributes:
        unknown: Places in the new document that are known only after apply.
        hidden: Places in either document that people must not see.
        forcing: Places whose change forces a replacement.
        tags: In one word why each place changes.
    """

    unknown: frozenset[Path] = frozenset()
    hidden: frozenset[Path] = frozenset()
    forcing: frozenset[Path] = frozenset()
    tags: Mapping[Path, str] = field(default_factory=dict)
    _inside: dict[str, _Inside] = field(default_factory=dict, init=False, compare=False, repr=False)

    def touches_unknown(self, path: Path) -> bool:
        """Whether the place, or one inside it, is known only after apply."""
        return path in self._seen("unknown", self.unknown)

    def unknown_keys(self, path: Path) -> set[str]:
        """Return the keys of the place below which something is known only after apply."""
        keys = self._seen("unknown", self.unknown).get(path, ())
        return {str(key) for key in keys if key is not None}

    def tags_in(self, path: Path) -> str:
        """Return why the place, or what is inside it, changes."""
        if "tags" not in self._inside:
            found: _Inside = {}
            for place, tag in self.tags.items():
                for length in range(len(place) + 1):
                    found.setdefault(place[:length], {})[tag] = None
            self._inside["tags"] = found
        return ", ".join(map(str, self._inside["tags"].get(path, ())))

    def touches_hidden(self, path: Path) -> bool:
        """Whether the place, or one inside it, must not be seen."""
        return path in self._seen("hidden", self.hidden)

    def _seen(self, name: str, places: frozenset[Path]) -> _Inside:
        """Return all places above some, with the keys that lead on from there; kept for later."""
        found = self._inside.get(name)
        if found is None:
            found = self._inside[name] = {}
            for place in places:
                for length, key in enumerate((*place, None)):
                    found.setdefault(place[:length], {})[key] = None
        return found


def row(depth: int, sign: str, *parts: str | Piece) -> Row:
    """Return a row of some parts; empty ones are left out."""
    pieces = (part if isinstance(part, Piece) else Piece(part) for part in parts)
    return Row(depth, sign, tuple(piece for piece in pieces if piece.text))


def closing(depth: int, text: str) -> list[Row]:
    """Return what closes a value, if anything does."""
    return [row(depth, "", text)] if text else []


def unchanged_note(count: int, noun: str, depth: int) -> list[Row]:
    """Return that so many things are the same and not shown; nothing where there are none."""
    if not count:
        return []
    plural = "" if count == 1 else "s"
    return [row(depth, "", Piece(f"# ({count} unchanged {noun}{plural} hidden)", Ink.FAINT))]


def text_rows(before: str, after: str, depth: int) -> list[Row]:
    """Return the difference of two texts, line by line; far from changes, lines are hidden."""
    old, new = text_lines(before), text_lines(after)
    rows: list[Row] = []
    for tag, start, end, begin, stop in spans(old, new, autojunk=True):
        if tag == "equal":
            head = _CONTEXT if start else 0
            tail = _CONTEXT if end < len(old) or stop < len(new) else 0
            rows += _same_lines(old[start:end], head, tail, depth)
            continue
        rows += [text_row(depth, REMOVE, item) for item in old[start:end]]
        rows += [text_row(depth, ADD, item) for item in new[begin:stop]]
    return rows


def _same_lines(lines: list[str], head: int, tail: int, depth: int) -> list[Row]:
    missing = len(lines) - head - tail
    if missing <= 1:  # a note takes as much room as the line
        return [text_row(depth, "", item) for item in lines]
    return [
        *(text_row(depth, "", item) for item in lines[:head]),
        *unchanged_note(missing, "line", depth),
        *(text_row(depth, "", item) for item in lines[len(lines) - tail :]),
    ]


def text_lines(text: str) -> list[str]:
    """Return the lines of a text; a line break at its end begins none."""
    return text.removesuffix("\n").split("\n")


def text_row(depth: int, sign: str, text: str) -> Row:
    """Return a line of a longer text; an empty one is a space, so that it has its sign."""
    return row(depth, sign, visible_line(text) or " ")
