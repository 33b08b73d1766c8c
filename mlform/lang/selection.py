"""Taking parts of values: attributes, and elements by index or key."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NoReturn

from mlform.diagnostics import did_you_mean
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.failure import ExpressionFailure
from mlform.lang.numbers import format_number
from mlform.lang.type_text import joined, type_name
from mlform.lang.types import (
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    Primitive,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.values import UNKNOWN, UNKNOWN_VALUE, Value, unknown

_NO_ELEMENT = "The given key does not identify an element in this collection value"
_LISTED = 12


def get_attribute(target: Value, name: str) -> Value:
    """Return an attribute of an object or an element of a map.

    Raises:
        ExpressionFailure: If there is none of that name, or the value has no attributes.
    """
    payload = target.payload
    if type(payload) is dict:
        found = payload.get(name)
        if found is not None:
            return found.with_marks(target.marks) if target.marks else found
    if payload is None:
        raise ExpressionFailure(
            "Attempt to get attribute from null value",
            "This value is null, so it does not have any attributes. Use try(…, default) or a "
            "conditional where it may be null.",
        )
    return _attribute_by_type(target, name)


def _attribute_by_type(target: Value, name: str) -> Value:
    type_ = target.type
    if type_ is DYNAMIC:
        return UNKNOWN_VALUE.with_marks(target.marks)
    if isinstance(type_, MapType):
        if target.payload is UNKNOWN:
            return Value(type_.element, UNKNOWN, target.marks)
        raise ExpressionFailure(
            "Missing map element",
            f'This map does not have an element with the key "{name}".{_known_keys(name, target)}',
        )
    if isinstance(type_, ObjectType):
        attribute = type_.get(name)
        if attribute is not None:
            return Value(attribute, UNKNOWN, target.marks)
        known = [each for each, _ in type_.attributes]
        raise ExpressionFailure(
            "Unsupported attribute",
            f'This object does not have an attribute named "{name}".{_suggestion(name, known)}',
        )
    return _no_attributes(type_)


def _no_attributes(type_: Type) -> NoReturn:
    summary = "Unsupported attribute"
    if isinstance(type_, Primitive):
        detail = f"Can't access attributes on a primitive-typed value ({type_.name})."
    elif isinstance(type_, ListType | SetType) and isinstance(type_.element, ObjectType):
        kind = "list" if isinstance(type_, ListType) else "set"
        detail = (
            f"Can't access attributes on a {kind} of objects. Did you mean to access an attribute "
            f"for a specific element of the {kind}, or across all elements of the {kind}?"
        )
    elif isinstance(type_, TupleType | ListType):
        detail = (
            "This value does not have any attributes: it is a sequence. Take one element with "
            "[index], or the attribute of every element with [*]."
        )
    else:
        detail = "This value does not have any attributes."
    raise ExpressionFailure(summary, detail)


def get_index(target: Value, key: Value) -> Value:
    """Return an element of a list, tuple, map or object.

    Raises:
        ExpressionFailure: If the key has the wrong type, is null or names nothing.
    """
    if target.payload is None:
        raise ExpressionFailure(
            "Attempt to index null value",
            "This value is null, so it does not have any indices. Use try(…, default) or a "
            "conditional where it may be null.",
        )
    if key.payload is None:
        raise ExpressionFailure("Invalid index", "Can't use a null value as an indexing key.")
    marks = target.marks | key.marks
    type_ = target.type
    if isinstance(type_, ListType | TupleType):
        found = _sequence_element(target, type_, key)
    elif isinstance(type_, MapType | ObjectType):
        found = _mapping_element(target, type_, key)
    elif type_ is DYNAMIC:
        found = UNKNOWN_VALUE
    else:
        _not_indexable(type_)
    return found.with_marks(marks) if marks else found


def _key(key: Value, wanted: Primitive) -> Value:
    try:
        return convert(key, wanted)
    except ConversionError as error:
        raise ExpressionFailure("Invalid index", f"{_NO_ELEMENT}: {error.message}.") from error


def _sequence_element(target: Value, type_: ListType | TupleType, key: Value) -> Value:
    key = _key(key, NUMBER)
    position = key.payload
    if position is UNKNOWN:
        return unknown(type_.element) if isinstance(type_, ListType) else UNKNOWN_VALUE
    if isinstance(position, Decimal):
        raise ExpressionFailure(
            "Invalid index",
            f"{_NO_ELEMENT}: indexing a sequence requires a whole number, but the given index "
            f"({format_number(position)}) has a fractional part.",
        )
    if not isinstance(position, int):
        raise TypeError(position)
    payload = target.payload
    length = len(payload) if isinstance(payload, tuple) else _known_length(type_)
    if position < 0:
        raise ExpressionFailure(
            "Invalid index",
            f"{_NO_ELEMENT}: a negative number is not a valid index for a sequence. Count from the "
            "end with element(list, -1) or list[length(list) - 1].",
        )
    if length is not None and position >= length:
        raise ExpressionFailure("Invalid index", _beyond(length))
    if isinstance(payload, tuple):
        return payload[position]
    return unknown(type_.element if isinstance(type_, ListType) else type_.elements[position])


def _known_length(type_: ListType | TupleType) -> int | None:
    return len(type_.elements) if isinstance(type_, TupleType) else None


def _beyond(length: int) -> str:
    if length == 0:
        return f"{_NO_ELEMENT}: the collection has no elements."
    count = "1 element" if length == 1 else f"{length} elements"
    return (
        f"{_NO_ELEMENT}: the given index is greater than or equal to the length of the collection, "
        f"which has {count}; the last index is {length - 1}."
    )


def _mapping_element(target: Value, type_: MapType | ObjectType, key: Value) -> Value:
    key = _key(key, STRING)
    name = key.payload
    if not isinstance(name, str):
        return unknown(type_.element) if isinstance(type_, MapType) else UNKNOWN_VALUE
    payload = target.payload
    if isinstance(payload, dict):
        found = payload.get(name)
        if found is not None:
            return found
        known = list(payload)
    elif isinstance(type_, MapType):
        return unknown(type_.element)
    else:
        attribute = type_.get(name)
        if attribute is not None:
            return unknown(attribute)
        known = [each for each, _ in type_.attributes]
    # keys may be secret where the collection or the key is
    hint = "" if target.marks or key.marks else _suggestion(name, known)
    raise ExpressionFailure("Invalid index", f"{_NO_ELEMENT}.{hint}")


def _not_indexable(type_: Type) -> NoReturn:
    if isinstance(type_, SetType):
        raise ExpressionFailure(
            "Invalid index",
            "Elements of a set are identified only by their value and don't have any separate "
            "index or key to select with, so it's only possible to perform operations across all "
            "elements of the set. Use tolist(…) to number them.",
        )
    raise ExpressionFailure(
        "Invalid index",
        f"This value does not have any indices: it is a {type_name(type_)}.",
    )


def _known_keys(name: str, target: Value) -> str:
    if target.marks or not isinstance(target.payload, dict):
        return ""
    return _suggestion(name, list(target.payload))


@lru_cache(maxsize=256)
def _near(name: str, known: tuple[str, ...]) -> str:
    """Return a hint; kept, because `try` may fail in the same way for every instance."""
    return did_you_mean(name, known)


def _suggestion(name: str, known: list[str]) -> str:
    near = _near(name, tuple(known))
    if near:
        return near
    if not known:
        return " There are none."
    return f" There are {joined(known)}." if len(known) <= _LISTED else ""
