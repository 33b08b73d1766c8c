"""Old ways to write things in HCL, and the tokens that say the same in today's way.

`"${x}"` as a whole value is `x`; the types of variables are written without quotes, and those of
collections with the type of their elements; labels are written with quotes.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

from mlform.hcl.ast import Block, Body, Expression, Template
from mlform.hcl.commented import COMMENT, LINE_ENDS, CommentedTokens, with_comments
from mlform.hcl.lexer import (
    DIRECTIVE,
    HEREDOC,
    HEREDOC_END,
    INTERPOLATION,
    NEWLINE,
    QUOTE,
    QUOTE_END,
    SEQUENCE_END,
    STRING,
    TEXT,
    tokenize,
)
from mlform.hcl.strings import escape_quoted

_TYPES: Final = {
    "list": "list(any)",
    "map": "map(any)",
    "set": "set(any)",
    '"string"': "string",
    '"list"': "list(string)",
    '"map"': "map(string)",
}
"""How the type of a variable is written today, by how it was written before Terraform 0.12."""
_WRAPPING: Final = [QUOTE, INTERPOLATION, SEQUENCE_END, QUOTE_END]
_TEMPLATE_PARTS: Final = frozenset({TEXT, INTERPOLATION, DIRECTIVE, SEQUENCE_END})
_QUOTES: Final = {QUOTE: 1, QUOTE_END: -1}
_HEREDOCS: Final = {HEREDOC: TEXT, HEREDOC_END: ""}
_DEPTH: Final = dict.fromkeys(("{", "[", "(", INTERPOLATION, DIRECTIVE), 1) | dict.fromkeys(
    ("}", "]", ")", SEQUENCE_END), -1
)
_BETWEEN: Final = LINE_ENDS | {COMMENT}
_LAST_SHORT: Final = 0xFFFF


class Edit(NamedTuple):
    """Tokens that take the place of those from number `start` up to number `end`."""

    start: int
    end: int
    tokens: CommentedTokens


def modernized(body: Body, tokens: CommentedTokens) -> CommentedTokens:
    """Return the tokens of a file with everything written in today's way.

    Args:
        body: The tree of the file.
        tokens: All tokens of the file.
    """
    edits = sorted(_edits(body, tokens), key=lambda edit: edit.start)
    if not edits:
        return tokens
    result = CommentedTokens([], [], [])
    at = 0
    for edit in edits:
        result.extend(tokens.between(at, edit.start))
        result.extend(edit.tokens)
        at = edit.end
    result.extend(tokens.between(at, len(tokens.kinds)))
    return result


def _edits(body: Body, tokens: CommentedTokens) -> Iterator[Edit]:
    """Yield what is written in old ways in a file, in no order."""
    rest = [(body, False, True)]
    while rest:
        inner, is_variable, is_file = rest.pop()
        for attribute in inner.attributes:
            if is_variable and attribute.name == "type":
                yield from _type_edits(attribute.expression, tokens)
            elif isinstance(attribute.expression, Template):
                yield from _value_edits(attribute.expression, tokens)
        for block in inner.blocks:
            if block.labels:
                yield from _label_edits(block, tokens)
            rest.append((block.body, is_file and block.type == "variable", False))


def _label_edits(block: Block, tokens: CommentedTokens) -> Iterator[Edit]:
    """Yield the edit that writes the labels of a block with quotes, without comments between."""
    start, end = block.type_range.end_offset, block.label_ranges[-1].end_offset
    labels = [f'"{_escaped(label)}"' for label in block.labels]
    if block.range.source.text[start:end] == f" {' '.join(labels)}":
        return
    first, behind = bisect_left(tokens.starts, start), bisect_left(tokens.starts, end)
    count = len(labels)
    yield Edit(first, behind, CommentedTokens([STRING] * count, labels, [start] * count))


def _escaped(label: str) -> str:
    """Return a label as written between quotes: what cannot be seen stands as its number."""
    escaped = escape_quoted(label)
    if escaped.isascii() and escaped.isprintable():
        return escaped
    return "".join(_visible(character) for character in escaped)


def _visible(character: str) -> str:
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"


def _type_edits(expression: Expression, tokens: CommentedTokens) -> Iterator[Edit]:
    place = expression.range
    today = _TYPES.get(place.text)
    if today is not None:
        first = bisect_left(tokens.starts, place.start_offset)
        yield Edit(first, first + 1, with_comments(today, tokenize(today)))


def _value_edits(template: Template, tokens: CommentedTokens) -> Iterator[Edit]:
    """Yield the edit that makes `x` of `"${x}"`, if that is what the template is."""
    place = template.range
    if not place.source.text.startswith('"${', place.start_offset):
        return
    first = bisect_left(tokens.starts, place.start_offset)
    behind = bisect_left(tokens.starts, place.end_offset)
    start, end = first, behind
    while _is_wrapped(tokens.kinds[start:end]):
        start, end = _trimmed(tokens.kinds, start + 2, end - 2)
    if start == first:
        return
    inside = tokens.between(start, end)
    if _needs_parentheses(inside.kinds):
        yield Edit(first, behind, _parenthesized(inside))
    elif _can_end_before(inside.kinds, tokens.kinds, behind):
        yield Edit(first, behind, inside)


def _is_wrapped(kinds: list[str]) -> bool:
    """Return whether tokens are a quoted template of one interpolation and nothing else."""
    if len(kinds) <= len(_WRAPPING) or [*kinds[:2], *kinds[-2:]] != _WRAPPING:
        return False
    quotes = 0
    allowed = ""
    for kind in kinds[2:-2]:
        quotes += _QUOTES.get(kind, 0)
        if quotes == 0 and kind in _TEMPLATE_PARTS and kind != allowed:
            return False
        if kind in _HEREDOCS:
            allowed = _HEREDOCS[kind]
    return True


def _trimmed(kinds: list[str], start: int, end: int) -> tuple[int, int]:
    """Leave out the line breaks around tokens."""
    while kinds[start] == NEWLINE:
        start += 1
    while kinds[end - 1] == NEWLINE:
        end -= 1
    return start, end


def _needs_parentheses(kinds: list[str]) -> bool:
    """Return whether a value gets parentheses.

    It needs them where it would end too early, at a line break outside of all brackets. Terraform
    sets them around every value on several lines that does not begin and end with one.
    """
    if NEWLINE in kinds and (kinds[0] != "(" or kinds[-1] != ")"):
        return True
    last = max(at for at, kind in enumerate(kinds) if kind not in _BETWEEN)
    return _has_loose_line_end(kinds[:last])


def _has_loose_line_end(kinds: list[str]) -> bool:
    """Return whether a line ends outside of all brackets."""
    depth = 0
    for kind in kinds:
        depth += _DEPTH.get(kind, 0)
        if depth == 0 and kind in LINE_ENDS:
            return True
    return False


def _parenthesized(inside: CommentedTokens) -> CommentedTokens:
    wrapped = CommentedTokens(["("], ["("], inside.starts[:1])
    wrapped.extend(inside)
    if inside.kinds[-1] == HEREDOC_END:
        wrapped.add(NEWLINE, "\n", inside.starts[-1])
    wrapped.add(")", ")", inside.starts[-1])
    return wrapped


def _can_end_before(kinds: list[str], others: list[str], at: int) -> bool:
    """Return whether a value of these tokens may stand before those from a place on."""
    if kinds[-1] != HEREDOC_END and not _has_loose_line_end(kinds):
        return True
    while at < len(others) and others[at] == COMMENT and kinds[-1] != HEREDOC_END:
        at += 1
    return at == len(others) or others[at] in LINE_ENDS
