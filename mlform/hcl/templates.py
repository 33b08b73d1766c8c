"""Tokens to templates: quoted strings, heredocs and bare templates."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mlform.diagnostics import SourceRange, did_you_mean
from mlform.hcl import lexer
from mlform.hcl.ast import Expression, Interpolation, Template, Text
from mlform.hcl.cursor import Cursor
from mlform.hcl.pieces import Chunk, For, If, Keyword, Piece, assemble, strip_indentation
from mlform.hcl.strings import unescape_lines, unescape_quoted

_DIRECTIVES = ("if", "else", "endif", "for", "endfor")


class TemplateParser(Cursor, ABC):
    """The part of the parser that reads templates."""

    @abstractmethod
    def expression(self) -> Expression:
        """Read an expression."""

    @abstractmethod
    def for_names(self, kind: str) -> tuple[str | None, str]:
        """Read `key, value in` or `value in` of a loop, whose `kind` is for the messages."""

    def string(self) -> Template:
        """Read a quoted string without template sequences."""
        has_escapes = self.kinds[self.at] == lexer.STRING
        place = self.take()
        value = self.text[place[1] + 1 : place[2] - 1]
        if has_escapes or not value.isascii():
            value = unescape_quoted(value, place[1] + 1, self._report_escape)
        return Template((Text(value, place),) if value else (), place)

    def quoted(self) -> Template:
        """Read a quoted string from its opening quote on."""
        start = self.starts[self.at]
        outer = self.open_bracket(newlines=True)
        pieces = self._pieces(lexer.QUOTE_END)
        if self.kinds[self.at] == lexer.END:
            self.fail(
                "Unterminated template string",
                'The file ends inside this string. Add the closing quote (").',
                self.range(start, start + 1),
            )
        parts = assemble(pieces, self.token_range(), self.report)
        end = self.ends[self.at]
        self.close_bracket(outer)
        return Template(parts, self.range(start, end))

    def heredoc(self) -> Template:
        """Read a heredoc from its opening line on."""
        start = self.starts[self.at]
        opening = self.word()
        outer = self.open_bracket(newlines=True)
        pieces = self._pieces(lexer.HEREDOC_END)
        if self.kinds[self.at] == lexer.END:
            marker = opening.lstrip("<").lstrip("-").strip()
            self.fail(
                "Unterminated template string",
                f"The heredoc that starts on line {self.source.position(start).line} has no "
                "end. "
                f'Write "{marker}" '
                "alone on a line of its own after the text, with a line break after it.",
            )
        if opening.startswith("<<-"):
            strip_indentation(pieces)
        parts = assemble(pieces, self.token_range(), self.report)
        end = self.ends[self.at]
        self.close_bracket(outer)
        return Template(parts, self.range(start, end))

    def bare(self) -> Template:
        """Read a whole source that is a template."""
        pieces = self._pieces(lexer.END)
        parts = assemble(pieces, self.token_range(), self.report)
        return Template(parts, self.range(0, len(self.text)))

    def _report_escape(self, detail: str, start: int, end: int) -> None:
        self.report("Invalid escape sequence", detail, self.range(start, end))

    def _pieces(self, closing: str) -> list[Piece]:
        """Read up to the closing token, which stays the next one, or to the end of the file."""
        pieces: list[Piece] = []
        strip_next = False
        while True:
            kind = self.kinds[self.at]
            if kind in (closing, lexer.END):
                return pieces
            if kind == lexer.TEXT:
                chunk = self._chunk(quoted=closing == lexer.QUOTE_END)
                if strip_next:
                    chunk.value = chunk.value.lstrip()
                strip_next = False
                pieces.append(chunk)
            elif kind in (lexer.INTERPOLATION, lexer.DIRECTIVE):
                if self.word().endswith("~") and pieces and isinstance(pieces[-1], Chunk):
                    pieces[-1].value = pieces[-1].value.rstrip()
                piece, strip_next = self._sequence(quoted=closing == lexer.QUOTE_END)
                pieces.append(piece)
            else:
                self.fail("Invalid expression", f"There is {self.found()} in a template.")

    def _chunk(self, *, quoted: bool) -> Chunk:
        raw = self.word()
        place = self.token_range()
        if not quoted:
            value = unescape_lines(raw)
        elif "\\" in raw or "{" in raw:
            value = unescape_quoted(raw, place.start_offset, self._report_escape)
        else:
            value = raw
        self.at += 1
        return Chunk(value, place)

    def _sequence(self, *, quoted: bool) -> tuple[Piece, bool]:
        """Read `${…}` or `%{…}`; also return whether the text after it is to be stripped."""
        opening = self.token_range()
        interpolation = self.kinds[self.at] == lexer.INTERPOLATION
        self.enter()
        outer = self.open_bracket()
        piece: Piece
        if interpolation:
            expression = self.expression()
            self._expect_end(opening, "interpolation expression", quoted=quoted)
            piece = Interpolation(expression, opening.to(self.token_range()))
        else:
            piece = self._directive(opening)
            name = piece.name if isinstance(piece, Keyword) else type(piece).__name__.lower()
            self._expect_end(opening, f"{name} marker", quoted=quoted)
            piece.range = opening.to(self.token_range())
        strip_next = self.text[self.starts[self.at]] == "~"
        self.close_bracket(outer)
        self.depth -= 1
        return piece, strip_next

    def _expect_end(self, opening: SourceRange, what: str, *, quoted: bool) -> None:
        kind = self.kinds[self.at]
        if kind == lexer.SEQUENCE_END:
            return
        mark = opening.text[:2]
        if kind == lexer.END or (quoted and kind in (lexer.UNTERMINATED, lexer.QUOTE)):
            self.fail(
                "Unclosed template interpolation sequence",
                f'This "{mark}" has no "}}" before the file or the string ends. Add the closing '
                "brace; "
                f'to mean the characters themselves, write "{mark[0]}{mark}".',
                opening,
            )
        between = "after" if what.startswith("interpolation") else "in"
        self.fail(
            f"Extra characters {between} {what}",
            f'The sequence has to end with "}}" here, but there is {self.found()}. Remove it or '
            "close the "
            f'sequence before; to mean the characters "{mark}" themselves, write '
            f'"{mark[0]}{mark}".',
        )

    def _directive(self, opening: SourceRange) -> If | For | Keyword:
        if self.kinds[self.at] != lexer.IDENTIFIER:
            self.fail(
                "Invalid template directive",
                'After "%{" comes one of the words if, else, endif, for and endfor, not '
                f"{self.found()}. To "
                'mean the characters "%{" themselves, write "%%{".',
            )
        name = self.word()
        if name not in _DIRECTIVES:
            self.fail(
                "Invalid template control keyword",
                f'There is no directive "{name}".{did_you_mean(name, _DIRECTIVES)} The '
                "directives are if, "
                'else, endif, for and endfor. To mean the characters "%{" themselves, write '
                '"%%{".',
            )
        self.advance()
        if name == "if":
            return If(self.expression(), opening)
        if name == "for":
            key, value = self.for_names("directive")
            return For(key, value, self.expression(), opening)
        return Keyword(name, opening)
