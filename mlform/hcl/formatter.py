"""Brings HCL text into its one canonical form, that of `terraform fmt`.

Layout is decided token by token: a line is moved right by the brackets that earlier lines left
open, one space or none stands between two tokens, and in neighbouring lines the `=` and the
comments at the end stand below each other. Comments, line breaks and heredocs stay as they are.
Before that, old ways to write things become today's: see `mlform.hcl.legacy`.

Where the form that Terraform gives would say something else than the text did, would not parse or
would change when formatted again, this one differs: it keeps labels with `$` or `%` in them (which
Terraform drops), unwraps `"${"${x}"}"` to the end at once, sets parentheses around an unwrapped
value that would otherwise end at a line break in it, and keeps the space in `x.0 .1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Source
from mlform.hcl.commented import COMMENT, LINE_COMMENT, LINE_ENDS, with_comments
from mlform.hcl.legacy import modernized
from mlform.hcl.lexer import (
    DIRECTIVE,
    HEREDOC,
    HEREDOC_END,
    IDENTIFIER,
    INTERPOLATION,
    NEWLINE,
    NUMBER,
    PLAIN,
    QUOTE,
    QUOTE_END,
    SEQUENCE_END,
    STRING,
    TEXT,
    tokenize,
)
from mlform.hcl.parser import parse

_INDENT: Final = "  "
_OPENING: Final = frozenset({"{", "[", "(", INTERPOLATION, DIRECTIVE})
_CLOSING: Final = frozenset({"}", "]", ")", SEQUENCE_END})
_DEPTH: Final = dict.fromkeys(_OPENING, 1) | dict.fromkeys(_CLOSING, -1)
_SEQUENCES: Final = frozenset({INTERPOLATION, DIRECTIVE})
_COMMENTS: Final = frozenset({COMMENT, LINE_COMMENT})
_QUOTED: Final = frozenset({PLAIN, STRING})
_IN: Final = "in"
"""The word `in` and its kind where it stands behind a word."""
_SIGN: Final = "sign"
"""A `-` that negates what follows."""
_WORDS: Final = frozenset({IDENTIFIER, _IN})
_BEFORE_SIGN: Final = frozenset({*"([{=:,?+*/%-!<>", "==", "!=", "<=", ">=", "&&", "||", _SIGN})
_TIGHT_AFTER: Final = frozenset({TEXT, QUOTE, HEREDOC})
_TIGHT_BEFORE: Final = frozenset({TEXT, QUOTE_END, HEREDOC_END})
_TWO_INDEXES: Final = (NUMBER, ".", NUMBER)
"""Without a space they would be read as one number."""
_INDEXED: Final = frozenset({IDENTIFIER, NUMBER}) | _CLOSING


def format_source(source: Source) -> tuple[str, tuple[Diagnostic, ...]]:
    """Return the text of a file in canonical form, and the errors that forbid to format it.

    A text with errors comes back as it is. To format what was formatted changes nothing. Never
    raises; the time it takes is linear in the length of the text.
    """
    body, diagnostics = parse(source)
    if diagnostics:
        return source.text, diagnostics
    tokens = with_comments(source.text, tokenize(source.text))
    # Terraform keeps the space at the end of a file whose last line has no line break.
    rest = " " * (len(source.text) - tokens.end)
    tokens = modernized(body, tokens)
    lines = list(_lines(tokens.kinds, tokens.texts))
    _align(lines)
    return "".join([line.text for line in lines]) + rest, ()


@dataclass(slots=True)
class _Line:
    """A line of the result, in three cells of which the last two may be empty.

    Attributes:
        text: Everything up to the `=`, with the indentation; in the end the whole line.
        assigned: From the `=` on.
        comment: The comment that ends the line, with its line break.
        width: Of the text, in grapheme clusters.
        assigned_width: Of what is assigned, the same.
    """

    text: str
    assigned: str = ""
    comment: str = ""
    width: int = 0
    assigned_width: int = 0


def _lines(kinds: list[str], texts: list[str]) -> Iterator[_Line]:
    """Yield the lines of a file, indented and spaced but not aligned."""
    levels: list[int] = []
    shapes: dict[tuple[str, ...], _Shape] = {}
    ends = [end for end, kind in enumerate(kinds, start=1) if kind in LINE_ENDS]
    if kinds and kinds[-1] not in LINE_ENDS:
        ends.append(len(kinds))
    start = 0
    for end in ends:
        words = texts[start:end]
        key = tuple(kinds[start:end])
        if _IN in words:
            key = _with_in(key, words)
        shape = shapes.get(key)
        if shape is None:
            shape = shapes[key] = _shape(key)
        yield _line(shape, words, levels)
        start = end


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What the kinds of its tokens say of a line; most lines of a file have one of a few shapes.

    Attributes:
        kinds: Of the tokens up to the comment that ends the line.
        split: How many of them stand before the `=` that is to stand below others.
        has_comment: Whether a comment ends the line.
        net: How many brackets more it opens than it closes, up to the start of a heredoc.
        lead: The tokens before the split with their spaces, as a format for `%`.
        assigned: The same for those behind it.
    """

    kinds: tuple[str, ...]
    split: int
    has_comment: bool
    net: int
    lead: str
    assigned: str


