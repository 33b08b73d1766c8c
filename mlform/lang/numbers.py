"""Arithmetic of the language: binary floating point of 512 bits, as Terraform's numbers.

A payload is an `int`, or the shortest `Decimal` that denotes the same 512-bit float, so equal
floats are equal payloads, and `1.1 * 1.1` prints the very digits that Terraform prints. Division by
zero gives an infinity, as there.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Final, TypeAlias

from mlform.lang.types import NUMBER
from mlform.lang.values import Value

Amount: TypeAlias = int | Decimal

PRECISION: Final = 512
_SAFE_DIGITS: Final = 153  # any decimal of so many digits survives the way to 512 bits and back
_GUARD_BITS: Final = 2
_LOG10_OF_2: Final = 0.30103
_INFINITY: Final = Decimal("Infinity")
_WIDE: Final = Context(prec=200_000, Emax=400_000, Emin=-400_000)
_DECIMAL: Final = r"(?a)[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_BINARY_EXPONENT: Final = r"(?a)([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))p([+-]?[0-9]+)"
_SPELLED: Final = {"inf": _INFINITY, "+inf": _INFINITY, "-inf": -_INFINITY}
_MAX_EXPONENT: Final = 100_000


class ArithmeticFailure(Exception):
    """An operation has no result, such as zero divided by zero; the message says why."""


def number_value(amount: Amount) -> Value:
    """Return the value of an amount that is canonical already."""
    return Value(NUMBER, amount)


def canonical(amount: Amount) -> Amount:
    """Return the canonical payload of an amount: rounded to 512 bits, `int` if integral."""
    if isinstance(amount, int):
        return amount if amount.bit_length() <= PRECISION else _shortest(*_rounded(amount, 0))
    if not amount.is_finite():
        return amount
    _, digits, exponent = amount.as_tuple()
    if isinstance(exponent, int) and exponent >= 0:
        return canonical(int(amount))
    if len(digits) <= _SAFE_DIGITS and digits[-1] != 0:
        return amount
    return _shortest(*_binary(amount))


def parse_number(text: str) -> Amount | None:
    """Return the number that a whole string spells in decimal, or None."""
    if re.fullmatch(_DECIMAL, text):
        amount = Decimal(text)
        return canonical(amount) if abs(amount.adjusted()) < _MAX_EXPONENT else None
    if binary := re.fullmatch(_BINARY_EXPONENT, text):
        mantissa, power = Decimal(binary[1]), int(binary[2])
        if abs(power) > _MAX_EXPONENT:
            return None
        factor = canonical(mantissa)
        return multiply(factor, 1 << power) if power >= 0 else divide(factor, 1 << -power)
    return _SPELLED.get(text.lower())


def format_number(amount: Amount) -> str:
    """Return the amount in decimal without exponent, as Terraform converts it to a string."""
    if isinstance(amount, int):
        # str() of an int refuses more than 4300 digits; Decimal does not
        return str(amount) if amount.bit_length() < 10_000 else format(Decimal(amount), "f")  # noqa: PLR2004
    if not amount.is_finite():
        return "+Inf" if amount > 0 else "-Inf"
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def add(left: Amount, right: Amount) -> Amount:
    """Return the sum.

    Raises:
        ArithmeticFailure: If opposite infinities are added.
    """
    if isinstance(left, int) and isinstance(right, int):
        return canonical(left + right)
    if not (_finite(left) and _finite(right)):
        if not _finite(left) and not _finite(right) and left != right:
            raise ArithmeticFailure("can't compute sum of opposing infinities")
        return right if _finite(left) else left
    left_mantissa, left_exponent = _binary(left)
    right_mantissa, right_exponent = _binary(right)
    exponent = min(left_exponent, right_exponent)
    total = (left_mantissa << (left_exponent - exponent)) + (
        right_mantissa << (right_exponent - exponent)
    )
    return _shortest(*_rounded(total, exponent))


def subtract(left: Amount, right: Amount) -> Amount:
    """Return the difference.

    Raises:
        ArithmeticFailure: If an infinity is taken from itself.
    """
    if isinstance(left, int) and isinstance(right, int):
        return canonical(left - right)
    return add(left, negate(right))


def multiply(left: Amount, right: Amount) -> Amount:
    """Return the product.

    Raises:
        ArithmeticFailure: If zero is multiplied by an infinity.
    """
    if isinstance(left, int) and isinstance(right, int):
        return canonical(left * right)
    if not (_finite(left) and _finite(right)):
        if left == 0 or right == 0:
            raise ArithmeticFailure("can't multiply zero by infinity")
        return _INFINITY if (left > 0) == (right > 0) else -_INFINITY
    left_mantissa, left_exponent = _binary(left)
    right_mantissa, right_exponent = _binary(right)
    return _shortest(*_rounded(left_mantissa * right_mantissa, left_exponent + right_exponent))


def divide(left: Amount, right: Amount) -> Amount:
    """Return the quotient; an infinity where only the divisor is zero.

    Raises:
        ArithmeticFailure: If both are zero or both infinite.
    """
    if (left == 0 and right == 0) or (not _finite(left) and not _finite(right)):
        raise ArithmeticFailure("can't divide zero by zero or infinity by infinity")
    if not _finite(right) or left == 0:
        return 0
    if right == 0 or not _finite(left):
        return _INFINITY if (left > 0) == (right >= 0) else -_INFINITY
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    left_mantissa, left_exponent = _binary(left)
    right_mantissa, right_exponent = _binary(right)
    mantissa, exponent = _quotient(left_mantissa, right_mantissa)
    return _shortest(mantissa, exponent + left_exponent - right_exponent)


def modulo(left: Amount, right: Amount) -> Amount:
    """Return the rest of a division rounded towards zero; the sign is that of `left`.

    The rest by zero is `left` itself, as in Terraform.

    Raises:
        ArithmeticFailure: If either is infinite.
    """
    if not (_finite(left) and _finite(right)):
        raise ArithmeticFailure("can't use modulo with infinite values")
    if right == 0:
        return left
    whole = truncate(divide(left, right))
    return subtract(left, multiply(whole, right))


def negate(amount: Amount) -> Amount:
    """Return the amount with the other sign."""
    return -amount if isinstance(amount, int) else amount.copy_negate()


def truncate(amount: Amount) -> Amount:
    """Return the amount without its fraction; an infinity stays."""
    return amount if isinstance(amount, int) or not amount.is_finite() else int(amount)


def floor(amount: Amount) -> Amount:
    """Return the greatest whole number not above the amount; an infinity stays."""
    whole = truncate(amount)
    return whole - 1 if whole > amount else whole


def ceiling(amount: Amount) -> Amount:
    """Return the least whole number not below the amount; an infinity stays."""
    whole = truncate(amount)
    return whole + 1 if whole < amount else whole


def exact_decimal(amount: Amount) -> Decimal:
    """Return every digit of the float that an amount denotes; infinities stay."""
    if isinstance(amount, int) or not amount.is_finite():
        return Decimal(amount)
    mantissa, exponent = _binary(amount)
    if exponent >= 0:
        return Decimal(mantissa << exponent)
    return Decimal(mantissa * 5**-exponent).scaleb(exponent, _WIDE)


def from_float(amount: float) -> Amount:
    """Return the amount whose shortest decimal is that of a 64-bit float."""
    return canonical(Decimal(repr(amount)))


def _finite(amount: Amount) -> bool:
    return isinstance(amount, int) or amount.is_finite()


def _binary(amount: Amount) -> tuple[int, int]:
    """Return `(mantissa, exponent)`, amount = mantissa · 2^exponent rounded to 512 bits."""
    if isinstance(amount, int):
        return _rounded(amount, 0)
    numerator, denominator = amount.as_integer_ratio()
    return _quotient(numerator, denominator)


def _quotient(numerator: int, denominator: int) -> tuple[int, int]:
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    numerator, denominator = abs(numerator), abs(denominator)
    shift = max(
        0, PRECISION + _GUARD_BITS + 1 - (numerator.bit_length() - denominator.bit_length())
    )
    quotient, rest = divmod(numerator << shift, denominator)
    if rest:  # a sticky bit below the guard bits, so that rounding is correct
        quotient, shift = (quotient << 1) | 1, shift + 1
    mantissa, exponent = _rounded(quotient, -shift)
    return sign * mantissa, exponent


def _rounded(mantissa: int, exponent: int) -> tuple[int, int]:
    """Round to 512 bits, half to even."""
    extra = mantissa.bit_length() - PRECISION
    if extra <= 0:
        return mantissa, exponent
    sign, mantissa = (-1 if mantissa < 0 else 1), abs(mantissa)
    kept, rest, half = mantissa >> extra, mantissa & ((1 << extra) - 1), 1 << (extra - 1)
    if rest > half or (rest == half and kept & 1):
        kept += 1
    return sign * kept, exponent + extra


def _shortest_whole(mantissa: int, exponent: int) -> int:
    """Return the whole number inside the rounding interval that ends in the most zeros."""
    if exponent == 0 or mantissa.bit_length() < PRECISION:
        return mantissa << exponent
    sign, mantissa = (-1 if mantissa < 0 else 1), abs(mantissa)
    middle, half = mantissa << exponent, 1 << (exponent - 1)
    low, high = middle - half + (mantissa & 1), middle + half - (mantissa & 1)
    scale: int
    least, most = 0, int(exponent * _LOG10_OF_2) + 1
    while least < most:
        zeros = (least + most + 1) // 2
        scale = 10**zeros
        if -(-low // scale) <= high // scale:
            least = zeros
        else:
            most = zeros - 1
    scale = 10**least
    nearest = (middle + scale // 2) // scale * scale
    if not low <= nearest <= high:
        nearest = -(-low // scale) * scale
    return sign * nearest


def _shortest(mantissa: int, exponent: int) -> Amount:
    """Return the payload of a rounded float: the shortest decimal inside its rounding interval."""
    if mantissa == 0:
        return 0
    if exponent >= 0:
        return _shortest_whole(mantissa, exponent)
    trailing = min((mantissa & -mantissa).bit_length() - 1, -exponent)
    if trailing == -exponent:
        return mantissa >> trailing
    sign, mantissa = (-1 if mantissa < 0 else 1), abs(mantissa)
    widen = PRECISION - mantissa.bit_length()
    full = mantissa << widen
    # all in quarters of a unit in the last place: the interval reaches half a unit each way, and
    # its ends belong to it where the mantissa is even, because halves are rounded to even
    denominator = 1 << (widen - exponent + 2)
    middle, high = full * 4, full * 4 + 2
    low = full * 4 - (1 if full == 1 << (PRECISION - 1) else 2)
    open_ends = full & 1
    least, most = 0, int((widen - exponent + 2) * _LOG10_OF_2) + 2
    while least < most:
        places = (least + most) // 2
        scale = 10**places
        if _least_inside(low * scale, denominator, open_ends) * denominator + open_ends <= (
            high * scale
        ):
            most = places
        else:
            least = places + 1
    scale = 10**least
    below = middle * scale // denominator
    nearer_above = 2 * (middle * scale - below * denominator) > denominator
    fits_below = below * denominator >= low * scale + open_ends
    fits_above = (below + 1) * denominator + open_ends <= high * scale
    digits = below + 1 if fits_above and (nearer_above or not fits_below) else below
    return Decimal(f"{sign * digits}E-{least}")


def _least_inside(low: int, denominator: int, open_ends: int) -> int:
    """Return the least whole number from `low / denominator` on, or beyond it for open ends."""
    return -(-(low + open_ends) // denominator)
