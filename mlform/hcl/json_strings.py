"""The strings of JSON: their escapes, and the templates and expressions that they hold.

Trees of these have their places in the file: what an offset in the text comes from is kept for
strings with escapes, where the text and what is written differ in length.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from mlform.dataclass import attributes, dataclass
from mlform.diagnostics import Diagnostic, Position, Source, SourceRange
from mlform.hcl.ast import Expression, Template, Text
from mlform.hcl.parser import parse_expression, parse_template
from mlform.hcl.strings import normalized

_ESCAPE: Final = (
    r"(?s)\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u|[^u]|$)"
)
_SIMPLE: Final = {
    '\\"': '"',
    "\\\\": "\\",
    "\\/": "/",
    "\\b": "\b",
    "\\f": "\f",
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
}
_ONE_UNIT: Final = 6
"""Characters of `\\uNNNN`."""
_SURROGATES: Final = range(0xD800, 0xE000)
_REPLACEMENT: Final = "\ufffd"
_SEQUENCES: Final = ("${", "%{")
_Node = TypeVar("_Node")


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a string and where it is written.

    Attributes:
        text: Escapes resolved, not normalized.
        range: With the quotes.
        faults: Offsets of escapes that are not valid, with the reason.
    """

    text: str
    range: SourceRange
    faults: tuple[tuple[int, int, str], ...] = ()


def written(place: SourceRange) -> Written:
    """Return the string whose range, with the quotes, is this."""
    start = place.start_offset + 1
    inside = place.source.text[start : place.end_offset - 1]
    if "\\" not in inside:
        return Written(inside, place)
    faults: list[tuple[int, int, str]] = []

    def replaced(match: re.Match[str]) -> str:
        text, fault = _resolved(match.group())
        if fault:
            faults.append((start + match.start(), start + match.end(), fault))
        return text

    return Written(re.sub(_ESCAPE, replaced, inside), place, tuple(faults))


class _Inside(Source):
    """The text of a string as a source of its own, with the positions that it has in the file."""

    __slots__ = ("_offsets", "_outside", "_start")

    def __init__(self, string: Written) -> None:
        super().__init__(string.range.filename, string.text)
        self._outside = string.range.source
        self._start = string.range.start_offset + 1
        self._offsets = self._with_escapes(string.range.text[1:-1])

    def _with_escapes(self, inside: str) -> Sequence[int] | None:
        """Return the offset in the file of each character; None if they just follow each other."""
        if "\\" not in inside:
            return None
        offsets = array("q")
        at = 0
        for match in re.finditer(_ESCAPE, inside):
            offsets.extend(range(self._start + at, self._start + match.start()))
            offsets.extend([self._start + match.start()] * len(_resolved(match.group())[0]))
            at = match.end()
        offsets.extend(range(self._start + at, self._start + len(inside) + 1))
        return offsets

    def offset(self, at: int) -> int:
        """Return the offset in the file of an offset in the string."""
        return self._start + at if self._offsets is None else self._offsets[at]

    def position(self, offset: int) -> Position:
        """Return line and column in the file of a character offset in the string."""
        return self._outside.position(self.offset(offset))

    def place(self, place: SourceRange) -> SourceRange:
        """Return the range in the file of a range in the string."""
        begin, end = self.offset(place.start_offset), self.offset(place.end_offset)
        return SourceRange(self._outside, begin, end)


def _resolved(escape: str) -> tuple[str, str]:
    """Return the text of an escape, and what is wrong with it."""
    simple = _SIMPLE.get(escape)
    if simple is not None:
        return simple, ""
    if len(escape) > _ONE_UNIT:
        high, low = int(escape[2:6], base=16), int(escape[8:], base=16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), ""
    if len(escape) == _ONE_UNIT:
        code = int(escape.removeprefix("\\u"), base=16)
        return (_REPLACEMENT if code in _SURROGATES else chr(code)), ""
    known = 'The escapes of JSON are \\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t and \\uNNNN'
    return escape, f'There is no escape "{escape}" with what follows it. {known}.'


def read_template(string: Written) -> tuple[Template, tuple[Diagnostic, ...]]:
    """Return the template that a string is, and what is wrong with it.

    Where something is, the template is the string's own text.
    """
    if not any(mark in string.text for mark in _SEQUENCES):
        return _plain(string), ()
    source = _Inside(string)
    template, problems = parse_template(source)
    if problems:
        return _plain(string), tuple(_moved(problem, source.place) for problem in problems)
    return Template(_moved(template.parts, source.place), string.range), ()


def _plain(string: Written) -> Template:
    text = normalized(string.text)
    return Template((Text(text, string.range),) if text else (), string.range)


def read_expression(place: SourceRange) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Return the expression that the string at a place holds, and what is wrong with it."""
    source = _Inside(written(place))
    expression, problems = parse_expression(source)
    moved = tuple(_moved(problem, source.place) for problem in problems)
    return (None if expression is None else _moved(expression, source.place)), moved


def _moved(node: _Node, place: Callable[[SourceRange], SourceRange]) -> _Node:
    """Return a tree with each of its ranges replaced."""
    if isinstance(node, SourceRange):
        return cast("_Node", place(node))
    if isinstance(node, tuple):
        return cast("_Node", tuple(_moved(item, place) for item in node))
    names = attributes(type(node))
    if not names:
        return node
    rebuild: Callable[..., _Node] = type(node)
    return rebuild(**{name: _moved(getattr(node, name), place) for name in names})
