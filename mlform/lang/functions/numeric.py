"""Functions on numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from mlform.lang import numbers
from mlform.lang.construct import amount, is_sequence, items_of
from mlform.lang.construct import text as text_of
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions import powers
from mlform.lang.functions.wholes import whole
from mlform.lang.numbers import Amount, ArithmeticFailure, from_float, number_value
from mlform.lang.types import NUMBER
from mlform.lang.values import Value

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CASELESS_BASE: Final = 36
_NUMBER: Final = Parameter(name="num", type=NUMBER)


def _abs(value: Value) -> Value:
    return number_value(numbers.negate(amount(value)) if amount(value) < 0 else amount(value))


def _ceil(value: Value) -> Value:
    return number_value(numbers.ceiling(amount(value)))


def _floor(value: Value) -> Value:
    return number_value(numbers.floor(amount(value)))


def _signum(value: Value) -> Value:
    number = whole(value)
    return number_value((number > 0) - (number < 0))


def _extreme(choose: Callable[[list[Amount]], Amount]) -> Callable[..., Value]:
    def implementation(*values: Value) -> Value:
        if not values:
            raise FunctionError("must pass at least one number")
        return number_value(choose([amount(value) for value in values]))

    return implementation


def _log(value: Value, base: Value) -> Value:
    above, below = _natural_log(amount(value)), _natural_log(amount(base))
    if below == 0 and above != 0:
        return number_value(Decimal(math.copysign(math.inf, above)))
    found = above / below if below != 0 else math.nan
    if math.isnan(found):
        raise FunctionError("the logarithm is defined for numbers above 0 and bases but 1")
    return number_value(_of_float(found))


def _natural_log(number: Amount) -> float:
    if number == 0:
        return -math.inf
    return math.log(number) if number > 0 else math.nan


def _of_float(number: float) -> Amount:
    return from_float(number) if math.isfinite(number) else Decimal(number)


def _pow(value: Value, power: Value) -> Value:
    found = powers.power(float(amount(value)), float(amount(power)))
    if math.isnan(found):
        raise FunctionError("a root of a negative number is no real number")
    return number_value(_of_float(found))


def _parseint(value: Value, base: Value) -> Value:
    if not isinstance(value.payload, str):
        raise ArgumentError(0, "first argument must be a string")
    radix = amount(base)
    if not isinstance(radix, int) or not 2 <= radix <= len(_DIGITS):  # noqa: PLR2004
        raise ArgumentError(1, "base must be a whole number between 2 and 62 inclusive")
    source = text_of(value)
    digits = source[1:] if source[:1] in {"+", "-"} else source
    if radix <= _CASELESS_BASE:
        digits = digits.lower()
    places = [_DIGITS.find(digit) for digit in digits]
    if not places or min(places) < 0 or max(places) >= radix:
        raise ArgumentError(0, f'cannot parse "{source}" as a base {radix} integer')
    total = 0
    for place in places:
        total = total * radix + place
    return number_value(-total if source[0] == "-" else total)


def _sum(values: Value) -> Value:
    if not is_sequence(values.type):
        raise ArgumentError(0, "argument must be list, set, or tuple. Received something else")
    items = items_of(values)
    if not items:
        raise ArgumentError(0, "cannot sum an empty list")
    total: Amount = 0
    for item in items:
        if item.is_null:
            raise ArgumentError(0, "argument must be list, set, or tuple of number values")
        try:
            total = numbers.add(total, amount(convert(item, NUMBER)))
        except ConversionError as error:
            raise ArgumentError(
                0, "argument must be list, set, or tuple of number values"
            ) from error
        except ArithmeticFailure as error:
            raise FunctionError(str(error)) from error
    return number_value(total)


_NUMBERS: Final = Parameter(name="numbers", type=NUMBER)

FUNCTIONS: Final = (
    Function(
        name="abs",
        description="The absolute value of a number.",
        parameters=(_NUMBER,),
        returns=NUMBER,
        implementation=_abs,
    ),
    Function(
        name="ceil",
        description="The least whole number not below a number.",
        parameters=(_NUMBER,),
        returns=NUMBER,
        implementation=_ceil,
    ),
    Function(
        name="floor",
        description="The greatest whole number not above a number.",
        parameters=(_NUMBER,),
        returns=NUMBER,
        implementation=_floor,
    ),
    Function(
        name="signum",
        description="-1, 0 or 1 by the sign of a number.",
        parameters=(_NUMBER,),
        returns=NUMBER,
        implementation=_signum,
    ),
    Function(
        name="max",
        description="The greatest of the numbers.",
        variadic=_NUMBERS,
        returns=NUMBER,
        implementation=_extreme(max),
    ),
    Function(
        name="min",
        description="The least of the numbers.",
        variadic=_NUMBERS,
        returns=NUMBER,
        implementation=_extreme(min),
    ),
    Function(
        name="log",
        description="The logarithm of a number to a base.",
        parameters=(_NUMBER, Parameter(name="base", type=NUMBER)),
        returns=NUMBER,
        implementation=_log,
    ),
    Function(
        name="pow",
        description="A number raised to a power.",
        parameters=(_NUMBER, Parameter(name="power", type=NUMBER)),
        returns=NUMBER,
        implementation=_pow,
    ),
    Function(
        name="parseint",
        description="The whole number that a string spells in a base from 2 to 62.",
        parameters=(Parameter(name="number"), Parameter(name="base", type=NUMBER)),
        returns=NUMBER,
        implementation=_parseint,
    ),
    Function(
        name="sum",
        description="The sum of the numbers in a list, set or tuple.",
        parameters=(Parameter(name="list"),),
        returns=NUMBER,
        implementation=_sum,
    ),
)
