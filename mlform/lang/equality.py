"""Equality of values: as data, and as the language's `==` sees it."""

from __future__ import annotations

from mlform.lang.ranges import cannot_be
from mlform.lang.types import DYNAMIC, ListType, MapType, ObjectType, SetType, TupleType, Type
from mlform.lang.values import UNKNOWN, Payload, Value


def equal(left: Value, right: Value) -> bool:
    """Return whether two values have the same type and payload; marks take no part.

    Unknown values of one type are equal here.
    """
    if left is right:
        return True
    if left.type is not right.type and left.type != right.type:
        return False
    return _alike(left, right)


def _alike(left: Value, right: Value) -> bool:
    """Return whether two values of one type have the same payload."""
    mine, theirs = left.payload, right.payload
    if type(mine) is not type(theirs):
        return mine == theirs and not isinstance(mine, bool) and not isinstance(theirs, bool)
    # The type of a structure says those of its parts, which need not be compared again.
    agree = _alike if isinstance(left.type, ObjectType | TupleType) else equal
    if isinstance(mine, tuple) and isinstance(theirs, tuple):
        return len(mine) == len(theirs) and all(map(agree, mine, theirs))
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(
            agree(item, theirs[key]) for key, item in mine.items()
        )
    return mine == theirs


def compared(left: Value, right: Value) -> bool | None:
    """Return what `left == right` gives in the language, or None if that is not known yet."""
    mine, theirs = left.payload, right.payload
    if mine is UNKNOWN or theirs is UNKNOWN:
        if not _may_agree(left.type, right.type):
            return False
        if mine is UNKNOWN and left.range is not None and theirs is not UNKNOWN:
            return False if cannot_be(left.range, right) else None
        if theirs is UNKNOWN and right.range is not None and mine is not UNKNOWN:
            return False if cannot_be(right.range, left) else None
        return None
    if mine is None or theirs is None:
        return mine is None and theirs is None
    return _may_agree(left.type, right.type) and _same_parts(mine, theirs)


def _same_parts(mine: Payload, theirs: Payload) -> bool | None:
    if isinstance(mine, tuple) and isinstance(theirs, tuple):
        return _pairwise(mine, theirs)
    if isinstance(mine, dict) and isinstance(theirs, dict):
        if mine.keys() != theirs.keys():
            return False
        return _pairwise(tuple(mine.values()), tuple(theirs.values()))
    return mine == theirs


def _pairwise(left: tuple[Value, ...], right: tuple[Value, ...]) -> bool | None:
    if len(left) != len(right):
        return False
    for mine, theirs in zip(left, right, strict=True):
        agree = compared(mine, theirs)
        if agree is not True:
            return agree
    return True


def _may_agree(left: Type, right: Type) -> bool:
    """Whether values of the types can be equal; a type not known yet, or of null, always may."""
    if left is right or left == right or left is DYNAMIC or right is DYNAMIC:
        return True
    match left, right:
        case ListType() | SetType() | MapType(), ListType() | SetType() | MapType():
            return type(left) is type(right) and _may_agree(left.element, right.element)
        case TupleType(), TupleType():
            return len(left.elements) == len(right.elements) and all(
                map(_may_agree, left.elements, right.elements)
            )
        case ObjectType(), ObjectType():
            return [name for name, _ in left.attributes] == [
                name for name, _ in right.attributes
            ] and all(
                _may_agree(mine, theirs)
                for (_, mine), (_, theirs) in zip(left.attributes, right.attributes, strict=True)
            )
        case _:
            return False
