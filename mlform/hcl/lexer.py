"""Text to tokens, after the lexical part of HCL's published native syntax specification.

The whole text becomes three parallel lists, because a list of token objects would cost more than
the rest of the parse. Comments and spaces between tokens are dropped. Nothing raises: what is no
token becomes one of kind `BAD`, `UNTERMINATED` or `OPEN_COMMENT`, which no rule of the
grammar takes.
"""

from __future__ import annotations

import re
from typing import Final

from mlform.dataclass import dataclass

IDENTIFIER: Final = "identifier"
NUMBER: Final = "number"
PLAIN: Final = "plain"
"""A quoted string without escapes and template sequences, quotes included."""
STRING: Final = "string"
"""A quoted string with escapes but without template sequences, quotes included."""
QUOTE: Final = "quote"
QUOTE_END: Final = "quote_end"
HEREDOC: Final = "heredoc"
"""The opening line of a heredoc, up to and with its line break."""
HEREDOC_END: Final = "heredoc_end"
"""The closing marker of a heredoc, without the space before it."""
TEXT: Final = "text"
"""Literal text in a template: at most one line, its line break included."""
INTERPOLATION: Final = "interpolation"
DIRECTIVE: Final = "directive"
SEQUENCE_END: Final = "sequence_end"
"""The `}` or `~}` of an interpolation or directive."""
NEWLINE: Final = "newline"
UNTERMINATED: Final = "unterminated"
"""The place where the line ends inside a quoted string."""
OPEN_COMMENT: Final = "open_comment"
"""A `/*` without `*/`; reaches to the end of the text."""
BAD: Final = "bad"
END: Final = "end"

