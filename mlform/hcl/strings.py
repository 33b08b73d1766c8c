"""The text of string literals: escapes resolved, in Unicode's normal form C."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

Report = Callable[[str, int, int], None]
"""Called with a detail and the offsets of each escape that is not valid."""

_ESCAPE = r"(?s)\\(?:u[0-9A-Fa-f]{0,4}|U[0-9A-Fa-f]{0,8}|.)|\$\$\{|%%\{"
_SIMPLE: Final = {
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
    '\\"': '"',
    "\\\\": "\\",
    "$${": "${",
    "%%{": "%{",
}
_LENGTH: Final = {"u": 6, "U": 10}
_LAST_CHARACTER: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)


def unescape_quoted(raw: str, start: int, report: Report) -> str:
    """Return the text that the inside of a quoted string stands for.

    Args:
        raw: The characters between the quotes, or some of them.
        start: The offset of the first one, for `report`.
        report: Called for each escape that is not valid; the text then keeps it as written.
    """

    def replaced(match: re.Match[str]) -> str:
        written = match.group()
        simple = _SIMPLE.get(written)
        if simple is not None:
            return simple
        fault = _fault(written)
        if fault is None:
            return chr(_code(written))
        report(fault, start + match.start(), start + match.end())
        return written

    return normalized(re.sub(_ESCAPE, replaced, raw))


def normalized(text: str) -> str:
    """Return a text in normal form C, in which all strings are kept."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def unescape_lines(raw: str) -> str:
    """Return the text that a part of a heredoc or bare template stands for.

    A backslash is plain text there; only doubled sequence markers are escapes.
    """
    return raw.replace("$${", "${").replace("%%{", "%{")


def escape_quoted(value: str) -> str:
    """Return the characters that stand for a text between double quotes."""
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    value = value.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return value.replace("${", "$${").replace("%{", "%%{")


def _fault(written: str) -> str | None:
    """Say what is wrong with an escape, or return None for a valid one by number."""
    selector = written[1]
    length = _LENGTH.get(selector)
    if length is None:
        return (
            f'There is no escape "{written}". Write "\\\\" for a backslash itself; the escapes '
            "are \\n, \\r, "
            '\\t, \\", \\\\, \\uNNNN and \\UNNNNNNNN.'
            + (' To write "${" as text, double the dollar sign: "$${".' if selector == "$" else "")
        )
    if len(written) < length:
        digits = length - 2
        return (
            f"After \\{selector} come {digits} hexadecimal digits; here are {len(written) - 2}. "
            "Add zeros in front."
        )
    code = _code(written)
    if code > _LAST_CHARACTER or code in _SURROGATES:
        return (
            f"There is no character U+{code:04X}. Write the number of a Unicode character that "
            "is no surrogate."
        )
    return None


def _code(written: str) -> int:
    digits = written[2:]
    return int(digits, base=16)
