"""Log files that grow no further than is of use: of a long one the beginning and the end are kept.

A process that prints holds its log open for appending, so the middle can be taken out while it
goes on: what it prints next follows the end that was kept. Only a line that it prints at that very
instant may be lost with the middle.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
MOST: Final = 16 * MIB
"""Bytes a log may have before its middle is taken out."""
_HEAD: Final = MIB
_TAIL: Final = 4 * MIB
_LEFT_OUT: Final = re.compile(rb"\n?\[mlform: (\d+) bytes left out here: [^\n]*\]\n")


def cut_middle(log: Path, *, most: int = MOST, head: int = _HEAD, tail: int = _TAIL) -> None:
    """Take out the middle of a log that has become too long; that it cannot be is no failure.

    Args:
        log: The file; there need not be one.
        most: Bytes that it may have.
        head: Bytes of its beginning that are kept, whole lines.
        tail: Bytes of its end that are kept, whole lines.
    """
    with suppress(OSError):
        if log.stat().st_size > most:
            _cut(log, head, tail)


def _cut(log: Path, head: int, tail: int) -> None:
    descriptor = os.open(log, os.O_RDWR | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        beginning = os.pread(descriptor, head, 0)
        beginning = beginning[: beginning.rfind(b"\n") + 1] or beginning
        at = len(beginning)
        before = _LEFT_OUT.match(os.pread(descriptor, 200, at))
        start = size - tail
        # More than that, for what is printed meanwhile.
        end = os.pread(descriptor, 2 * tail, start)
        os.ftruncate(descriptor, at)
        first = end.find(b"\n") + 1
        left_out = start + first - at
        if before is not None:
            left_out += int(before[1]) - len(before[0])
        note = ("" if beginning.endswith(b"\n") else "\n") + (
            f"[mlform: {left_out} bytes left out here: of a long log the first {head >> 10} KiB "
            f"and the last {tail >> 10} KiB are kept]\n"
        )
        os.write(descriptor, note.encode() + end[first:])
    finally:
        os.close(descriptor)
