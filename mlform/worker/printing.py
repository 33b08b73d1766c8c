"""What a task prints: kept where there is room for it, and no reason to fail where there is none.

A training that worked for hours must not end because a line of its log did not fit on the disk.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_GAP: Final = b"\n[mlform: lines are missing here, since they could not be written]\n"


class Printed(io.RawIOBase):
    """A descriptor that takes everything and keeps what it can.

    Attributes:
        loss: Why something could not be kept, in the words of the system; empty if all was.
    """

    def __init__(self, descriptor: int) -> None:
        """Write to a descriptor, which stays open."""
        super().__init__()
        self.loss = ""
        self._descriptor = descriptor
        self._is_torn = False

    def writable(self) -> bool:
        """Whether it can be written to: always."""
        return True

    def fileno(self) -> int:
        """Return the descriptor, for programs that the task starts."""
        return self._descriptor

    def write(self, content: ReadableBuffer) -> int:
        """Keep some bytes, or lose them."""
        given = bytes(content)
        rest = memoryview(_GAP + given if self._is_torn else given)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._is_torn = False
        except OSError as problem:
            self._is_torn = True
            self.loss = problem.strerror or str(problem)
        return len(given)


@contextmanager
def printing() -> Iterator[Sequence[Printed]]:
    """Let nothing that this process prints fail, and tell what was lost."""
    before = sys.stdout, sys.stderr
    kept = (Printed(1), Printed(2))
    sys.stdout, sys.stderr = map(as_text, kept)
    try:
        yield kept
    finally:
        sys.stdout, sys.stderr = before


def as_text(printed: Printed) -> io.TextIOWrapper:
    """Return a stream of text that takes everything."""
    raw = cast("BinaryIO", printed)
    return io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", write_through=True)
