"""Text to tree: the public face of the parser, bodies, and how it goes on after an error.

The grammar is that of HCL's published native syntax specification; summaries of errors are
Terraform's, so that what people know and search for stays the same. After an error in an
argument or block the parser goes on behind it, so that one run reports the errors of all of them.
"""

from __future__ import annotations

import codecs
from typing import Final, NoReturn

from mlform.diagnostics import Diagnostic, Source, SourceRange, range_of
from mlform.hcl import lexer
from mlform.hcl.ast import Attribute, Block, Body, Expression, Template, Variable
from mlform.hcl.cursor import MAX_DEPTH, MAX_RECOVERY, SyntaxFailure
from mlform.hcl.expressions import ExpressionParser
from mlform.hcl.lexer import (
    BAD,
    END,
    IDENTIFIER,
    NEWLINE,
    NUMBER,
    OPEN_COMMENT,
    PLAIN,
    QUOTE,
    STRING,
    UNTERMINATED,
)
from mlform.hcl.recovery import BLOCK_START, STRINGS, recover
from mlform.hcl.strings import unescape_quoted

_ONE_TOKEN: Final = frozenset({IDENTIFIER, NUMBER, PLAIN, STRING})
_MAX_ERRORS: Final = 200
_ITEM_REQUIRED: Final = "Argument or block definition required"
_ONE_LINE: Final = "Invalid single-argument block definition"
_BLOCK_INVALID: Final = "Invalid block definition"
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_source(filename: str, data: bytes) -> tuple[Source, tuple[Diagnostic, ...]]:
    """Return the text of a file, and an error at the first place where it is not UTF-8.

    A byte order mark is dropped. Where bytes are not UTF-8 the text has U+FFFD instead, so that
    the rest can still be read.
    """
    marked = data.startswith(codecs.BOM_UTF8)
    content = data[len(codecs.BOM_UTF8) :] if marked else data
    try:
        return Source(filename, content.decode("utf-8")), ()
    except UnicodeDecodeError as error:
        source = Source(filename, content.decode("utf-8", errors="replace"))
        at = len(content[: error.start].decode("utf-8"))
        utf16 = " It looks like UTF-16." if data.startswith(_UTF16_MARKS) else ""
        detail = (
            f"The byte 0x{content[error.start]:02x} at this place is no part of UTF-8 text, and "
            f"all configuration has to be UTF-8.{utf16} Save the file as UTF-8 in your editor."
        )
        place = SourceRange(source, at, at + 1)
        return source, (
            Diagnostic(summary="Invalid character encoding", detail=detail, range=place),
        )


def parse(source: Source) -> tuple[Body, tuple[Diagnostic, ...]]:
    """Return the tree of a whole file and its errors.

    Arguments and blocks with errors are left out of the tree. Never raises.
    """
    parser = _Parser(source, lexer.tokenize(source.text))
    body = parser.file()
    return body, _in_order(parser.diagnostics)


