"""What a person sees while a command works and has nothing to show yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlform.cli.session import Session


@contextmanager
def meanwhile(session: Session, text: str) -> Iterator[Callable[[], None]]:
    """Show a line on the terminal until the work is done; elsewhere nothing.

    Args:
        session: Of the command; in the stream of messages there is no place for such a line.
        text: What goes on, such as `Planning...`.

    Yields:
        What takes the line away before, for whoever needs the terminal.
    """
    shown = session.err.terminal and session.messages is None
    if shown:
        session.err.write(text)

    def clear() -> None:
        nonlocal shown
        if shown:
            session.err.write(f"\r{' ' * len(text)}\r")
        shown = False

    try:
        yield clear
    finally:
        clear()
