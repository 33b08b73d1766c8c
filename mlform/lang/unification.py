"""Which types convert into which, and the one type that several types unify to.

The rules are Terraform's: structural types unify attribute by attribute or fall back to a map or
list, primitives fall back to string, and a type not known yet leaves the result open.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key

from mlform.lang.types import (
    DYNAMIC,
    STRING,
    ListType,
    MapType,
    ObjectType,
    Primitive,
    SetType,
    TupleType,
    Type,
)


def convertible(got: Type, want: Type) -> bool:
    """Return whether a value of type `got` may convert to `want`; some values may still fail."""
    if want is DYNAMIC or got is DYNAMIC or got == want:
        return True
    if isinstance(want, Primitive):
        return isinstance(got, Primitive) and (want is STRING or got is STRING)
    if isinstance(want, ListType | SetType):
        return _convertible_to_sequence(got, want.element)
    if isinstance(want, MapType):
        return _convertible_to_map(got, want.element)
    if isinstance(want, TupleType):
        return (
            isinstance(got, TupleType)
            and len(got.elements) == len(want.elements)
            and all(map(convertible, got.elements, want.elements))
        )
    return _convertible_to_object(got, want)


def _convertible_to_sequence(got: Type, element: Type) -> bool:
    if isinstance(got, ListType | SetType):
        return convertible(got.element, element)
    if not isinstance(got, TupleType):
        return False
    return _all_convertible(got.elements, element)


def _convertible_to_map(got: Type, element: Type) -> bool:
    if isinstance(got, MapType):
        return convertible(got.element, element)
    if not isinstance(got, ObjectType):
        return False
    return _all_convertible([attribute for _, attribute in got.attributes], element)


def _all_convertible(types: Sequence[Type], element: Type) -> bool:
    if element is DYNAMIC:
        return not types or unify(types) is not None
    return all(convertible(each, element) for each in types)


def _convertible_to_object(got: Type, want: ObjectType) -> bool:
    if isinstance(got, MapType):
        return all(convertible(got.element, attribute) for _, attribute in want.attributes)
    if not isinstance(got, ObjectType):
        return False
    given = dict(got.attributes)
    return all(
        convertible(given[name], attribute) if name in given else name in want.optional
        for name, attribute in want.attributes
    )


def unify(types: Sequence[Type]) -> Type | None:
    """Return the type that all the types convert to, or None; None for no types at all."""
    if not types:
        return None
    first = types[0]
    if first is not DYNAMIC and all(each is first or each == first for each in types):
        return first
    kinds: set[type[object]] = {type(each) for each in types if each is not DYNAMIC}
    has_dynamic = any(each is DYNAMIC for each in types)
    if kinds == {ObjectType, TupleType}:
        return None
    if has_dynamic and kinds and Primitive not in kinds:
        mixed = kinds in ({ListType, TupleType}, {MapType, ObjectType})
        return (_unify_kinds(types, kinds) if mixed else None) or DYNAMIC
    found = _unify_kinds(types, kinds)
    return found if found is not None or _settled(kinds) else _preferred(types)


def _settled(kinds: set[type[object]]) -> bool:
    """Whether these kinds unify by structure or not at all."""
    return len(kinds) == 1 and Primitive not in kinds


def _unify_kinds(types: Sequence[Type], kinds: set[type[object]]) -> Type | None:
    if MapType in kinds and kinds <= {MapType, ObjectType}:
        return _unify_as_map(types)
    if ListType in kinds and kinds <= {ListType, TupleType}:
        return _unify_as_list(types)
    if kinds == {SetType}:
        element = unify([each.element for each in types if isinstance(each, SetType)])
        return None if element is None else SetType(element)
    if kinds == {ObjectType}:
        return _unify_objects([each for each in types if isinstance(each, ObjectType)])
    if kinds == {TupleType}:
        return _unify_tuples([each for each in types if isinstance(each, TupleType)])
    return None


def _unify_as_map(types: Sequence[Type]) -> Type | None:
    elements: list[Type] = []
    for each in types:
        if isinstance(each, MapType):
            elements.append(each.element)
        elif isinstance(each, ObjectType):
            elements.extend(attribute for _, attribute in each.attributes)
    element = unify(elements)
    return None if element is None else MapType(element)


def _unify_as_list(types: Sequence[Type]) -> Type | None:
    elements: list[Type] = []
    for each in types:
        if isinstance(each, ListType):
            elements.append(each.element)
        elif isinstance(each, TupleType):
            elements.extend(each.elements)
    element = unify(elements)
    return None if element is None else ListType(element)


def _unify_objects(types: list[ObjectType]) -> Type | None:
    names = [name for name, _ in types[0].attributes]
    if any([name for name, _ in each.attributes] != names for each in types):
        return _unify_as_map(types)
    unified: list[tuple[str, Type]] = []
    for position, name in enumerate(names):
        attribute = unify([each.attributes[position][1] for each in types])
        if attribute is None:
            return None
        unified.append((name, attribute))
    return ObjectType(tuple(unified))


def _unify_tuples(types: list[TupleType]) -> Type | None:
    length = len(types[0].elements)
    if any(len(each.elements) != length for each in types):
        return _unify_as_list(types)
    unified: list[Type] = []
    for position in range(length):
        element = unify([each.elements[position] for each in types])
        if element is None:
            return None
        unified.append(element)
    return TupleType(tuple(unified))


def _preferred(types: Sequence[Type]) -> Type | None:
    """Return the best of the types themselves that all others convert to."""
    for wanted in sorted(types, key=cmp_to_key(_compare)):
        if all(convertible(each, wanted) for each in types):
            return wanted
    return None


def _compare(left: Type, right: Type) -> int:
    """Order types by preference: string first among primitives, an open type last."""
    if left is DYNAMIC or right is DYNAMIC:
        return (left is DYNAMIC) - (right is DYNAMIC)
    if isinstance(left, Primitive) and isinstance(right, Primitive):
        return (right is STRING) - (left is STRING)
    if isinstance(left, ListType) and isinstance(right, ListType):
        return _compare(left.element, right.element)
    # a list keeps order and duplicates, so a set gives way to it
    return isinstance(right, ListType) - isinstance(left, ListType)
