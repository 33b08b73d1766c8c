"""Whether an expression that is typed line by line goes on in the next line.

Only what can span lines is followed: brackets, templates, heredocs and comments. Whether the text
is otherwise right is for the parser to say, so a text that cannot be mended by more lines counts as
complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mlform.dataclass import dataclass, field

_CODE: Final = re.compile(r'"|#|//|/\*|<<-?[^\W\d][\w-]*[ \t]*\r?$|[\[({]|[\])}]')
_QUOTED: Final = re.compile(r'\\.|\$\$\{|%%\{|[$%]\{|"')
_HEREDOC: Final = re.compile(r"\$\$\{|%%\{|[$%]\{")
_CLOSES: Final = {"[": "]", "(": ")", "{": "}"}
_COMMENT: Final = "/*"
_STRING: Final = '"'
_MARKER: Final = "<<"


@dataclass(slots=True)
class Continuation:
    """Follows one expression; feed it whole lines until it is not open any more."""

    _open: list[str] = field(default_factory=list)
    """What is open, outermost first: the closing bracket, a string, a comment or a heredoc."""
    _broken: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the expression goes on in the next line."""
        return bool(self._open) and not self._broken

    def feed(self, line: str) -> None:
        """Take the next line; its line break is optional."""
        line = line.rstrip("\n")
        at = 0
        if self._innermost.startswith(_MARKER) and line.strip() == self._innermost[2:]:
            self._open.pop()
            at = len(line)
        while at < len(line) and not self._broken:
            at = self._step()(line, at)
        if self._innermost == _STRING:
            self._broken = True  # a string in quotes ends in its line

    @property
    def _innermost(self) -> str:
        return self._open[-1] if self._open else ""

    def _step(self) -> Callable[[str, int], int]:
        innermost = self._innermost
        if innermost == _COMMENT:
            return self._in_comment
        if innermost == _STRING or innermost.startswith(_MARKER):
            return self._in_template
        return self._in_code

    def _in_comment(self, line: str, at: int) -> int:
        end = line.find("*/", at)
        if end < 0:
            return len(line)
        self._open.pop()
        return end + 2

    def _in_template(self, line: str, at: int) -> int:
        found = (_QUOTED if self._innermost == _STRING else _HEREDOC).search(line, at)
        if found is None:
            return len(line)
        if found[0] == _STRING:
            self._open.pop()
        elif found[0] in {"${", "%{"}:
            self._open.append("}")
        return found.end()

    def _in_code(self, line: str, at: int) -> int:
        found = _CODE.search(line, at)
        if found is None or found[0] in {"#", "//"}:
            return len(line)
        text = found[0]
        if text in _CLOSES:
            self._open.append(_CLOSES[text])
        elif text in {_STRING, _COMMENT}:
            self._open.append(text)
        elif text.startswith(_MARKER):
            self._open.append(_MARKER + text.removeprefix(_MARKER).removeprefix("-").strip())
        elif text == self._innermost:
            self._open.pop()
        else:
            self._broken = True
        return found.end()


def is_open(text: str) -> bool:
    """Whether a text of one or more lines goes on in the next line."""
    following = Continuation()
    for line in text.split("\n"):
        following.feed(line)
    return following.is_open
