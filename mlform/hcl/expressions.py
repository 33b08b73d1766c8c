"""Tokens to expressions, by recursive descent after HCL's published native syntax specification."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from mlform.diagnostics import SourceRange, range_of
from mlform.hcl import lexer
from mlform.hcl.ast import (
    Binary,
    BinaryOperator,
    Call,
    Conditional,
    Expression,
    GetAttribute,
    Index,
    Literal,
    Parentheses,
    Splat,
    SplatItem,
    Unary,
    UnaryOperator,
    Variable,
)
from mlform.hcl.constructors import ConstructorParser

_PRECEDENCE: Final = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
_BINARY: Final = {operator.value: operator for operator in BinaryOperator}
_UNARY: Final = {operator.value: operator for operator in UnaryOperator}
_KEYWORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_ONE_TOKEN: Final = frozenset({lexer.IDENTIFIER, lexer.NUMBER, lexer.PLAIN, lexer.STRING})
_ENDS: Final = frozenset({",", ")", "]", "}", lexer.SEQUENCE_END})
_POSTFIX: Final = frozenset({".", "["})
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_MAX_INTEGER_DIGITS: Final = 4000


class ExpressionParser(ConstructorParser):
    """Reads expressions; every method starts at its first token and ends after its last."""

    def expression(self) -> Expression:
        """Read an expression, of which a conditional binds least."""
        kinds, at = self.kinds, self.at
        if kinds[at] in _ONE_TOKEN and kinds[at + 1] in _ENDS:
            # As most items and arguments are: past the levels that look for operators.
            return self.term(kinds[at])
        self.enter()
        condition = self._binary()
        if self.kinds[self.at] == "?":
            condition = self._conditional(condition)
        self.depth -= 1
        return condition

    def _conditional(self, condition: Expression) -> Expression:
        self.advance()
        then = self.expression()
        if self.kinds[self.at] != ":":
            self.fail(
                "Missing false expression in conditional",
                'A conditional is "condition ? value if true : value if false", but after the '
                "first value "
                f'there is {self.found()} and no ":". Add the second value on the same line, or '
                "put the whole in parentheses to go over several lines.",
            )
        self.advance()
        otherwise = self.expression()
        return Conditional(condition, then, otherwise, condition.range.to(otherwise.range))

    def _binary(self) -> Expression:
        """Read operands and operators, with a stack of what waits for its right operand."""
        operand = self._operand()
        precedence = _PRECEDENCE.get(self.kinds[self.at])
        if precedence is None:
            return operand
        waiting: list[tuple[int, str, Expression]] = []
        length = 0
        while precedence is not None:
            while waiting and waiting[-1][0] >= precedence:
                operand = _joined(waiting, operand)
            waiting.append((precedence, self.kinds[self.at], operand))
            length += 1
            self.check_chain(length)
            self.advance()
            operand = self._operand()
            precedence = _PRECEDENCE.get(self.kinds[self.at])
        while waiting:
            operand = _joined(waiting, operand)
        return operand

    def _operand(self) -> Expression:
        kind = self.kinds[self.at]
        operator = _UNARY.get(kind)
        if operator is not None:
            start = self.token_range()
            self.enter()
            self.advance()
            operand = self._operand()
            self.depth -= 1
            return Unary(operator, operand, start.to(operand.range))
        term = self.term(kind)
        return self._traversal(term) if self.kinds[self.at] in _POSTFIX else term

    def term(self, kind: str) -> Expression:  # noqa: PLR0911 - a table, one line each
        """Read what starts with a token of this kind, without the dots and brackets after it."""
        match kind:
            case "identifier":
                return self._name()
            case "number":
                return self.number()
            case "plain" | "string":
                return self.string()
            case "quote":
                return self.quoted()
            case "heredoc":
                return self.heredoc()
            case "[":
                return self.tuple_constructor()
            case "{":
                return self.object_constructor()
            case "(":
                return self._parentheses()
            case _:
                return self.fail_at_expression()

    def number(self) -> Literal:
        """Read a number."""
        text = self.word()
        value: int | Decimal
        if text.isdigit() and len(text) < _MAX_INTEGER_DIGITS:
            value = int(text)
        elif re.fullmatch(_NUMBER, text):
            try:
                value = Decimal(text)
            except InvalidOperation:
                self.fail(
                    "Invalid number literal",
                    f'The exponent of "{text}" is too large to calculate with. Write a smaller '
                    "number.",
                )
        else:
            self.fail(
                "Invalid number literal",
                f'"{text}" is not a number: a number has one decimal point at most. Put text '
                "such as a version in double quotes.",
            )
        return Literal(value, self.take())

    def _name(self) -> Expression:
        place = self.take()
        name = self.text[place[1] : place[2]]
        kind = self.kinds[self.at]
        if kind == "(":
            return self._call(name, place)
        if kind == "::":
            while self.kinds[self.at] == "::":
                self.advance()
                if self.kinds[self.at] != lexer.IDENTIFIER:
                    self.fail(
                        "Missing function name",
                        f'After "::" comes the name of a function, not {self.found()}. Write '
                        "the "
                        "call as "
                        '"provider::name::function(…)".',
                    )
                name = f"{name}::{self.word()}"
                place = place.to(self.token_range())
                self.advance()
            if self.kinds[self.at] != "(":
                self.fail(
                    "Missing open parenthesis",
                    f'"{name}" with "::" in it is the name of a function, so its arguments have '
                    f"to follow in parentheses, not {self.found()}. Only functions have such "
                    "names.",
                )
            return self._call(name, place)
        return Literal(_KEYWORDS[name], place) if name in _KEYWORDS else Variable(name, place)

    def _call(self, name: str, name_range: SourceRange) -> Call:
        outer = self.open_bracket()
        opening = name_range.to(self.range(0, self.starts[self.at]))
        arguments: list[Expression] = []
        expand = False
        while self.kinds[self.at] != ")":
            arguments.append(self.expression())
            kind = self.kinds[self.at]
            if kind == ",":
                self.advance()
            elif kind == "...":
                expand = True
                self._expanded()
            elif kind == lexer.END:
                self.fail(
                    "Unterminated function call",
                    f'The call of "{name}" has no closing parenthesis: the file ends first. Add '
                    '")" after the '
                    "last argument.",
                    self.range(name_range.start_offset, opening.end_offset),
                )
            elif kind != ")":
                self.fail(
                    "Missing argument separator",
                    f'After an argument of "{name}" comes a comma or ")", not {self.found()}. '
                    "Separate arguments with commas.",
                )
        whole = name_range.to(self.token_range())
        self.close_bracket(outer)
        return Call(name, tuple(arguments), expand, whole, name_range)

    def _expanded(self) -> None:
        place = self.token_range()
        self.advance()
        if self.kinds[self.at] != ")":
            self.fail(
                "Missing closing parenthesis",
                'The list before "..." becomes all remaining arguments, so ")" has to follow at '
                f"once, not {self.found()}. Move what follows before it, or join the lists with "
                "concat.",
                place,
            )

    def _parentheses(self) -> Parentheses:
        start = self.token_range()
        outer = self.open_bracket()
        inner = self.expression()
        if self.kinds[self.at] != ")":
            self.fail(
                "Unbalanced parentheses",
                f"The parenthesis opened on line {start.start.line} has to be closed here, but "
                "there is "
                f'{self.found()}. Add ")".',
            )
        whole = start.to(self.token_range())
        self.close_bracket(outer)
        return Parentheses(inner, whole)

    def _traversal(self, target: Expression) -> Expression:
        """Read the `.name`, `[key]`, `.*` and `[*]` after a term."""
        length = 0
        while True:
            kind = self.kinds[self.at]
            if kind == ".":
                named = self.kinds[self.at + 1] == "identifier"
                target = self._named(target) if named else self._dot(target)
            elif kind == "[":
                self.enter()
                target = self._index(target)
                self.depth -= 1
            else:
                return target
            length += 1
            self.check_chain(length)

    def _named(self, target: Expression) -> GetAttribute:
        """Read `.name`, which most steps are, in as little time as possible."""
        self.at += 1
        place = self.take()
        whole = range_of((self.source, target.range[1], place[2]))
        return GetAttribute(target, self.text[place[1] : place[2]], whole, place)

    def _dot(self, target: Expression) -> Expression:
        self.advance()
        if self.kinds[self.at] == "*":
            return self._attribute_splat(target)
        return self._attribute(target)

    def _attribute(self, target: Expression) -> GetAttribute:
        kind = self.kinds[self.at]
        name, place = self.word(), self.token_range()
        if kind == lexer.NUMBER:
            if not name.isdigit():
                indexes = "".join(f"[{part}]" for part in name.split("."))
                self.fail(
                    "Invalid legacy index syntax",
                    f'Only one index may stand after a dot. Write each in brackets: "{indexes}".',
                )
        elif kind != lexer.IDENTIFIER:
            self.fail(
                "Invalid attribute name",
                f"After the dot comes the name of an attribute, not {self.found()}. Write a "
                "name, or use "
                'brackets for any other key: ["key"].',
            )
        self.advance()
        return GetAttribute(target, name, target.range.to(place), place)

    def _attribute_splat(self, target: Expression) -> Splat:
        """Read `.*` and the attributes after it, which are taken of every element."""
        each: Expression = SplatItem(self.token_range())
        end = self.token_range()
        self.advance()
        length = 0
        while self.kinds[self.at] == ".":
            self.advance()
            if self.kinds[self.at] == "*":
                self.fail(
                    "Nested splat expression not allowed",
                    'A ".*" cannot be used inside another. Use the full splat "[*]" for both.',
                )
            each = self._attribute(each)
            end = each.range
            length += 1
            self.check_chain(length)
        return Splat(target, each, full=False, range=target.range.to(end))

    def _index(self, target: Expression) -> Expression:
        outer = self.open_bracket()
        if self.kinds[self.at] == "*":
            return self._full_splat(target, outer)
        key = self.expression()
        if self.kinds[self.at] != "]":
            self.fail(
                "Missing close bracket on index",
                f'After the index comes "]", not {self.found()}. Add the closing bracket.',
            )
        whole = target.range.to(self.token_range())
        self.close_bracket(outer)
        return Index(target, key, whole)

    def _full_splat(self, target: Expression, outer: bool) -> Splat:  # noqa: FBT001 - saved state
        star = self.token_range()
        self.advance()
        if self.kinds[self.at] != "]":
            self.fail(
                "Missing close bracket on splat index",
                f'After "[*" comes "]", not {self.found()}. Add the closing bracket.',
            )
        closing = self.token_range()
        self.close_bracket(outer)
        each = self._traversal(SplatItem(star))
        end = closing if isinstance(each, SplatItem) else each.range
        return Splat(target, each, full=True, range=target.range.to(end))


def _joined(waiting: list[tuple[int, str, Expression]], right: Expression) -> Binary:
    _, operator, left = waiting.pop()
    return Binary(_BINARY[operator], left, right, left.range.to(right.range))
