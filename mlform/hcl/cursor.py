"""Where the parser is in the tokens, and how it reports what it cannot take."""

from __future__ import annotations

from typing import Final, NoReturn

from mlform.diagnostics import Diagnostic, Source, SourceRange, range_of
from mlform.hcl import lexer

MAX_DEPTH: Final = 75
"""Levels of nesting that are read; what follows the parser walks the tree recursively as well."""
MAX_RECOVERY: Final = 2_000_000
"""Tokens and characters that are looked at again after errors, before the parser stops at one."""
MAX_CHAIN: Final = 100
"""Operators or traversal steps in one row; a row of n gives a tree n deep."""

_BAD_CHARACTERS: Final = {
    "'": 'Single quotes do not enclose strings. Write the string in double quotes: "…".',
    "`": (
        'The "`" character has no meaning here. For a string of several lines use a heredoc: '
        '"<<EOT", the lines, and "EOT" on a line of its own.'
    ),
    ";": (
        'The ";" character has no meaning here. Put each argument or block on a line of its '
        "own, "
        "and separate the items of a collection with commas."
    ),
    "\r": (
        "A carriage return alone does not end a line. Save the file with line feeds, or with "
        "carriage return and line feed."
    ),
    "\\": "A backslash does not continue a line. Put parentheses around what takes several lines.",
    "$": (
        'The "$" character has no meaning outside quoted strings. Write a reference without '
        '"${" and "}", and "${…}" only inside a string.'
    ),
    "\0": "The file holds a NUL character here. Remove it; configuration is plain text.",
}
_CURLY_QUOTES: Final = "\u2018\u2019\u201c\u201d\u201e\u201f"
_OPERATORS: Final = {
    "|": ' For "or" between two conditions write "||".',
    "&": ' For "and" between two conditions write "&&".',
    "~": ' For "not" write "!".',
    "^": "",
}


class SyntaxFailure(Exception):
    """The item at hand cannot be read; its diagnostic is recorded already."""


