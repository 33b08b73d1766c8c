"""Reading expressions: line by line, on until brackets close, with editing on a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from mlform.cli.continuation import Continuation

if TYPE_CHECKING:
    from types import TracebackType

    from mlform.cli.session import Session

_KEPT_LINES: Final = 1000
"""Lines of history that are kept between sessions."""
_PRIVATE: Final = 0o600
_DELIMITERS: Final = " \t\n()[]{},+-*/%!=<>?&|\"'"
_TYPED_PATH: Final = re.compile(r'(?:[^\W\d][\w-]*|::|\.|\[(?:"[^"]*"|\d+|\*)\])*\Z')


def expressions(read_line: Callable[[], str]) -> Iterator[str]:
    """Return the expressions in a stream of lines; an open bracket goes on in the next line.

    Args:
        read_line: Returns a line with its line break, or an empty string at the end.
    """
    lines: list[str] = []
    following = Continuation()
    while line := read_line():
        if not lines and not line.strip():
            continue
        lines.append(line)
        following.feed(line)
        if not following.is_open:
            yield "".join(lines).strip()
            lines, following = [], Continuation()
    if lines:
        yield "".join(lines).strip()


def typed_path(line: str) -> str:
    """Return the reference or function name that a line ends with, as far as it is typed."""
    found = _TYPED_PATH.search(line)
    text = found[0] if found is not None else ""
    # In `a ? b :var` the colon separates; only a pair of them belongs to a name.
    return text.lstrip(":.")


class Terminal:
    """Asks on the terminal, with line editing, a history and completion of names.

    As a context it loads the history at the beginning and saves it at the end.
    """

    def __init__(
        self, session: Session, complete: Callable[[str], list[str]], history: Path | None
    ) -> None:
        """Prepare to ask.

        Args:
            session: Of the command.
            complete: Returns what a path begun could become.
            history: Where lines are kept between sessions, or None to keep none.
        """
        self._session = session
        self._history = history
        self._complete = complete
        self._candidates: list[str] = []

    def __enter__(self) -> Self:
        """Load the history and set completion up."""
        try:
            import readline
        except ImportError:  # a Python without it: everything works but editing
            return self
        if self._history is not None and self._history.is_file():
            try:
                readline.read_history_file(self._history)
            except OSError:
                self._history = None  # not ours to write over
        readline.set_history_length(_KEPT_LINES)
        readline.set_completer(self._candidate)
        readline.set_completer_delims(_DELIMITERS)
        editline = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if editline else "tab: complete")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Save the history."""
        try:
            import readline
        except ImportError:
            return
        if self._history is None or readline.get_current_history_length() == 0:
            return
        try:
            self._history.parent.mkdir(parents=True, exist_ok=True)
            self._history.touch(mode=_PRIVATE)
            self._history.chmod(_PRIVATE)
            readline.write_history_file(self._history)
        except OSError as failure:
            reason = failure.strerror or failure
            self._session.err.write(f"The history was not saved in {self._history}: {reason}.\n")

    def read(self) -> str | None:
        """Return the next expression, an empty string for none, or None at the end (Ctrl-D).

        Raises:
            KeyboardInterrupt: On Ctrl-C; what was typed so far is forgotten.
        """
        following = Continuation()
        lines: list[str] = []
        try:
            while not lines or following.is_open:
                lines.append(input(": " if lines else "> "))
                following.feed(lines[-1])
        except EOFError:
            self._session.out.write("\n")
            return None
        return "\n".join(lines).strip()

    def _candidate(self, text: str, state: int) -> str | None:
        if state == 0:
            import readline

            path = typed_path(readline.get_line_buffer()[: readline.get_endidx()])
            # What stands before the word that is completed stays as it is.
            begun = len(path) - len(text)
            self._candidates = [
                item[begun:] for item in self._complete(path) if item.startswith(path)
            ]
        return self._candidates[state] if state < len(self._candidates) else None
