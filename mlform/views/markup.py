"""Text of users inside Markdown as GitHub and GitLab render it, where it can do nothing.

What people wrote must not end the table, the fence or the fold that it stands in, nor become a
heading, a link, an image, HTML, a formula, an emoji, a mention or a reference to an issue.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final

from mlform.views.rows import ADD, FORGET, REMOVE, Row
from mlform.views.values import visible, visible_line

_BACKTICKS: Final = re.compile(r"`+")
_FENCE: Final = 3
"""Backticks that open a fence at least."""
_PUNCTUATION: Final = re.compile(r"([\\_*\[\](){}<>~!^+=-])")
_ACTIVE: Final = re.compile(r"[@#&$`:]|www\.|GH-|[0-9A-Fa-f]{7}", re.IGNORECASE)
"""What the sites make something of wherever it stands, except in code."""
_BAR: Final = re.compile(r"(\\*)\|")
_LAST_WORDS: Final = re.compile(r": |:$")
"""Colons of ordinary sentences, which begin no emoji and no address."""


def size(text: str) -> int:
    """Return the length of a text as the sites count it: in units of UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def cut(text: str, limit: int) -> str:
    """Return text of at most so many characters, with `…` where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def code(text: str) -> str:
    """Return text as inline code; line breaks and what cannot be seen are written as escapes."""
    shown = visible(text) or " "
    longest = max(map(len, _BACKTICKS.findall(shown)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if longest or shown[0] == " " or shown[-1] == " " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def prose(text: str) -> str:
    """Return a sentence as text, or as code if a site could make something of it."""
    shown = visible(text)
    if _ACTIVE.search(_LAST_WORDS.sub("", shown)):
        return code(shown)
    return _PUNCTUATION.sub(r"\\\1", shown)


def cell(markdown: str) -> str:
    """Return inline Markdown as the content of a cell of a table.

    The sites look for bars before they look for code. One after an odd number of backslashes, which
    only code holds, cannot be written for all of them, so it is an escape.
    """
    return _BAR.sub(_barred, markdown)


def _barred(match: re.Match[str]) -> str:
    before = match[1]
    return before + (r"\u007c" if len(before) % 2 else r"\|")


def code_in_html(text: str) -> str:
    """Return text as code where Markdown is not read, such as in a summary."""
    return f"<code>{html.escape(visible(text), quote=False)}</code>"


def prose_in_html(text: str) -> str:
    """Return a sentence where Markdown is not read, as `prose` does where it is."""
    shown = visible(text)
    return code_in_html(shown) if _ACTIVE.search(shown) else html.escape(shown, quote=False)


def fence(lines: Iterable[str], language: str = "") -> str:
    """Return lines as a block of code that nothing in them can end."""
    body = "\n".join(map(visible_line, lines))
    longest = max(map(len, _BACKTICKS.findall(body)), default=0)
    ticks = "`" * max(_FENCE, longest + 1)
    return f"{ticks}{language}\n{body}\n{ticks}"


def diff_line(row: Row) -> str:
    """Return a row of a difference as a line of a `diff` fence: what happens comes first.

    There `!` stands for a change, and for a replacement before the symbol of its order.
    """
    content = "".join(piece.text for piece in row.pieces)
    indent = " " * (4 * row.depth)
    if row.sign in {ADD, REMOVE}:
        return f"{row.sign} {indent}{content}"
    if row.sign in {"", FORGET}:
        return f"  {indent}{content}".rstrip()
    mark = f"{row.sign} " if len(row.sign) > 1 else ""
    return f"! {indent}{mark}{content}"


def folded(title: str, body: str) -> str:
    """Return what is seen only once the title is clicked.

    Args:
        title: HTML.
        body: Markdown.
    """
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
