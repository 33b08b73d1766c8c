"""Functions that ask about the elements of sequences, or choose one value of several."""

from __future__ import annotations

from typing import Final

from mlform.lang.construct import is_sequence, items_of
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.equality import compared
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.numbers import number_value
from mlform.lang.types import BOOL, DYNAMIC, NUMBER, ListType, SetType, TupleType, Type
from mlform.lang.unification import unify
from mlform.lang.values import Value, boolean, null, unknown

_ONE_OR_NONE: Final = "must be a list, set, or tuple value with either zero or one elements"


def _alltrue(values: Value) -> Value:
    if not values.is_known:
        return unknown(BOOL)
    for item in items_of(values):
        if not item.is_known:
            return unknown(BOOL)
        if item.payload is not True:
            return boolean(False)  # noqa: FBT003 - the payload itself
    return boolean(True)  # noqa: FBT003


def _anytrue(values: Value) -> Value:
    if not values.is_known:
        return unknown(BOOL)
    items = items_of(values)
    if any(item.payload is True for item in items):
        return boolean(True)  # noqa: FBT003 - the payload itself
    return boolean(False) if all(item.is_known for item in items) else unknown(BOOL)  # noqa: FBT003


def _contains(values: Value, wanted: Value) -> Value:
    if not is_sequence(values.type) and values.type is not DYNAMIC:
        raise FunctionError("argument must be list, tuple, or set")
    if not values.is_known:
        return unknown(BOOL)
    items = items_of(values)
    known = True
    for item in items:
        same = compared(item, wanted)
        if same:
            return boolean(True)  # noqa: FBT003 - the payload itself
        known = known and same is not None
    return boolean(False) if known else unknown(BOOL)  # noqa: FBT003


def _index(values: Value, wanted: Value) -> Value:
    if not isinstance(values.type, ListType | TupleType):
        if values.type is DYNAMIC:
            return unknown(NUMBER)
        raise FunctionError("argument must be a list or tuple")
    if not values.is_known:
        return unknown(NUMBER)
    for position, item in enumerate(items_of(values)):
        same = compared(item, wanted)
        if same is None:
            return unknown(NUMBER)
        if same:
            return number_value(position)
    raise FunctionError("item not found")


def _one(values: Value) -> Value:
    if not is_sequence(values.type):
        raise ArgumentError(0, _ONE_OR_NONE)
    items = items_of(values)
    if len(items) > 1:
        raise ArgumentError(0, _ONE_OR_NONE)
    if items:
        return items[0]
    element = values.type.element if isinstance(values.type, ListType | SetType) else DYNAMIC
    return null(element)


def _one_type(values: Value) -> Type:
    if isinstance(values.type, TupleType):
        if len(values.type.elements) > 1:
            raise ArgumentError(0, _ONE_OR_NONE)
        return values.type.elements[0] if values.type.elements else DYNAMIC
    if not is_sequence(values.type) and values.type is not DYNAMIC:
        raise ArgumentError(0, _ONE_OR_NONE)
    return values.type.element if isinstance(values.type, ListType | SetType) else DYNAMIC


def _coalesce(*values: Value) -> Value:
    common = unify([value.type for value in values])
    if not values or common is None:
        raise FunctionError("all arguments must have the same type")
    for value in values:
        if not value.is_known:
            return unknown(common)
        if value.payload is None or value.payload == "":
            continue
        try:
            return convert(value, common)
        except ConversionError as error:
            raise FunctionError(f"all arguments must have the same type: {error}") from error
    raise FunctionError("no non-null, non-empty-string arguments")


def _coalescelist(*values: Value) -> Value:
    if not values:
        raise FunctionError("at least one argument is required")
    for position, value in enumerate(values):
        if not value.is_known:
            return unknown(DYNAMIC)
        if not isinstance(value.type, ListType | TupleType):
            raise FunctionError(
                f"argument {position + 1}: coalescelist arguments must be lists or tuples"
            )
        if value.payload is None:
            continue
        if items_of(value):
            return value
    raise FunctionError("no non-null arguments")


_BOOLS: Final = Parameter(name="list", type=ListType(BOOL), unknown=True)
_VALUES: Final = Parameter(name="vals", nullable=True, unknown=True)
_SHALLOW: Final = Parameter(name="list", shallow=True)

FUNCTIONS: Final = (
    Function(
        name="alltrue",
        description="Whether every element is true; true for an empty list.",
        parameters=(_BOOLS,),
        returns=BOOL,
        implementation=_alltrue,
    ),
    Function(
        name="anytrue",
        description="Whether any element is true; false for an empty list.",
        parameters=(_BOOLS,),
        returns=BOOL,
        implementation=_anytrue,
    ),
    Function(
        name="coalesce",
        description="The first argument that is neither null nor an empty string.",
        variadic=_VALUES,
        implementation=_coalesce,
    ),
    Function(
        name="coalescelist",
        description="The first argument that is neither null nor an empty list.",
        variadic=_VALUES,
        implementation=_coalescelist,
    ),
    Function(
        name="contains",
        description="Whether a list, tuple or set has an element equal to a value.",
        parameters=(
            Parameter(name="list", unknown=True),
            Parameter(name="value", unknown=True),
        ),
        returns=BOOL,
        implementation=_contains,
    ),
    Function(
        name="index",
        description="The position of the first element equal to a value.",
        parameters=(
            Parameter(name="list", unknown=True),
            Parameter(name="value", unknown=True),
        ),
        returns=NUMBER,
        implementation=_index,
    ),
    Function(
        name="one",
        description="The only element of a list, set or tuple, or null if it is empty.",
        parameters=(_SHALLOW,),
        result_type=_one_type,
        nullable=True,
        implementation=_one,
    ),
)
