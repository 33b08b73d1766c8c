"""The tokens of a text with its comments, for what has to give the text back."""

from __future__ import annotations

import re
from typing import Final

from mlform.dataclass import dataclass
from mlform.hcl.lexer import END, HEREDOC_END, NEWLINE, Tokens

COMMENT: Final = "comment"
"""A `/* … */`, which has no line break of its own."""
LINE_COMMENT: Final = "line_comment"
"""A comment from `#` or `//` up to and with its line break, or up to the end of the file."""
LINE_ENDS: Final = frozenset({NEWLINE, LINE_COMMENT})

_COMMENTS = re.compile(r"\#[^\n]*|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*\*/")


@dataclass(slots=True)
class CommentedTokens:
    """Three parallel lists: kind, characters and offset in the text of each token.

    The kinds are those of the lexer and the two above. The characters of a closing marker of a
    heredoc have the space around it; other space is left out.
    """

    kinds: list[str]
    texts: list[str]
    starts: list[int]

    def add(self, kind: str, text: str, start: int) -> None:
        """Add a token."""
        self.kinds.append(kind)
        self.texts.append(text)
        self.starts.append(start)

    def extend(self, other: CommentedTokens) -> None:
        """Add all tokens of another."""
        self.kinds += other.kinds
        self.texts += other.texts
        self.starts += other.starts

    @property
    def end(self) -> int:
        """The offset in the text behind the last token."""
        return self.starts[-1] + len(self.texts[-1]) if self.starts else 0

    def between(self, start: int, end: int) -> CommentedTokens:
        """Return the tokens with these numbers."""
        kinds, texts, starts = self.kinds[start:end], self.texts[start:end], self.starts[start:end]
        return CommentedTokens(kinds, texts, starts)


def with_comments(text: str, tokens: Tokens) -> CommentedTokens:
    """Return the tokens of a text that has no errors, and the comments between them.

    The lexer drops comments, but what it drops is what is left between two tokens.
    """
    found = CommentedTokens([], [], [])
    add_kind, add_text, add_start = found.kinds.append, found.texts.append, found.starts.append
    behind = 0
    for kind, start, stop in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        begin, end = start, stop
        if start != behind and not (gap := text[behind:start]).isspace():
            if _add_comments(found, gap, behind) == LINE_COMMENT:
                found.texts[-1] += text[start:end]
                behind = end
                continue
        elif kind == HEREDOC_END:
            begin, end = behind, _behind_space(text, stop)
        if kind == END:
            break
        add_kind(kind)
        add_text(text[begin:end])
        add_start(begin)
        behind = end
    return found


def _behind_space(text: str, at: int) -> int:
    """Return the place behind the space that begins at a place."""
    while text.startswith((" ", "\t"), at):
        at += 1
    return at


def _add_comments(found: CommentedTokens, gap: str, offset: int) -> str:
    """Add the comments in the text between two tokens; return the kind of the last one.

    A `LINE_COMMENT` is still without its line break: that is the token behind the gap.
    """
    kind = COMMENT
    for match in _COMMENTS.finditer(gap):
        kind = COMMENT if match.group().startswith("/*") else LINE_COMMENT
        found.add(kind, match.group(), offset + match.start())
    return kind
