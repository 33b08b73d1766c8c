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

A null value has payload `None`; an unknown one has payload `UNKNOWN`, and may carry a `Range`: what
is known of it all the same.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

from mlform.dataclass import dataclass, field
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
EPHEMERAL: Final[frozenset[Mark]] = frozenset({Mark.EPHEMERAL})

Payload: TypeAlias = (
    "Unknown | str | int | Decimal | bool | tuple[Value, ...] | dict[str, Value] | None"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What is known of an unknown value; `mlform.lang.ranges` draws conclusions from it.

    Attributes:
        not_null: Whether it will not be null.
        prefix: What a string will start with.
        lower: The least that a number can be, itself included; None for no limit.
        upper: The greatest that a number can be, itself included; None for no limit.
        least: The fewest elements that a list, set or map can have.
        most: The most elements; None for no limit.
    """

    not_null: bool = False
    prefix: str = ""
    lower: int | Decimal | None = None
    upper: int | Decimal | None = None
    least: int = 0
    most: int | None = None


NOT_NULL: Final = Range(not_null=True)


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its type and marks; the range of an unknown one takes no part in equality."""

    type: Type
    payload: Payload
    marks: frozenset[Mark] = NO_MARKS
    range: Range | None = field(default=None, compare=False, repr=False)

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
        return Value(self.type, self.payload, self.marks | marks, self.range)

    def without_marks(self) -> Value:
        """Return the value with none of its own marks; parts of it keep theirs."""
        return Value(self.type, self.payload, NO_MARKS, self.range) if self.marks else self


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
