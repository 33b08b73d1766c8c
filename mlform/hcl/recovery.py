"""How the parser goes on after an error: where the item that has it ends."""

from __future__ import annotations

from typing import Final

from mlform.hcl import lexer
from mlform.hcl.cursor import Cursor
from mlform.hcl.lexer import (
    BAD,
    DIRECTIVE,
    END,
    HEREDOC,
    HEREDOC_END,
    IDENTIFIER,
    INTERPOLATION,
    NEWLINE,
    PLAIN,
    QUOTE,
    QUOTE_END,
    SEQUENCE_END,
    STRING,
    UNTERMINATED,
)

STRINGS: Final = frozenset({PLAIN, STRING, QUOTE})
BLOCK_START: Final = STRINGS | {IDENTIFIER, "{"}
"""What after a name makes it the type of a block."""
_AFTER_NAME: Final = BLOCK_START | {"="}
_AFTER_ITEM: Final = frozenset({NEWLINE, END, "}"})
_LINE_START: Final = STRINGS | {IDENTIFIER, BAD}
_CLOSED_BY: Final = {
    "(": ")",
    "[": "]",
    "{": "}",
    QUOTE: QUOTE_END,
    HEREDOC: HEREDOC_END,
    INTERPOLATION: SEQUENCE_END,
    DIRECTIVE: SEQUENCE_END,
}
_CLOSING: Final = frozenset(_CLOSED_BY.values())
_IN_TEMPLATE: Final = frozenset({QUOTE, INTERPOLATION, DIRECTIVE})


def recover(cursor: Cursor, start: int) -> None:
    """Go behind the item with an error that began at the token `start`.

    That is the line break after it, with all its brackets closed; or the closing brace of the
    block around it. An item whose brackets are never closed ends before the next line that
    looks like another item, else with the line of the error.
    """
    failed = max(cursor.at, start)
    kinds = cursor.kinds
    open_at: list[int] = []
    for at in range(start, len(kinds) - 1):
        kind = kinds[at]
        if kind in _CLOSED_BY:
            open_at.append(at)
        elif kind == UNTERMINATED:
            _drop_string(cursor, at, open_at)
        elif kind in _CLOSING:
            if not _drop_until(cursor, kind, open_at) and kind == "}" and at > start:
                cursor.at = at
                return
        elif kind == NEWLINE and at >= failed and not open_at and _ends_item(cursor, at, failed):
            cursor.at = at
            return
    cursor.recovered += len(kinds) - start
    if open_at:
        _recover_unclosed(cursor, start, failed, open_at)
    else:
        cursor.at = len(kinds) - 1


def _ends_item(cursor: Cursor, line_break: int, failed: int) -> bool:
    """Whether the item with an error ends here: the next line does not look like more of it."""
    following = cursor.kinds[line_break + 1]
    if following in _AFTER_ITEM:
        return True
    if line_break == failed:
        return _starts_item(cursor, line_break + 1)
    return following in _LINE_START


def _starts_item(cursor: Cursor, at: int) -> bool:
    return cursor.kinds[at] == IDENTIFIER and cursor.kinds[at + 1] in _AFTER_NAME


def _drop_string(cursor: Cursor, broken: int, open_at: list[int]) -> None:
    """Drop the string that breaks off at a token; with it all around it, if the line ends it."""
    ends_line = cursor.starts[broken + 1] == cursor.starts[broken]
    while open_at and cursor.kinds[open_at[-1]] != HEREDOC:
        if cursor.kinds[open_at.pop()] == QUOTE and not ends_line:
            return


def _drop_until(cursor: Cursor, closing: str, open_at: list[int]) -> bool:
    """Drop what the closing token closes, with what was left open inside; False if nothing."""
    for n in range(len(open_at) - 1, -1, -1):
        if _CLOSED_BY[cursor.kinds[open_at[n]]] == closing:
            del open_at[n:]
            return True
    return False


def _recover_unclosed(cursor: Cursor, start: int, failed: int, open_at: list[int]) -> None:
    """Go on after an item of which the brackets at these tokens are never closed."""
    kinds = cursor.kinds
    for at in open_at:
        if kinds[at] == HEREDOC:
            opening = cursor.text[cursor.starts[at] : cursor.ends[at]]
            marker = lexer.closing_marker(cursor.text, opening, cursor.ends[at])
            _reload(cursor, len(cursor.text) if marker is None else marker[1])
            return
    if any(kinds[at] in _IN_TEMPLATE for at in open_at):
        line_break = cursor.text.find("\n", cursor.starts[failed])
        _reload(cursor, len(cursor.text) if line_break < 0 else line_break)
        return
    first = _next_item(cursor, start + 1, failed)
    if first is not None:
        cursor.at = first
        return
    at = failed
    while kinds[at] not in (NEWLINE, END):
        at += 1
    cursor.at = at


def _reload(cursor: Cursor, offset: int) -> None:
    # What follows an open template was taken as part of it: read it again as configuration.
    cursor.recovered += len(cursor.text) - offset
    cursor.load(lexer.tokenize(cursor.text, offset))


def _next_item(cursor: Cursor, begin: int, end: int) -> int | None:
    """Return the last token from `begin` to `end` that starts a line and looks like an item."""
    kinds = cursor.kinds
    for at in range(min(end, len(kinds) - 2), begin, -1):
        if kinds[at - 1] == NEWLINE:
            return at if _starts_item(cursor, at) else None
    return None
