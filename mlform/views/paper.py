"""Lines of styled text, wrapped to a width, with or without colour.

Views build lines; only `render` decides about colour, so every view reads the same without it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

from mlform.dataclass import dataclass


class Ink(Enum):
    """What a piece of text means; the value is a style of rich."""

    PLAIN = ""
    BOLD = "bold"
    FAINT = "dim"
    ADD = "green"
    CHANGE = "yellow"
    REMOVE = "red"
    ALARM = "bold red"
    GOOD = "bold green"
    NOTICE = "bold cyan"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text in one ink."""

    text: str
    ink: Ink = Ink.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text.

    Attributes:
        pieces: Its text.
        hang: Column at which what does not fit goes on, in the following line.
    """

    pieces: tuple[Piece, ...] = ()
    hang: int = 0

    @property
    def text(self) -> str:
        """The line without ink."""
        return "".join(piece.text for piece in self.pieces)


BLANK: Final = Line()
_RULE_WIDTH: Final = 77
_BRACKETS: Final = frozenset("{}[]()")
_WORDS: Final = r"\(known after apply\)|\(sensitive value\)|\s+|\S+"


def line(text: str, ink: Ink = Ink.PLAIN, *, hang: int = 0) -> Line:
    """Return a line in one ink."""
    return Line((Piece(text, ink),), hang)


def rule(width: int | None) -> Line:
    """Return a rule across the page."""
    return line("─" * min(_RULE_WIDTH, width or _RULE_WIDTH), Ink.FAINT)


def lines(text: str, ink: Ink = Ink.PLAIN) -> list[Line]:
    """Return a line for each line of a text."""
    return [line(item, ink) for item in text.split("\n")]


def render(content: Iterable[Line], *, color: bool, width: int | None) -> str:
    """Return lines as text that ends in a line break.

    Args:
        content: The lines.
        color: Whether to use the colours of a terminal.
        width: Columns to wrap at, between words, or None to leave lines as they are.
    """
    paint = _painter() if color else _unpainted
    return "".join(
        "".join(paint(piece) for piece in part.pieces).rstrip(" ") + "\n"
        for item in content
        for part in wrap(item, width)
    )


def _unpainted(piece: Piece) -> str:
    return piece.text


def _painter() -> Callable[[Piece], str]:
    from rich.color import ColorSystem
    from rich.style import Style

    styles = {ink: Style.parse(ink.value) for ink in Ink}

    def paint(piece: Piece) -> str:
        if piece.ink is Ink.PLAIN:
            return piece.text
        return styles[piece.ink].render(piece.text, color_system=ColorSystem.STANDARD)

    return paint


def wrap(item: Line, width: int | None) -> list[Line]:
    """Return a line as the lines it takes at a width; words are never cut."""
    if width is None or columns(item.text) <= width:
        return [item]
    rows: list[Line] = []
    row: list[Piece] = []
    column = 0
    fresh = True  # nothing but indentation in this row yet
    for piece in item.pieces:
        for word in re.findall(_WORDS, piece.text):
            blank, wide = word.isspace(), columns(word)
            over = not blank and column + wide > width
            # Nothing is gained by a row in which the word does not fit either, and what follows a
            # word that was too long may as well be a bracket.
            helps = item.hang + wide <= width and not (column > width and word in _BRACKETS)
            if over and not fresh and helps:
                while row[-1].text.isspace():
                    row.pop()  # in the last column it would begin a row of its own
                rows.append(Line(tuple(row)))
                row, column, fresh = [Piece(" " * item.hang)], item.hang, True
            if blank and fresh and rows:
                continue
            row.append(Piece(word, piece.ink))
            column += wide
            fresh = fresh and blank
    return [*rows, Line(tuple(row))]


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(letter_columns, text))


def letter_columns(letter: str) -> int:
    """Return how many columns of a terminal a letter takes: 0, 1 or 2."""
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def duration(seconds: float) -> str:
    """Return a duration for people: `0s`, `0.4s`, `12s`, `1m20s`, `2h05m`."""
    if seconds < 1:
        tenths = f"{max(seconds, 0.0):.1f}s"
        return {"0.0s": "0s", "1.0s": "1s"}.get(tenths, tenths)
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