def parse_expression(source: Source) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Return the tree of a source that is one expression, and its errors.

    The tree is None if it cannot be read. Line breaks may stand around it. Never raises.
    """
    parser = _Parser(source, lexer.tokenize(source.text))
    try:
        expression: Expression | None = parser.only_expression()
    except SyntaxFailure:
        expression = None
    return expression, _in_order(parser.diagnostics)


def parse_template(source: Source) -> tuple[Template, tuple[Diagnostic, ...]]:
    """Return the tree of a source that is a bare template, and its errors.

    The tree is empty if it cannot be read. Never raises.
    """
    parser = _Parser(source, lexer.tokenize_template(source.text))
    try:
        template = parser.bare()
    except SyntaxFailure:
        template = Template((), SourceRange(source, 0, len(source.text)))
    return template, _in_order(parser.diagnostics)


def _in_order(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    def start(diagnostic: Diagnostic) -> int:
        return diagnostic.range.start_offset if diagnostic.range is not None else 0

    return tuple(sorted(diagnostics, key=start))


class _Parser(ExpressionParser):
    """Reads bodies, and goes on after errors in them."""

    def file(self) -> Body:
        """Read a whole file."""
        attributes, blocks = self._items()
        return Body(attributes, blocks, self.range(0, len(self.text)))

    def only_expression(self) -> Expression:
        """Read a source that is one expression.

        Raises:
            SyntaxFailure: If it is not; the diagnostic is recorded.
        """
        self.skip_newlines()
        expression = self.expression()
        self.skip_newlines()
        if self.kinds[self.at] != END:
            self.fail(
                "Extra characters after expression",
                f"One expression is wanted here, and after its end there is {self.found()}. "
                "Remove what follows, or join the parts with an operator.",
            )
        return expression

    def _items(
        self, opening: SourceRange | None = None
    ) -> tuple[tuple[Attribute, ...], tuple[Block, ...]]:
        """Read the items of a file, or of a block up to its closing brace, which stays next."""
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        depth = self.depth
        while True:
            if self.kinds[self.at] == NEWLINE:
                self.skip_newlines()
            start = self.at
            kind = self.kinds[start]
            if kind == END or (kind == "}" and opening is not None):
                return tuple(attributes.values()), tuple(blocks)
            item: Attribute | Block
            try:
                if kind == IDENTIFIER and self.kinds[start + 1] == "=":
                    item = self._attribute_item()
                    first = attributes.setdefault(item.name, item)
                    if first is not item:
                        self._report_redefined(item, first)
                else:
                    item = self._block_item()
                    blocks.append(item)
                if self.kinds[self.at] != NEWLINE:
                    self._check_line_end(item)
            except SyntaxFailure:
                too_deep = depth >= MAX_DEPTH and self.depth > depth
                self.depth = depth
                self.newlines = True
                if too_deep:
                    # Every other block in here would be too deep as well.
                    self.at = len(self.kinds) - 1
                else:
                    recover(self, start)
                    self._check_errors()

    def _check_errors(self) -> None:
        """Stop at a number of errors that says the file is no configuration at all."""
        few = len(self.diagnostics) < _MAX_ERRORS and self.recovered < MAX_RECOVERY
        if few or self.kinds[self.at] == END:
            return
        self.report(
            "Too many errors",
            f"The file has {len(self.diagnostics)} errors up to here, and the rest is not read. "
            "Mend the first ones, or check that the file is configuration at all.",
            self.token_range(),
        )
        self.at = len(self.kinds) - 1

    def _report_redefined(self, attribute: Attribute, first: Attribute) -> None:
        self.report(
            "Attribute redefined",
            f'The argument "{attribute.name}" is set on line {first.name_range.start.line} '
            "already, and each may be set only once. Remove one of the two.",
            attribute.name_range,
        )

    def _check_line_end(self, item: Attribute | Block) -> None:
        if self.kinds[self.at] == END:
            return
        if isinstance(item, Attribute) and self.kinds[self.at] == ",":
            self.fail(
                "Unexpected comma after argument",
                "Arguments are separated by line breaks, not by commas. Remove the comma, or put "
                "brackets around the items of a list.",
            )
        if isinstance(item, Attribute):
            self.fail(
                "Missing newline after argument",
                f'The value of "{item.name}" ends before {self.found()}. '
                + (
                    _foreign_operator(item.expression, self.word())
                    or "Start a new line there; if it is meant as one value, an operator, a comma "
                    "or quotes are missing."
                ),
            )
        self.fail(
            "Missing newline after block definition",
            f'The block "{item.type}" ends with its brace, but {self.found()} follows. Start a '
            "new line there.",
        )

    def _block_item(self) -> Block:
        if self.kinds[self.at] != IDENTIFIER:
            self._no_item()
        if self.kinds[self.at + 1] not in BLOCK_START:
            self._no_argument()
        return self._block()

    def _attribute_item(self) -> Attribute:
        at = self.at
        start, name_end = self.starts[at], self.ends[at]
        self.at = at = at + 2
        kind = self.kinds[at]
        if kind in _ONE_TOKEN and self.kinds[at + 1] == NEWLINE:
            # Most values are one token: straight to it, past the levels that look for operators.
            expression = self.term(kind)
        else:
            expression = self.expression()
        source = self.source
        return Attribute(
            self.text[start:name_end],
            expression,
            range_of((source, start, expression.range[2])),
            range_of((source, start, name_end)),
        )

    def _no_item(self) -> NoReturn:
        kind = self.kinds[self.at]
        if kind in STRINGS:
            self.fail(
                "Invalid argument name",
                "The names of arguments and the types of blocks are written without quotes. "
                "Remove the quotes.",
            )
        if kind == "}":
            if self.diagnostics:
                # An error before this put the braces out of step: it says nothing new.
                raise SyntaxFailure
            self.fail(
                _ITEM_REQUIRED,
                "This closing brace belongs to no block: every block that was opened is closed "
                "already. Remove it, or look for a brace too many above.",
            )
        if kind == OPEN_COMMENT:
            self.fail(
                _ITEM_REQUIRED,
                'This comment has no end: there is no "*/" after it in the file. Add "*/", or '
                "start each line of "
                'the comment with "#".',
                self.range(self.starts[self.at], self.starts[self.at] + 2),
            )
        self.fail(
            _ITEM_REQUIRED,
            "An argument (name = value) or a block (type { … }) has to start here, but there "
            f"is {self.found()}. A value or operator alone on a line has no meaning: inside "
            "parentheses it may go over several lines.",
        )

    def _no_argument(self) -> NoReturn:
        place = self.token_range()
        name = place.text
        self.at += 1
        hint = f'Write "{name} = " and a value for an argument, or "{name} {{" for a block.'
        kind = self.kinds[self.at]
        if kind == ":":
            hint = f'Arguments are set with an equals sign: "{name} = …".'
        elif kind in (".", "["):
            hint = (
                f'Only a plain name can be set. To set a part of "{name}", give the whole '
                f'value: "{name} = {{ … }}".'
            )
        elif kind == BAD:
            hint = (
                f"The character U+{ord(self.word()[0]):04X} before it cannot stand here: remove "
                f"it. {hint}"
            )
        elif kind == NEWLINE and self.kinds[self.at + 1] == "{":
            hint = (
                "The opening brace of a block has to stand on the same line as its type and labels."
            )
        self.fail(_ITEM_REQUIRED, f'After "{name}" there is {self.found()}. {hint}', place)

    def _block(self) -> Block:
        self.enter()
        type_range = self.token_range()
        type_ = self.word()
        self.at += 1
        labels: list[str] = []
        ranges: list[SourceRange] = []
        while self.kinds[self.at] != "{":
            ranges.append(self.token_range())
            labels.append(self._label(type_))
        header = type_range.to(ranges[-1]) if ranges else type_range
        body = self._block_body(type_)
        self.depth -= 1
        return Block(type_, tuple(labels), body, header, type_range, tuple(ranges))

    def _label(self, block_type: str) -> str:
        kind = self.kinds[self.at]
        text = self.word()
        if kind == PLAIN and text.isascii():
            self.at += 1
            return text[1:-1]
        if kind == QUOTE:
            self._template_label()
        if kind in STRINGS:
            start = self.starts[self.at] + 1
            text = unescape_quoted(text[1:-1], start, self._report_escape)
        elif kind != IDENTIFIER:
            self._no_label(block_type)
        self.at += 1
        return text

    def _template_label(self) -> NoReturn:
        while self.kinds[self.at] in (QUOTE, lexer.TEXT):
            self.at += 1
        if self.kinds[self.at] == END:
            self.fail(
                "Unterminated string literal",
                "The file ends inside this label. Add the closing quote.",
            )
        if self.kinds[self.at] == UNTERMINATED:
            self.fail("Invalid multi-line string", "")
        mark = self.word()[:2]
        self.fail(
            "Invalid string literal",
            f'A label is a fixed name and cannot contain "{mark}…}}". Use a plain name, and '
            "count or for_each for "
            f'several resources; to mean the characters themselves, write "{mark[0]}{mark}".',
        )

    def _no_label(self, block_type: str) -> NoReturn:
        kind = self.kinds[self.at]
        if kind == "=":
            self.fail(
                _BLOCK_INVALID,
                f'An equals sign sets an argument, but "{block_type}" has labels as a block '
                "has. Remove the sign for a block; for an argument, keep one name before it.",
            )
        if kind == NEWLINE:
            self.fail(
                _BLOCK_INVALID,
                f'The header of the block "{block_type}" ends without "{{". Write the opening '
                "brace on the same line, and the closing one after the content.",
            )
        self.fail(
            _BLOCK_INVALID,
            f'After the type "{block_type}" and its labels comes another label (a name or a '
            '"quoted string") or the '
            f"opening brace, not {self.found()}. Labels of other characters are written in "
            "quotes.",
        )

    def _block_body(self, block_type: str) -> Body:
        opening = self.token_range()
        errors_before = len(self.diagnostics)
        self.at += 1
        if self.kinds[self.at] in (NEWLINE, "}", END):
            attributes, blocks = self._items(opening)
        else:
            attributes, blocks = (self._single_argument(block_type, opening),), ()
        if self.kinds[self.at] == END:
            # After an error the brace was most likely lost to it.
            if len(self.diagnostics) == errors_before:
                self.report(*_unclosed(block_type), opening)
            return Body(attributes, blocks, opening.to(self.token_range()))
        whole = opening.to(self.token_range())
        self.at += 1
        return Body(attributes, blocks, whole)

    def _single_argument(self, block_type: str, opening: SourceRange) -> Attribute:
        """Read the argument of a block on one line; its closing brace stays next."""
        at = self.at
        if self.kinds[at] != IDENTIFIER:
            if self.kinds[at] in STRINGS:
                self.fail(
                    _ITEM_REQUIRED,
                    "The names of arguments are written without quotes. Remove the quotes.",
                )
            self._no_item()
        if self.kinds[at + 1] in BLOCK_START:
            inner = self.word()
            self.fail(
                "Argument definition required",
                f'A block on one line can hold one argument, but "{inner}" starts a block. Put '
                "it on a line of its own; "
                f'if it is an argument, write "{inner} = …".',
            )
        if self.kinds[at + 1] != "=":
            self._no_argument()
        argument = self._attribute_item()
        kind = self.kinds[self.at]
        if kind == END:
            self.fail(*_unclosed(block_type), opening)
        if kind != "}":
            self._not_single(block_type, kind)
        return argument

    def _not_single(self, block_type: str, kind: str) -> NoReturn:
        several = (
            f'Put each argument of "{block_type}" and the closing brace on lines of their own.'
        )
        if kind == NEWLINE:
            self.fail(
                _ONE_LINE,
                "An argument on the line of the opening brace makes this a block on one line, "
                "which has to be closed "
                f'on that line too. Add "}}", or: {several[0].lower()}{several[1:]}',
            )
        self.fail(
            _ONE_LINE,
            'A block on one line holds a single argument, and after it comes "}", not '
            f"{self.found()}. {several}",
        )


def _unclosed(block_type: str) -> tuple[str, str]:
    return (
        "Unclosed configuration block",
        (
            f'The brace of the block "{block_type}" is never closed: the file ends first. Add "}}" '
            "after its content, or look for a block inside it that lacks one."
        ),
    )


_FOREIGN: Final = {"and": "&&", "or": "||", "is": "=="}
"""Operators of other languages that are words, and what stands for them here."""


def _foreign_operator(expression: Expression, following: str) -> str:
    """Return how an operator of another language is written here, or nothing."""
    if isinstance(expression, Variable) and expression.name == "not":
        return 'The operator is written "!", not "not".'
    if following in _FOREIGN:
        return f'The operator is written "{_FOREIGN[following]}", not "{following}".'
    return ""