class Cursor:
    """A place in the tokens of one source.

    Attributes:
        at: The index of the next token.
        recovered: How many tokens and characters were looked at again after errors.
        newlines: Whether a line break ends something here; within brackets it does not.
    """

    def __init__(self, source: Source, tokens: lexer.Tokens) -> None:
        self.source = source
        self.text = source.text
        self.diagnostics: list[Diagnostic] = []
        self.depth = 0
        self.recovered = 0
        self.newlines = True
        self.at = 0
        self.load(tokens)

    def load(self, tokens: lexer.Tokens) -> None:
        """Go on with the first of these tokens."""
        self.kinds = tokens.kinds
        self.starts = tokens.starts
        self.ends = tokens.ends
        self.at = 0

    def advance(self) -> None:
        """Go to the next token that counts."""
        self.at = at = self.at + 1
        if not self.newlines and self.kinds[at] == "newline":
            self.skip_newlines()

    def take(self) -> SourceRange:
        """Go past the next token; return its range."""
        at = self.at
        self.at = at + 1
        if not self.newlines and self.kinds[at + 1] == "newline":
            self.skip_newlines()
        return range_of((self.source, self.starts[at], self.ends[at]))

    def skip_newlines(self) -> None:
        """Go past line breaks."""
        at, kinds = self.at, self.kinds
        while kinds[at] == "newline":
            at += 1
        self.at = at

    def open_bracket(self, *, newlines: bool = False) -> bool:
        """Go past an opening bracket; return what `close_bracket` needs."""
        outer, self.newlines = self.newlines, newlines
        self.advance()
        return outer

    def close_bracket(self, outer: bool) -> None:  # noqa: FBT001 - the state saved by open_bracket
        """Go past a closing bracket, back to the meaning that line breaks had outside."""
        self.newlines = outer
        self.advance()

    def word(self) -> str:
        """Return the text of the next token."""
        return self.text[self.starts[self.at] : self.ends[self.at]]

    def range(self, start: int, end: int) -> SourceRange:
        """Return a range of the source from two character offsets."""
        return range_of((self.source, start, end))

    def token_range(self) -> SourceRange:
        """Return the range of the next token."""
        at = self.at
        return range_of((self.source, self.starts[at], self.ends[at]))

    def found(self) -> str:
        """Say in words what the next token is."""
        kind = self.kinds[self.at]
        if kind == lexer.END:
            return "the end of the file"
        if kind == lexer.NEWLINE:
            return "the end of the line"
        if kind in (lexer.PLAIN, lexer.STRING, lexer.QUOTE):
            return "a quoted string"
        if kind == lexer.HEREDOC:
            return "a heredoc"
        return f'"{self.word()}"'

    def report(self, summary: str, detail: str, place: SourceRange) -> None:
        """Record an error and go on."""
        self.diagnostics.append(Diagnostic(summary=summary, detail=detail, range=place))

    def fail(self, summary: str, detail: str, place: SourceRange | None = None) -> NoReturn:
        """Record an error, by default at the next token, and give the item up.

        A token that is wrong anywhere is reported as that, which says more than what the
        grammar wanted in its place.

        Raises:
            SyntaxFailure: Always.
        """
        if place is None:
            lexical = self._lexical_error()
            if lexical is not None:
                summary, detail = lexical
            place = self.token_range()
        self.report(summary, detail, place)
        raise SyntaxFailure

    def fail_at_expression(self, wanted: str = "") -> NoReturn:
        """Report that the next token starts no expression.

        Raises:
            SyntaxFailure: Always.
        """
        if self.kinds[self.at] == lexer.END:
            self.fail(
                "Missing expression",
                f"The file ends where an expression has to start{wanted}. Write the value, or "
                "close the brackets that are open.",
            )
        self.fail(
            "Invalid expression",
            f"An expression has to start here{wanted}, but there is {self.found()}. Write a "
            "value, such as "
            'a number, a "quoted string", a reference or a function call.',
        )

    def _lexical_error(self) -> tuple[str, str] | None:
        kind = self.kinds[self.at]
        if kind == lexer.UNTERMINATED:
            return self._unterminated()
        if kind == lexer.OPEN_COMMENT:
            return (
                "Invalid expression",
                (
                    'This comment has no end: there is no "*/" after it in the file. Add "*/", '
                    "or "
                    "start "
                    'each line of the comment with "#".'
                ),
            )
        if kind != lexer.BAD:
            return None
        return _bad_character(self.word()[0])

    def _unterminated(self) -> tuple[str, str]:
        if self.text.startswith("\\", self.starts[self.at]):
            return (
                "Invalid character",
                (
                    "A backslash at the end of a line does not continue a quoted string. Close "
                    "the string "
                    'on this line, and write "\\n" for a line break in it.'
                ),
            )
        return (
            "Invalid multi-line string",
            (
                "The line ends before the string's closing quote. Add the quote; for several "
                "lines "
                'write "\\n" for each line break, or use a heredoc ("<<EOT").'
            ),
        )

    def enter(self) -> None:
        """Go one level of nesting down; the caller takes 1 off `depth` when it comes back.

        Raises:
            SyntaxFailure: If that is deeper than `MAX_DEPTH`.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(
                "Nesting too deep",
                f"Expressions and blocks may be nested {MAX_DEPTH} levels deep, and this is one "
                "more. Give inner parts names of their own with local values.",
                self.token_range(),
            )

    def check_chain(self, length: int) -> None:
        """Refuse a row of operators or traversal steps that is too long.

        Raises:
            SyntaxFailure: If it has more than `MAX_CHAIN`.
        """
        if length > MAX_CHAIN:
            self.fail(
                "Expression too long",
                f"One expression may join at most {MAX_CHAIN} operators or traversal steps in a "
                "row. Split it with local values, or use functions over a list, such as sum, "
                "concat or join.",
                self.token_range(),
            )


def _bad_character(character: str) -> tuple[str, str]:
    if character in _OPERATORS:
        return ("Unsupported operator", f"There are no operators on bits.{_OPERATORS[character]}")
    if character in _CURLY_QUOTES:
        return (
            "Invalid character",
            (
                "Curly quotes do not enclose strings; they often come from copied text. Replace "
                "them "
                'with straight double quotes (").'
            ),
        )
    known = _BAD_CHARACTERS.get(character)
    if known is not None:
        return ("Invalid character", known)
    return (
        "Invalid character",
        (
            f"The character U+{ord(character):04X} has no meaning outside strings and comments. "
            "Remove it, or put the text in double quotes."
        ),
    )