# Whatever is not ASCII is taken as part of a word first and checked afterwards: the classes of
# characters that `re` knows are not those of Unicode's identifiers. Said by what is left out, all
# of it ASCII, because `re` takes ten times as long to compile a range up to the last character.
_WORD = r"[^\x00-@\[-^`{-\x7f][^\x00-,./:-@\[-^`{-\x7f]*+"
_SPACE = r"(?:[ \t]++|\#[^\n]*+|//[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*\*/)*"
_KINDS = (
    rf"(?P<identifier>{_WORD})"
    r"|(?P<newline>\r?\n)"
    r"|(?P<punctuation>[=!<>]=|=>|&&|\|\||::|\.\.\.|<(?!<)|[=.,()\[\]:?+*%>!-]|/(?!\*))"
    r'|(?P<plain>"[^"\\$%\n]*+")'
    r"|(?P<number>[0-9](?:[0-9.]*(?:[0-9]|[eE][+-]?[0-9]))*)"
    r"|(?P<brace>~?\}|\{)"
    r'|(?P<string>"[^"\\$%\n]*+(?:(?:\\[^\n]|\$\$\{|%%\{|[$%](?!\{))[^"\\$%\n]*+)*")'
    r'|(?P<quote>")'
    rf"|(?P<heredoc><<-?{_WORD}\r?\n)"
    r"|(?P<shift><)"
    r"|(?P<open_comment>/\*(?s:.*))"
    r"|(?P<end>\Z)"
    r"|(?P<bad>(?s:.))"
)
_TOKEN: Final = rf"{_SPACE}(?:{_KINDS})"
# In most texts most lines are `name = value`: to take the line break, the name, the sign and what
# follows in one match, and a step of a reference in another, saves a quarter of the time.
_ASCII_TOKEN: Final = (
    rf"(?a){_SPACE}(?:(?P<line>\r?\n)[ \t]*+(?P<name>[A-Za-z_][\w-]*+)[ \t]*+(?P<sign>=)(?![=>])"
    r'(?:[ \t]*+(?:(?P<line_plain>"[^"\\$%\n]*+")|(?P<line_word>[A-Za-z_][\w-]*+)'
    r"|(?P<line_number>[0-9]++(?![.eE]))))?"
    rf"|\.(?P<step>[A-Za-z_][\w-]*+)|{_KINDS})"
)
_LINE_KINDS: Final = {
    "sign": (NEWLINE, IDENTIFIER, "="),
    "line_plain": (NEWLINE, IDENTIFIER, "=", PLAIN),
    "line_number": (NEWLINE, IDENTIFIER, "=", NUMBER),
    "line_word": (NEWLINE, IDENTIFIER, "=", IDENTIFIER),
}
_VERBATIM: Final = frozenset({NEWLINE, NUMBER, PLAIN, STRING, OPEN_COMMENT, BAD})
_VERBATIM_ASCII: Final = _VERBATIM | {IDENTIFIER}
# Groups are not repeated possessively: Python 3.11.2, that of Debian 12, gets `(?:…)*+` wrong.
_QUOTED_TEXT = re.compile(r'(?:[^"\\$%\n]++|\\[^\n]|\$\$\{|%%\{|[$%](?!\{))+')
_LINE_TEXT = re.compile(r"(?:[^$%\n]++|\$\$\{|%%\{|[$%](?!\{))*\n?")
_LINE_END = re.compile(r"[ \t\r]*+\n")
_SEQUENCE = re.compile(r"[$%]\{~?")
_CLOSING_QUOTE = re.compile(r'(?:[^"\\]++|\\.)*"', re.DOTALL)
_ITEM_LINE = re.compile(r'^[ \t]*(?:[\w-]+(?:[ \t]*[={]|[ \t]+")|\}|\]|\))', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text; token `n` has kind `kinds[n]` and characters `starts[n]:ends[n]`.

    The kind of punctuation is the punctuation itself. The last token is always `END`.
    """

    kinds: list[str]
    starts: list[int]
    ends: list[int]


@dataclass(slots=True)
class _Mode:
    """What the text at hand is part of: a template of some kind, or a sequence in one."""

    kind: str
    marker: str = ""
    open_braces: int = 0


_SEQUENCE_MODE: Final = "sequence"
_BARE_MODE: Final = "bare"


def tokenize(text: str, offset: int = 0) -> Tokens:
    """Return the tokens of a configuration or an expression, from a character offset on."""
    return _Scanner(text).scan(offset)


def tokenize_template(text: str) -> Tokens:
    """Return the tokens of a bare template, such as a file of `templatefile`."""
    scanner = _Scanner(text)
    scanner.modes.append(_Mode(_BARE_MODE))
    return scanner.scan(0)


def closing_marker(text: str, opening: str, offset: int) -> tuple[int, int] | None:
    """Return where the closing marker of a heredoc is, searched line by line.

    Args:
        text: The whole text.
        opening: The opening token, such as `<<-EOT` with its line break.
        offset: Where the heredoc's first line starts.
    """
    marker = opening.lstrip("<").removeprefix("-").strip()
    closing = re.compile(rf"^[ \t]*+({re.escape(marker)})(?=[ \t\r]*+\n)", re.MULTILINE)
    found = closing.search(text, offset)
    return None if found is None else found.span(1)


def identifier_length(text: str, start: int, end: int) -> int:
    """Return how many characters from `start` on make the longest identifier, 0 for none."""
    word = text[start:end]
    if word.isascii():
        return len(word)
    # `isidentifier` is Unicode's rule for identifiers, the one that HCL's specification names.
    if not word[0].isidentifier():
        return 0
    ends = (n for n, character in enumerate(word) if not _continues_identifier(character))
    return next(ends, len(word))


def _continues_identifier(character: str) -> bool:
    return character == "-" or f"_{character}".isidentifier()


class _Scanner:
    """One pass over a text; `modes` says what encloses the place it is at, outermost first."""

    def __init__(self, text: str) -> None:
        self.text = text
        ascii_only = text.isascii()
        # To compile either takes a hundredth of a small plan, and most texts are ASCII.
        self.pattern = re.compile(_ASCII_TOKEN if ascii_only else _TOKEN)
        self.verbatim = _VERBATIM_ASCII if ascii_only else _VERBATIM
        self.modes: list[_Mode] = []
        self.kinds: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def scan(self, offset: int) -> Tokens:
        at = offset
        while at >= 0:
            mode = self.modes[-1] if self.modes else None
            if mode is None or mode.kind is _SEQUENCE_MODE:
                at = self._code(at, mode)
            elif at >= len(self.text):
                self._add(END, at, at)
                at = -1
            elif mode.kind is QUOTE:
                at = self._quoted(at)
            else:
                at = self._lines(at, mode)
        return Tokens(self.kinds, self.starts, self.ends)

    def _add(self, kind: str, start: int, end: int) -> int:
        self.kinds.append(kind)
        self.starts.append(start)
        self.ends.append(end)
        return end

    def _code(self, at: int, mode: _Mode | None) -> int:
        """Scan until the mode changes; return where, or -1 at the end of the text."""
        text = self.text
        add_kind, add_start, add_end = self.kinds.append, self.starts.append, self.ends.append
        verbatim = self.verbatim
        for match in self.pattern.finditer(text, at):
            kind = match.lastgroup or END
            if kind in _LINE_KINDS:
                self._line(match, kind)
                continue
            start, end = match.span(kind)
            if kind == "step":
                self.kinds += (".", IDENTIFIER)
                self.starts += (start - 1, start)
                self.ends += (start, end)
                continue
            if kind == "punctuation":
                kind = text[start:end]
            elif kind not in verbatim:
                resume = self._special(kind, start, end, mode)
                if resume >= 0:
                    return resume
                if kind == END:
                    return -1
                continue
            add_kind(kind)
            add_start(start)
            add_end(end)
        return -1

    def _line(self, match: re.Match[str], kind: str) -> None:
        """Add the tokens of a line break and the line after it, or its beginning."""
        line, name, sign = match.span(1), match.span(2), match.span(3)
        self.kinds += _LINE_KINDS[kind]
        if kind == "sign":
            self.starts += (line[0], name[0], sign[0])
            self.ends += (line[1], name[1], sign[1])
        else:
            value = match.span(kind)
            self.starts += (line[0], name[0], sign[0], value[0])
            self.ends += (line[1], name[1], sign[1], value[1])

    def _special(self, kind: str, start: int, end: int, mode: _Mode | None) -> int:
        """Add a token that needs a second look; return where to go on in another mode, or -1."""
        if kind == IDENTIFIER:
            if identifier_length(self.text, start, end) != end - start:
                self._broken_word(start, end)
                return -1
        elif kind == "brace":
            return self._brace(mode, start, end)
        elif kind in ("quote", "heredoc"):
            return self._open(kind, start, end)
        elif kind == "shift":
            kind = "<"
        self._add(kind, start, end)
        return -1

    def _broken_word(self, start: int, end: int) -> None:
        """Add the identifiers in a word, and each run of characters that are in none."""
        text = self.text
        at = start
        while at < end:
            begin = at
            kind = IDENTIFIER if text[at].isidentifier() else BAD
            at += 1
            if kind is IDENTIFIER:
                while at < end and _continues_identifier(text[at]):
                    at += 1
            else:
                while at < end and not text[at].isidentifier():
                    at += 1
            self._add(kind, begin, at)

    def _brace(self, mode: _Mode | None, start: int, end: int) -> int:
        """Add a brace; return where to go on if it ends a sequence in a template, else -1."""
        if self.text[start] == "{":
            if mode is not None:
                mode.open_braces += 1
            self._add("{", start, end)
            return -1
        if mode is not None and mode.open_braces == 0:
            self.modes.pop()
            return self._add(SEQUENCE_END, start, end)
        if end - start > 1:
            self._add(BAD, start, start + 1)
        if mode is not None:
            mode.open_braces -= 1
        self._add("}", end - 1, end)
        return -1

    def _open(self, kind: str, start: int, end: int) -> int:
        if kind == "quote":
            self.modes.append(_Mode(QUOTE))
            return self._add(QUOTE, start, end)
        marker = self.text[start:end].lstrip("<").removeprefix("-").rstrip("\r\n")
        if identifier_length(marker, 0, len(marker)) != len(marker):
            self._add("<", start, start + 1)
            return self._add("<", start + 1, start + 2)
        self.modes.append(_Mode(HEREDOC, marker))
        return self._add(HEREDOC, start, end)

    def _quoted(self, at: int) -> int:
        match = _QUOTED_TEXT.match(self.text, at)
        if match is not None:
            at = self._add(TEXT, at, match.end())
        if self.text.startswith('"', at):
            self.modes.pop()
            return self._add(QUOTE_END, at, at + 1)
        sequence = _SEQUENCE.match(self.text, at)
        return self._sequence(sequence) if sequence is not None else self._broken_string(at)

    def _sequence(self, match: re.Match[str]) -> int:
        kind = INTERPOLATION if match.group()[0] == "$" else DIRECTIVE
        self.modes.append(_Mode(_SEQUENCE_MODE))
        return self._add(kind, match.start(), match.end())

    def _broken_string(self, at: int) -> int:
        """Go on after a line break in a quoted string, so that it is reported just once.

        Where the text up to the next quote looks like text, it was meant as one string; where it
        looks like code, the closing quote was forgotten and the string ends with the line.
        """
        if at >= len(self.text):
            return at
        self._add(UNTERMINATED, at, at + 1)
        closing = _CLOSING_QUOTE.match(self.text, at)
        line_break = self.text.find("\n", at)
        if closing is not None and not _ITEM_LINE.search(self.text, line_break + 1, closing.end()):
            self.modes.pop()
            return closing.end()
        while self.modes and self.modes[-1].kind in (QUOTE, _SEQUENCE_MODE):
            self.modes.pop()
        return line_break if line_break >= 0 else len(self.text)

    def _lines(self, at: int, mode: _Mode) -> int:
        """Scan a line, or the rest of a line, of a heredoc or a bare template."""
        text = self.text
        if mode.kind is HEREDOC and (at == 0 or text[at - 1] == "\n"):
            start = at
            while text.startswith((" ", "\t"), start):
                start += 1
            end = start + len(mode.marker)
            if text.startswith(mode.marker, start) and _LINE_END.match(text, end):
                self.modes.pop()
                return self._add(HEREDOC_END, start, end)
        match = _LINE_TEXT.match(text, at)
        if match is not None and match.end() > at:
            return self._add(TEXT, at, match.end())
        sequence = _SEQUENCE.match(text, at)
        return self._add(BAD, at, at + 1) if sequence is None else self._sequence(sequence)
