"""Whole numbers among the arguments of functions."""

from __future__ import annotations

from typing import Final

from mlform.lang.construct import amount
from mlform.lang.function import FunctionError
from mlform.lang.values import Value

_LEAST: Final = -(1 << 63)
_GREATEST: Final = (1 << 63) - 1


def whole(value: Value) -> int:
    """Return the payload of a whole number that 64 bits hold.

    Raises:
        FunctionError: If the number is another one.
    """
    found = amount(value)
    if isinstance(found, int) and _LEAST <= found <= _GREATEST:
        return found
    raise FunctionError(f"value must be a whole number, between {_LEAST} and {_GREATEST}")
