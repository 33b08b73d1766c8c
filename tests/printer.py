"""Tree to text: what is printed, parsed again, gives an equal tree.

The text is plain and regular: one item a line, two spaces of indentation, all templates in quotes.
Comments and layout are not in the tree and so not in the text. A tree that no text gives (an
operand that binds less than its operator, without `Parentheses`) is printed with parentheses that
keep its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import singledispatch
from typing import Final

from mlform.hcl.ast import (
    Attribute,
    Binary,
    BinaryOperator,
    Block,
    Body,
    Call,
    Conditional,
    Expression,
    ForDirective,
    ForObject,
    ForTuple,
    GetAttribute,
    IfDirective,
    Index,
    Interpolation,
    Literal,
    Object,
    Parentheses,
    Splat,
    SplatItem,
    Template,
    TemplatePart,
    Text,
    Tuple,
    Unary,
    Variable,
)
from mlform.hcl.strings import escape_quoted

PRECEDENCE: Final = {
    BinaryOperator.OR: 1,
    BinaryOperator.AND: 2,
    BinaryOperator.EQUAL: 3,
    BinaryOperator.NOT_EQUAL: 3,
    BinaryOperator.LESS: 4,
    BinaryOperator.LESS_OR_EQUAL: 4,
    BinaryOperator.GREATER: 4,
    BinaryOperator.GREATER_OR_EQUAL: 4,
    BinaryOperator.ADD: 5,
    BinaryOperator.SUBTRACT: 5,
    BinaryOperator.MULTIPLY: 6,
    BinaryOperator.DIVIDE: 6,
    BinaryOperator.MODULO: 6,
}
"""How strongly the operators bind, weakest first; all group from the left."""

_CONDITIONAL: Final = 0
_UNARY: Final = 7
_TERM: Final = 8
_SEQUENCES: Final = ("${", "%{")


def print_body(body: Body) -> str:
    """Return the text of a body: its arguments, then its blocks, each on lines of its own."""
    return "".join(f"{line}\n" for line in _body_lines(body))


def print_expression(expression: Expression) -> str:
    """Return the text of an expression, on one line."""
    return _print(expression)


def _body_lines(body: Body) -> list[str]:
    lines = [_attribute_line(attribute) for attribute in body.attributes]
    for block in body.blocks:
        if lines:
            lines.append("")
        lines.extend(_block_lines(block))
    return lines


def _attribute_line(attribute: Attribute) -> str:
    return f"{attribute.name} = {_print(attribute.expression)}"


def _block_lines(block: Block) -> list[str]:
    header = " ".join((block.type, *(f'"{escape_quoted(label)}"' for label in block.labels)))
    inner = [f"  {line}" if line else "" for line in _body_lines(block.body)]
    return [f"{header} {{", *inner, "}"] if inner else [f"{header} {{}}"]


def _strength(expression: Expression) -> int:
    match expression:
        case Conditional():
            return _CONDITIONAL
        case Binary():
            return PRECEDENCE[expression.operator]
        case Unary():
            return _UNARY
        case Literal(value=int() | Decimal() as number) if number < 0:
            return _UNARY
        case _:
            return _TERM


def _operand(expression: Expression, strength: int) -> str:
    """Print an operand, in parentheses if it binds less than it has to."""
    text = _print(expression)
    return text if _strength(expression) >= strength else f"({text})"


def _target(expression: Expression) -> str:
    """Print what a traversal step follows."""
    text = _operand(expression, _TERM)
    # A step right after a splat would be taken as a part of it.
    if isinstance(expression, Splat):
        return f"({text})"
    return text


@singledispatch
def _print(expression: Expression) -> str:
    raise TypeError(expression)


@_print.register
def _(expression: Literal) -> str:
    value = expression.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@_print.register
def _(expression: Template) -> str:
    match expression.parts:
        case (Interpolation(inner), Text("")):
            # Text stripped to nothing, which makes it a string and not the value itself.
            return f'"${{{_print(inner)} ~}} "'
        case parts:
            return f'"{_parts(parts)}"'


@_print.register
def _(expression: Variable) -> str:
    return expression.name


@_print.register
def _(expression: GetAttribute) -> str:
    target = _target(expression.target)
    # Two indexes with just a dot between them would be read as a number.
    space = " " if expression.name.isdigit() and target[-1:].isdigit() else ""
    return f"{target}{space}.{expression.name}"


@_print.register
def _(expression: Index) -> str:
    return f"{_index_target(expression.target)}[{_print(expression.key)}]"


@_print.register
def _(expression: Splat) -> str:
    if expression.full:
        return f"{_index_target(expression.target)}[*]{_print(expression.each)}"
    return f"{_target(expression.target)}.*{_print(expression.each)}"


@_print.register
def _(_expression: SplatItem) -> str:
    return ""


@_print.register
def _(expression: Call) -> str:
    arguments = ", ".join(_print(argument) for argument in expression.arguments)
    return f"{expression.name}({arguments}{'...' if expression.expand_final else ''})"


@_print.register
def _(expression: Conditional) -> str:
    condition = _operand(expression.condition, _CONDITIONAL + 1)
    return f"{condition} ? {_print(expression.then)} : {_print(expression.otherwise)}"


@_print.register
def _(expression: Binary) -> str:
    strength = PRECEDENCE[expression.operator]
    left = _operand(expression.left, strength)
    right = _operand(expression.right, strength + 1)
    return f"{left} {expression.operator.value} {right}"


@_print.register
def _(expression: Unary) -> str:
    return f"{expression.operator.value}{_operand(expression.operand, _UNARY)}"


@_print.register
def _(expression: Parentheses) -> str:
    return f"({_print(expression.inner)})"


@_print.register
def _(expression: Tuple) -> str:
    return f"[{', '.join(_print(item) for item in expression.items)}]"


@_print.register
def _(expression: Object) -> str:
    if not expression.items:
        return "{}"
    items = ", ".join(f"{_key(item.key)} = {_print(item.value)}" for item in expression.items)
    return f"{{ {items} }}"


@_print.register
def _(expression: ForTuple) -> str:
    result = _print(expression.result)
    return f"[for {_loop(expression)} : {result}{_condition(expression)}]"


@_print.register
def _(expression: ForObject) -> str:
    result = f"{_print(expression.result_key)} => {_print(expression.result)}"
    group = "..." if expression.group else ""
    return f"{{for {_loop(expression)} : {result}{group}{_condition(expression)}}}"


def _index_target(expression: Expression) -> str:
    """Print what `[…]` or a splat follows: after `a.*.b` it belongs to the whole."""
    if isinstance(expression, Splat) and not expression.full:
        return _print(expression)
    return _target(expression)


def _loop(loop: ForTuple | ForObject | ForDirective) -> str:
    names = loop.value if loop.key is None else f"{loop.key}, {loop.value}"
    return f"{names} in {_print(loop.collection)}"


def _condition(loop: ForTuple | ForObject) -> str:
    return "" if loop.condition is None else f" if {_print(loop.condition)}"


def _key(key: Expression) -> str:
    if isinstance(key, Template) and key.constant is not None and _is_name(key.constant):
        return key.constant
    if isinstance(key, (Variable, GetAttribute, Index)) or _is_word(key):
        # Without parentheses these would be read as names.
        return f"({_print(key)})"
    return _print(key)


def _is_word(key: Expression) -> bool:
    return isinstance(key, Literal) and (key.value is None or isinstance(key.value, bool))


def _is_name(text: str) -> bool:
    # A key "for" without quotes would start a loop.
    return text != "for" and text[:1] != "-" and text.replace("-", "_").isidentifier()


def _parts(parts: tuple[TemplatePart, ...]) -> str:
    printed: list[str] = []
    for piece in _pieces(parts):
        if piece.startswith(_SEQUENCES) and printed and printed[-1].endswith(piece[0]):
            # A doubled sign would make the sequence plain text.
            printed[-1] = f"{printed[-1][:-1]}\\u{ord(piece[0]):04x}"
        printed.append(piece)
    return "".join(printed)


def _pieces(parts: tuple[TemplatePart, ...]) -> Iterator[str]:
    """Yield the texts and the sequences of a template, directives taken apart."""
    for part in parts:
        match part:
            case Text():
                yield escape_quoted(part.value)
            case Interpolation():
                yield f"${{{_print(part.expression)}}}"
            case IfDirective():
                yield f"%{{ if {_print(part.condition)} }}"
                yield from _pieces(part.then)
                if part.otherwise:
                    yield "%{ else }"
                    yield from _pieces(part.otherwise)
                yield "%{ endif }"
            case ForDirective():
                yield f"%{{ for {_loop(part)} }}"
                yield from _pieces(part.body)
                yield "%{ endfor }"
