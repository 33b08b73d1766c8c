"""What can be said of values that are not known yet: bounds, beginnings, that they are not null.

A comparison, a length or a prefix can thus be known before the value itself is, as in Terraform.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from mlform.lang.construct import has_unknown, items_of
from mlform.lang.numbers import Amount, ArithmeticFailure
from mlform.lang.types import NUMBER, ListType, MapType, SetType, TupleType, Type
from mlform.lang.values import NO_MARKS, NOT_NULL, UNKNOWN, Mark, Range, Value

_ANYTHING: Final = Range()


def range_of(value: Value) -> Range:
    """Return what is known of a value; of a known one that is all."""
    payload = value.payload
    if payload is UNKNOWN:
        return value.range or _ANYTHING
    if payload is None:
        return _ANYTHING
    if isinstance(payload, str):
        return Range(not_null=True, prefix=payload)
    if isinstance(payload, bool):
        return NOT_NULL
    if isinstance(payload, int | Decimal):
        return Range(not_null=True, lower=payload, upper=payload)
    least, most = length_bounds(value)
    return Range(not_null=True, least=least, most=most)


def length_bounds(value: Value) -> tuple[int, int | None]:
    """Return the fewest and the most elements that a value can have.

    Elements of a set that are not known yet may turn out to be equal.
    """
    payload = value.payload
    if isinstance(payload, tuple | dict):
        count = len(payload)
        unsure = isinstance(value.type, SetType) and any(
            has_unknown(item) for item in items_of(value)
        )
        return (min(1, count) if unsure else count), count
    known = value.range or _ANYTHING
    return known.least, known.most


def unknown_in(type_: Type, known: Range, marks: frozenset[Mark] = NO_MARKS) -> Value:
    """Return the unknown value of a range, or the value itself where the range has one alone."""
    if known.not_null:
        if type_ is NUMBER and known.lower is not None and known.lower == known.upper:
            return Value(NUMBER, known.lower, marks)
        if isinstance(type_, ListType) and known.least == known.most:
            element = Value(type_.element, UNKNOWN)
            return Value(type_, (element,) * known.least, marks)
        if isinstance(type_, SetType | MapType) and known.most == 0:
            return Value(type_, {} if isinstance(type_, MapType) else (), marks)
    return Value(type_, UNKNOWN, marks, known)


def either(then: Value, otherwise: Value, type_: Type, marks: frozenset[Mark]) -> Value:
    """Return the result of a conditional whose condition is not known yet.

    Args:
        then: One possible result, not converted yet.
        otherwise: The other.
        type_: The type of the result.
        marks: The marks of the result.
    """
    if then.payload is None and otherwise.payload is None:
        return Value(type_, None, marks)
    one, other = range_of(then), range_of(otherwise)
    known = NOT_NULL if one.not_null and other.not_null else _ANYTHING
    if then.type is NUMBER and otherwise.type is NUMBER:
        known = Range(
            not_null=known.not_null,
            lower=_extreme(one.lower, other.lower, min),
            upper=_extreme(one.upper, other.upper, max),
        )
    elif isinstance(type_, ListType | SetType | MapType) and then.type == otherwise.type:
        most = None if one.most is None or other.most is None else max(one.most, other.most)
        known = Range(not_null=known.not_null, least=min(one.least, other.least), most=most)
    return unknown_in(type_, known, marks)


def _extreme(
    one: Amount | None, other: Amount | None, choose: Callable[[Amount, Amount], Amount]
) -> Amount | None:
    return None if one is None or other is None else choose(one, other)


def cannot_be(known: Range, value: Value) -> bool:
    """Return whether an unknown value of a range certainly differs from a known value."""
    payload = value.payload
    if payload is None:
        return known.not_null
    if isinstance(payload, str):
        return not payload.startswith(known.prefix)
    if isinstance(payload, int | Decimal) and not isinstance(payload, bool):
        return (known.lower is not None and payload < known.lower) or (
            known.upper is not None and payload > known.upper
        )
    if isinstance(value.type, ListType | SetType | MapType):
        least, most = length_bounds(value)
        return (most is not None and most < known.least) or (
            known.most is not None and least > known.most
        )
    return False


def compared_ranges(
    left: Range, right: Range, holds: Callable[[Amount, Amount], bool]
) -> bool | None:
    """Return what an order of two numbers gives, or None if their ranges leave it open.

    Args:
        left: What is known of the left number.
        right: What is known of the right number.
        holds: One of `<`, `<=`, `>`, `>=`.
    """
    smallest, greatest = (left.lower, right.upper), (left.upper, right.lower)
    # where the least on the left and the greatest on the right are in order, all are; or for `<`
    # the other way round
    surest, likeliest = (smallest, greatest) if holds(1, 0) else (greatest, smallest)
    if _holds(surest, holds):
        return True
    return False if _holds(likeliest, holds) is False else None


def _holds(
    pair: tuple[Amount | None, Amount | None], holds: Callable[[Amount, Amount], bool]
) -> bool | None:
    one, other = pair
    return None if one is None or other is None else holds(one, other)


def calculated(left: Range, right: Range, operation: Callable[[Amount, Amount], Amount]) -> Range:
    """Return the range of a sum, difference or product of numbers in two ranges."""
    ends: list[Amount] = []
    for mine in (left.lower, left.upper):
        for theirs in (right.lower, right.upper):
            if mine is None or theirs is None:
                return NOT_NULL
            try:
                ends.append(operation(mine, theirs))
            except ArithmeticFailure:
                return NOT_NULL
    return Range(not_null=True, lower=min(ends), upper=max(ends))


def converted_range(known: Range | None, got: Type, want: Type) -> Range | None:
    """Return what is still known after the conversion of an unknown value."""
    if known is None or got == want:
        return known
    bounds = _converted_bounds(known, got, want)
    if bounds is None:
        return NOT_NULL if known.not_null else None
    return Range(not_null=known.not_null, least=bounds[0], most=bounds[1])


def _converted_bounds(known: Range, got: Type, want: Type) -> tuple[int, int | None] | None:
    most: int | None
    if isinstance(got, TupleType):
        least = most = len(got.elements)
    elif isinstance(got, ListType | SetType | MapType):
        least, most = known.least, known.most
    else:
        return None
    if isinstance(want, SetType):  # elements may turn out to be equal
        return min(least, 1), most
    return (least, most) if isinstance(want, ListType | MapType) else None
