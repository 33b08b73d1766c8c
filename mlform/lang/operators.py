"""The operators on values: conversion of operands, unknown operands, marks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mlform.hcl.ast import BinaryOperator, UnaryOperator
from mlform.lang import numbers
from mlform.lang.construct import amount, marks_deep, truth
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.equality import compared
from mlform.lang.failure import ExpressionFailure
from mlform.lang.numbers import Amount, ArithmeticFailure
from mlform.lang.ranges import calculated, compared_ranges, range_of, unknown_in
from mlform.lang.types import BOOL, NUMBER, Primitive, Type
from mlform.lang.values import FALSE, NOT_NULL, TRUE, UNKNOWN, Range, Value

_ARITHMETIC: Final[dict[BinaryOperator, Callable[[Amount, Amount], Amount]]] = {
    BinaryOperator.ADD: numbers.add,
    BinaryOperator.SUBTRACT: numbers.subtract,
    BinaryOperator.MULTIPLY: numbers.multiply,
    BinaryOperator.DIVIDE: numbers.divide,
    BinaryOperator.MODULO: numbers.modulo,
}
_ORDER: Final[dict[BinaryOperator, Callable[[Amount, Amount], bool]]] = {
    BinaryOperator.LESS: lambda left, right: left < right,
    BinaryOperator.LESS_OR_EQUAL: lambda left, right: left <= right,
    BinaryOperator.GREATER: lambda left, right: left > right,
    BinaryOperator.GREATER_OR_EQUAL: lambda left, right: left >= right,
}
_BOUNDED: Final = frozenset((BinaryOperator.ADD, BinaryOperator.SUBTRACT, BinaryOperator.MULTIPLY))


class OperandFailure(ExpressionFailure):
    """One operand is unsuitable; `side` is `left`, `right` or `unary`."""

    def __init__(self, side: str, summary: str, detail: str) -> None:
        super().__init__(summary, detail)
        self.side = side


def binary(operator: BinaryOperator, left: Value, right: Value) -> Value:
    """Return the result of a binary operator.

    Both operands are always resolved first, as in Terraform 1.11: `&&` and `||` do not stop early.

    Raises:
        ExpressionFailure: If an operand does not suit or there is no result.
    """
    if operator is BinaryOperator.EQUAL or operator is BinaryOperator.NOT_EQUAL:
        return _equality(operator, left, right)
    if operator is BinaryOperator.AND or operator is BinaryOperator.OR:
        return _logic(operator, left, right)
    left, right = _operands(left, right, NUMBER)
    marks = left.marks | right.marks
    arithmetic = _ARITHMETIC.get(operator)
    if left.payload is UNKNOWN or right.payload is UNKNOWN:
        return _not_known_yet(operator, left, right)
    if arithmetic is None:
        result = TRUE if _ORDER[operator](amount(left), amount(right)) else FALSE
        return result.with_marks(marks) if marks else result
    try:
        return Value(NUMBER, arithmetic(amount(left), amount(right)), marks)
    except ArithmeticFailure as failure:
        raise ExpressionFailure(
            "Operation failed",
            f"Error during operation: {failure}. Check the operands, or choose another value with "
            "a conditional before calculating.",
        ) from failure


def _not_known_yet(operator: BinaryOperator, left: Value, right: Value) -> Value:
    """Return what is known of the result of two numbers, at least one of which is unknown."""
    marks = left.marks | right.marks
    mine, theirs = range_of(left), range_of(right)
    order = _ORDER.get(operator)
    if order is not None:
        answer = compared_ranges(mine, theirs, order)
        if answer is not None:
            return (TRUE if answer else FALSE).with_marks(marks)
        return Value(BOOL, UNKNOWN, marks, NOT_NULL)
    if operator in _BOUNDED:
        return unknown_in(NUMBER, calculated(mine, theirs, _ARITHMETIC[operator]), marks)
    return Value(NUMBER, UNKNOWN, marks, NOT_NULL)


def result_type(operator: BinaryOperator) -> Type:
    """Return the type that a binary operator gives."""
    return NUMBER if operator in _ARITHMETIC else BOOL


def unary(operator: UnaryOperator, operand: Value) -> Value:
    """Return the result of a unary operator.

    Raises:
        ExpressionFailure: If the operand does not suit.
    """
    wanted = NUMBER if operator is UnaryOperator.NEGATE else BOOL
    operand = _operand(operand, wanted, "unary")
    if operand.payload is None:
        raise _null_operand()
    if operand.payload is UNKNOWN:
        return _unary_not_known_yet(wanted, operand)
    if wanted is NUMBER:
        return Value(NUMBER, numbers.negate(amount(operand)), operand.marks)
    return (FALSE if operand.payload else TRUE).with_marks(operand.marks)


def _unary_not_known_yet(wanted: Primitive, operand: Value) -> Value:
    if wanted is not NUMBER:
        return Value(BOOL, UNKNOWN, operand.marks, NOT_NULL)
    known = range_of(operand)
    lower = None if known.upper is None else numbers.negate(known.upper)
    upper = None if known.lower is None else numbers.negate(known.lower)
    return Value(NUMBER, UNKNOWN, operand.marks, Range(not_null=True, lower=lower, upper=upper))


def _equality(operator: BinaryOperator, left: Value, right: Value) -> Value:
    marks = marks_deep(left) | marks_deep(right)
    same = compared(left, right)
    if same is None:
        return Value(BOOL, UNKNOWN, marks, NOT_NULL)
    result = TRUE if same == (operator is BinaryOperator.EQUAL) else FALSE
    return result.with_marks(marks) if marks else result


def _logic(operator: BinaryOperator, left: Value, right: Value) -> Value:
    left, right = _operands(left, right, BOOL)
    marks = left.marks | right.marks
    if left.payload is UNKNOWN or right.payload is UNKNOWN:
        return Value(BOOL, UNKNOWN, marks, NOT_NULL)
    if operator is BinaryOperator.AND:
        result = TRUE if truth(left) and truth(right) else FALSE
    else:
        result = TRUE if truth(left) or truth(right) else FALSE
    return result.with_marks(marks) if marks else result


def _operands(left: Value, right: Value, wanted: Primitive) -> tuple[Value, Value]:
    if left.type is not wanted:
        left = _operand(left, wanted, "left")
    if right.type is not wanted:
        right = _operand(right, wanted, "right")
    if left.payload is None or right.payload is None:
        raise _null_operand()
    return left, right


def _operand(value: Value, wanted: Primitive, side: str) -> Value:
    try:
        return convert(value, wanted)
    except ConversionError as error:
        raise OperandFailure(
            side, "Invalid operand", f"Unsuitable value for {side} operand: {error.message}."
        ) from error


def _null_operand() -> ExpressionFailure:
    return ExpressionFailure(
        "Operation failed",
        "Error during operation: argument must not be null. Give the value, or use "
        "coalesce(value, default) where it may be absent.",
    )
