"""Reading expressions: line by line, on until brackets close, with editing on a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlform.cli.session import Session

_OPEN: Final = "([{"
_CLOSED: Final = ")]}"
_HEREDOC: Final = re.compile(r"<<-?\s*([^\W\d][\w-]*)\s*$", re.MULTILINE)
_WORD: Final = re.compile(r"[\w.\-]*$")


def expressions(read_line: Callable[[], str]) -> Iterator[str]:
    """Return the expressions in a stream of lines; an open bracket goes on in the next line.

    Args:
        read_line: Returns a line with its line break, or an empty string at the end.
    """
    text = ""
    while line := read_line():
        text += line
        if text.strip() and is_open(text):
            continue
        if text.strip():
            yield text.strip()
        text = ""
    if text.strip():
        yield text.strip()


def is_open(text: str) -> bool:
    """Whether a bracket, a template or a heredoc in the text is not closed yet."""
    heredoc = _HEREDOC.search(text)
    if heredoc is not None:
        ending = re.compile(rf"^\s*{re.escape(heredoc[1])}\s*$", re.MULTILINE)
        closed = ending.search(text, heredoc.end())
        return closed is None or is_open(text[: heredoc.start()] + '""' + text[closed.end() :])
    depth = 0
    quoted: list[int] = []  # depth at which each open string began
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "\\" and quoted and depth == quoted[-1]:
            at += 1
        elif letter == '"':
            if quoted and depth == quoted[-1]:
                quoted.pop()
            else:
                quoted.append(depth)
        else:
            depth += _step(text, at, inside=bool(quoted) and depth == quoted[-1])
        at += 1
    return depth > 0


def _step(text: str, at: int, *, inside: bool) -> int:
    """Return by how much a letter changes the depth; inside a string only templates count."""
    letter = text[at]
    if inside:
        doubled = at >= 2 and text[at - 1] == text[at - 2]  # noqa: PLR2004 - `$${` is no template
        return int(letter == "{" and at > 0 and text[at - 1] in "$%" and not doubled)
    return int(letter in _OPEN) - int(letter in _CLOSED)


class Prompt:
    """Asks on the terminal, with line editing, a history and completion of names."""

    def __init__(self, session: Session, names: Sequence[str]) -> None:
        self._more = False
        self._text = ""
        self._session = session
        _complete(sorted(names))

    def ask(self) -> str:
        """Return the next line, or an empty string at the end (Ctrl-D)."""
        try:
            line = input(": " if self._more else "> ") + "\n"
        except EOFError:
            self._session.out.write("\n")
            return ""
        except KeyboardInterrupt:
            self._session.out.write("\n")
            self._text, self._more = "", False
            return "\n"
        self._text += line
        self._more = bool(self._text.strip()) and is_open(self._text)
        if not self._more:
            self._text = ""
        return line


def _complete(names: list[str]) -> None:
    try:
        import readline
    except ImportError:  # a Python without it: everything works but editing
        return

    def complete(text: str, state: int) -> str | None:
        found = [name for name in names if name.startswith(text)]
        return found[state] if state < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(' \t\n()[]{},+-*/%!=<>?:&|"')
    readline.parse_and_bind("tab: complete")