def _with_in(kinds: tuple[str, ...], texts: list[str]) -> tuple[str, ...]:
    """Return the kinds with one of its own for each word `in` that has a word before it."""
    found: list[str] = []
    for kind, text in zip(kinds, texts, strict=True):
        is_in = kind == IDENTIFIER and text == _IN and found and found[-1] in _WORDS
        found.append(_IN if is_in else kind)
    return tuple(found)


def _with_signs(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the kinds with one of its own for each `-` that negates what follows."""
    found: list[str] = []
    for kind in kinds:
        is_sign = kind == "-" and (not found or found[-1] in _BEFORE_SIGN)
        found.append(_SIGN if is_sign else kind)
    return tuple(found)


def _shape(kinds: tuple[str, ...]) -> _Shape:
    has_comment = len(kinds) > 1 and kinds[-1] in _COMMENTS
    if has_comment:
        kinds = kinds[:-1]
    if "-" in kinds:
        kinds = _with_signs(kinds)
    split = _assignment(kinds)
    counted = kinds[: kinds.index(HEREDOC)] if HEREDOC in kinds else kinds
    return _Shape(
        kinds=kinds,
        split=split,
        has_comment=has_comment,
        net=_net(counted),
        lead=_spaced(kinds[:split]),
        assigned=_spaced(kinds[split:]),
    )


def _net(kinds: tuple[str, ...]) -> int:
    return sum(_DEPTH.get(kind, 0) for kind in kinds)


def _assignment(kinds: tuple[str, ...]) -> int:
    """Return the number of the `=` that is to stand below others, or how many tokens there are.

    It is the first one in the line, if what is assigned ends with the line.
    """
    if "=" in kinds[1:]:
        at = kinds.index("=", 1)
        if _net(kinds[at:]) == 0:
            return at
    return len(kinds)


def _line(shape: _Shape, texts: list[str], levels: list[int]) -> _Line:
    """Return a line of this shape.

    Args:
        shape: Its shape.
        texts: The characters of its tokens, comment included.
        levels: For each level of indentation, how many of its brackets are still open; changed.
    """
    if shape.kinds[0] == NEWLINE:
        return _Line(texts[0])
    comment = texts.pop() if shape.has_comment else ""
    level = _level(shape.net, levels)
    split = shape.split
    if split == len(texts):
        line = _Line(_INDENT * level + shape.lead % tuple(texts), "", comment)
    else:
        lead, assigned = tuple(texts[:split]), tuple(texts[split:])
        line = _Line(_INDENT * level + shape.lead % lead, shape.assigned % assigned, comment)
        line.assigned_width = _width(shape.kinds[split:], assigned, line.assigned)
    if line.assigned or comment:
        line.width = _width(shape.kinds[:split], texts[:split], line.text)
    return line


def _level(net: int, levels: list[int]) -> int:
    """Return how far a line is moved right, and change the levels by the brackets in it.

    A line that opens more brackets than it closes opens one level, however many they are.
    """
    if net > 0:
        levels.append(net)
        return len(levels) - 1
    while net < 0 and levels:
        levels[-1] += net
        net = min(levels[-1], 0)
        if levels[-1] <= 0:
            levels.pop()
    return len(levels)


def _width(kinds: Sequence[str], texts: Sequence[str], spaced: str) -> int:
    """Return how many grapheme clusters wide some tokens are with the space between them.

    Clusters are counted in each token for itself, and the quotes of a string are tokens.
    """
    if spaced.isascii() and "\r" not in spaced:
        return len(spaced)
    width = len(spaced) - sum(map(len, texts))
    for kind, text in zip(kinds, texts, strict=True):
        width += 2 + _clusters(text[1:-1]) if kind in _QUOTED else _clusters(text)
    return width


def _clusters(text: str) -> int:
    if text.isascii() and "\r" not in text:
        return len(text)
    import regex

    return len(regex.findall(r"\X", text))


def _align(lines: list[_Line]) -> None:
    """Join the cells of lines, so that those of neighbouring lines stand below each other."""
    for group in _groups(lines, lambda line: bool(line.assigned)):
        column = max(line.width for line in group) + 1
        for line in group:
            line.text += " " * (column - line.width) + line.assigned
            line.width = column + line.assigned_width
    for group in _groups(lines, lambda line: bool(line.comment)):
        column = max(line.width for line in group) + 1
        for line in group:
            line.text += " " * (column - line.width) + line.comment


def _groups(lines: list[_Line], has_cell: Callable[[_Line], bool]) -> Iterator[list[_Line]]:
    """Yield the runs of neighbouring lines that have a cell."""
    return (list(group) for found, group in groupby(lines, has_cell) if found)


# The space between two tokens.


def _spaced(kinds: tuple[str, ...]) -> str:
    """Return tokens with the space that belongs between them, as a format for `%`."""
    if not kinds:
        return ""
    spaces = [
        " " if _is_spaced(left, right) or kinds[at - 1 : at + 2] == _TWO_INDEXES else ""
        for at, (left, right) in enumerate(pairwise(kinds), start=1)
    ]
    return "%s" + "".join(f"{space}%s" for space in spaces)


def _is_spaced(left: str, right: str) -> bool:
    """Return whether a space stands between two tokens of one line; the first rule decides."""
    for rule in (_punctuation, _parts_of_templates, _operators, _brackets):
        decision = rule(left, right)
        if decision is not None:
            return decision
    return True


def _punctuation(left: str, right: str) -> bool | None:
    if right in {NEWLINE, ",", "..."} or "." in {left, right}:
        return False
    if left in _WORDS and right in {"(", "::"}:
        return False
    if left == "::" and right in _WORDS:
        return False
    return True if left == "," else None


def _parts_of_templates(left: str, right: str) -> bool | None:
    return False if left in _TIGHT_AFTER or right in _TIGHT_BEFORE else None


def _operators(left: str, right: str) -> bool | None:
    if left in {_IN, "-"}:
        return True
    if right == "[" and left in _INDEXED:
        return False
    return False if left in {"!", _SIGN} else None


def _brackets(left: str, right: str) -> bool | None:
    """Decide around brackets: braces have space on their insides, other brackets have none."""
    if left == "{" or right == "}":
        return (left, right) != ("{", "}")
    if (left in _SEQUENCES and right == "{") or (left == "}" and right == SEQUENCE_END):
        return True
    if left == SEQUENCE_END and right in _SEQUENCES:
        return False
    return False if left in _OPENING or right in _CLOSING else None
