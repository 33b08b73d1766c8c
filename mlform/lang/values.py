"""Values of the language: typed, possibly unknown, possibly marked.

A value knows its type even when it is null or unknown, as in Terraform. Payloads by type:

=============  =====================================================================
string         `str`, in Unicode normal form C
number         `int`, or `Decimal` where there is a fraction (an integral one is an `int`)
bool           `bool`
list, tuple    `tuple[Value, ...]`
set            `tuple[Value, ...]`, without duplicates, in the language's element order
map, object    `dict[str, Value]`, keys sorted; never changed after creation
=============  =====================================================================

A null value has payload `None`; an unknown one has payload `UNKNOWN`.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

from mlform.dataclass import dataclass
from mlform.lang.types import BOOL, DYNAMIC, NUMBER, STRING, Type


class Unknown(Enum):
    """The payload of a value that is known only after apply."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class Mark(Enum):
    """What flows along with a value through every operation."""

    SENSITIVE = "sensitive"
    EPHEMERAL = "ephemeral"


NO_MARKS: Final[frozenset[Mark]] = frozenset()
SENSITIVE: Final[frozenset[Mark]] = frozenset({Mark.SENSITIVE})

Payload: TypeAlias = (
    "Unknown | str | int | Decimal | bool | tuple[Value, ...] | dict[str, Value] | None"
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its type and marks."""

    type: Type
    payload: Payload
    marks: frozenset[Mark] = NO_MARKS

    @property
    def is_null(self) -> bool:
        """Whether the value is null."""
        return self.payload is None

    @property
    def is_known(self) -> bool:
        """Whether this value itself is known; parts of it may still be unknown."""
        return self.payload is not UNKNOWN

    @property
    def is_sensitive(self) -> bool:
        """Whether this value itself is marked sensitive; parts of it may be, even if not."""
        return Mark.SENSITIVE in self.marks

    def with_marks(self, marks: frozenset[Mark]) -> Value:
        """Return the value with these marks added."""
        if marks <= self.marks:
            return self
        return Value(self.type, self.payload, self.marks | marks)


NULL: Final = Value(DYNAMIC, None)
UNKNOWN_VALUE: Final = Value(DYNAMIC, UNKNOWN)
TRUE: Final = Value(BOOL, True)  # noqa: FBT003 - the payload of a bool
FALSE: Final = Value(BOOL, False)  # noqa: FBT003


def string(text: str) -> Value:
    """Return a string value; the text must be in normal form C."""
    return Value(STRING, text)


def number(amount: int | Decimal) -> Value:
    """Return a number value; an integral `Decimal` becomes an `int`."""
    if isinstance(amount, Decimal) and amount == amount.to_integral_value():
        amount = int(amount)
    return Value(NUMBER, amount)


def boolean(truth: bool) -> Value:  # noqa: FBT001 - the value itself
    """Return a bool value."""
    return TRUE if truth else FALSE


def unknown(type_: Type) -> Value:
    """Return an unknown value of a type."""
    return Value(type_, UNKNOWN)


def null(type_: Type) -> Value:
    """Return the null value of a type."""
    return Value(type_, None)
