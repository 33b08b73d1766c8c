"""Powers of 64-bit floats, with the rounding of Terraform.

A power is calculated by repeated squaring of the fraction of the base, its exponent of 2 kept
apart; the library of C rounds some results differently in the last digit.
"""

from __future__ import annotations

import math
from typing import Final

_HALF: Final = 0.5
_FAR: Final = 1 << 12  # an exponent of 2 beyond which the result overflows or vanishes anyway


def power(base: float, exponent: float) -> float:
    """Return base to the power of exponent: NaN for a root of a negative number, maybe infinite."""
    if exponent == 0 or base == 1:
        return 1.0
    if base == 0:
        return _of_zero(base, exponent)
    if not (math.isfinite(base) and math.isfinite(exponent)):
        return math.pow(base, exponent)
    if abs(exponent) == _HALF and base > 0:
        root = math.sqrt(base)
        return root if exponent > 0 else 1 / root
    rest, whole = math.modf(abs(exponent))
    if rest != 0 and base < 0:
        return math.nan
    return _calculated(base, int(whole), rest, is_inverse=exponent < 0)


def _of_zero(base: float, exponent: float) -> float:
    odd = exponent % 2 == 1
    if exponent > 0:
        return base if odd else 0.0
    return math.copysign(math.inf, base) if odd else math.inf


def _calculated(base: float, whole: int, rest: float, *, is_inverse: bool) -> float:
    fraction, two = 1.0, 0  # the result so far is fraction · 2**two
    if rest != 0:
        if rest > _HALF:
            rest, whole = rest - 1, whole + 1
        fraction = math.exp(rest * math.log(base))
    square, exponent = math.frexp(base)
    while whole:
        if abs(exponent) > _FAR:
            two += exponent
            break
        if whole & 1:
            fraction *= square
            two += exponent
        square *= square
        exponent *= 2
        if square < _HALF:
            square += square
            exponent -= 1
        whole >>= 1
    if is_inverse:
        fraction, two = 1 / fraction, -two
    try:
        return math.ldexp(fraction, two)
    except OverflowError:
        return math.copysign(math.inf, fraction)
