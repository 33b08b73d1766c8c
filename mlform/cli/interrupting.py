"""Signals that ask mlform to end, outside of an apply: everything held is let go of first."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Final, TextIO

from mlform.cli.session import discard

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, and the end of the terminal."""

_STATUS: Final = 130


def unwind_when_told_to_end() -> None:
    """Let every ending signal be the exception that Ctrl-C is, so that locks are given back.

    One that is ignored stays ignored: `nohup` has to work.
    """
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            with suppress(ValueError):  # of a thread that is not the main one
                signal.signal(number, signal.default_int_handler)


def say_interrupted(stdout: TextIO, stderr: TextIO) -> int:
    """Say that somebody ended mlform, where that can be read; return the exit status."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # it is ending already
    for stream, text in ((stdout, ""), (stderr, "\nInterrupted.\n")):
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            discard(stream)
    return _STATUS
