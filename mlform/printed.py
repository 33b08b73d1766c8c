"""The last lines of what a program printed, fit to be shown on a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

LINES: Final = 20
"""Lines that are shown."""

_BYTES: Final = 16_384
_WIDTH: Final = 200
_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def read_end(path: Path) -> str:
    """Return the end of a file as text; nothing if it cannot be read."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _BYTES))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def last_lines(path: Path) -> tuple[str, ...]:
    """Return the last lines of a file, fit to be shown; none if it cannot be read."""
    return shown_lines(read_end(path))


def shown_lines(text: str) -> tuple[str, ...]:
    """Return the last lines of a text without what moves a cursor or colours, none too long.

    Of a line that a progress bar wrote again and again the last version counts.
    """
    found = [_shown(line) for line in text.replace("\r\n", "\n").rstrip().split("\n")]
    return tuple(found[-LINES:]) if text.strip() else ()


def without_end(lines: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return lines without a text that they end with; what stands before its first line may go too.

    A worker writes a problem to its log as it reports it, after the fixed sentence for its kind.
    """
    known = shown_lines(text)
    at = len(lines) - len(known)
    if not known or at < 0 or lines[at + 1 :] != known[1:] or not lines[at].endswith(known[0]):
        return lines
    return lines[:at]


def _shown(line: str) -> str:
    last = _SEQUENCE.sub("", line).rstrip("\r").rpartition("\r")[2]
    plain = _CONTROL.sub("", last.expandtabs(4)).rstrip()
    return plain if len(plain) <= _WIDTH else plain[: _WIDTH - 1] + "…"
