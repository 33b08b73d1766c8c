"""Conversion of values to types, with Terraform's rules and messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from mlform.lang.construct import amount as amount_of
from mlform.lang.construct import entries_of, items_of, list_of, map_of, set_of
from mlform.lang.numbers import format_number, number_value, parse_number
from mlform.lang.ranges import converted_range, unknown_in
from mlform.lang.type_text import collection_kind, constraint_name, joined, quoted
from mlform.lang.types import (
    BOOL,
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
from mlform.lang.unification import convertible, unify
from mlform.lang.values import FALSE, NULL, TRUE, UNKNOWN, Range, Value

Path: TypeAlias = tuple[str | int, ...]


class ConversionError(Exception):
    """A value does not fit a type.

    Attributes:
        path: Where inside the value: attribute names, map keys and indices from 0.
        message: What is wrong there, such as `a number is required`.
    """

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message if not path else f"{format_path(path)}: {message}")
        self.path = path
        self.message = message


def format_path(path: Path) -> str:
    """Return a path as it is written after a name, such as `.a[0]`."""
    return "".join(
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if step.isidentifier()
        else f"[{quoted(step)}]"
        for step in path
    )


def convert(value: Value, type_: Type) -> Value:
    """Return the value converted to a type; marks are kept where they are.

    Raises:
        ConversionError: If the value does not fit; it names the first place that does not.
    """
    if type_ is value.type or type_ is DYNAMIC:
        return value
    if type(type_) is Primitive:
        return _to_primitive(value, type_, ())
    return _convert(value, type_, ())


def _convert(value: Value, want: Type, path: Path) -> Value:
    got = value.type
    if want is DYNAMIC or got is want:
        return value
    if isinstance(want, Primitive):
        return _to_primitive(value, want, path)
    payload = value.payload
    if payload is None or payload is UNKNOWN or not convertible(got, want):
        if not convertible(got, want):
            raise ConversionError(path, mismatch(got, want))
        filled = _filled(got, want)
        if payload is None:
            return Value(filled, None, value.marks)
        known = converted_range(value.range, got, filled)
        return unknown_in(filled, known or Range(), value.marks)
    if got == want:
        return value
    converted = _CONVERTERS[type(want)](value, want, path)
    return converted.with_marks(value.marks) if value.marks else converted


def _to_primitive(value: Value, want: Primitive, path: Path) -> Value:
    got, payload = value.type, value.payload
    if payload is None or payload is UNKNOWN:
        if not convertible(got, want):
            raise ConversionError(path, mismatch(got, want))
        return Value(want, payload, value.marks, converted_range(value.range, got, want))
    if want is STRING:
        converted = _to_string(value)
    elif got is STRING:
        converted = _to_number(payload) if want is NUMBER else _to_bool(payload)
    else:
        converted = None
    if converted is None:
        if got is STRING:
            raise ConversionError(path, _unparsed(payload, want))
        raise ConversionError(path, mismatch(got, want))
    return converted.with_marks(value.marks) if value.marks else converted


def _to_string(value: Value) -> Value | None:
    if value.type is NUMBER:
        return Value(STRING, format_number(amount_of(value)))
    if value.type is BOOL:
        return Value(STRING, "true" if value.payload else "false")
    return None


def _to_number(payload: object) -> Value | None:
    parsed = parse_number(payload) if isinstance(payload, str) else None
    return None if parsed is None else number_value(parsed)


def _to_bool(payload: object) -> Value | None:
    if payload in {"true", "1"}:
        return TRUE
    return FALSE if payload in {"false", "0"} else None


def _unparsed(payload: object, want: Primitive) -> str:
    if want is NUMBER:
        return "a number is required"
    if isinstance(payload, str) and payload.lower() in {"true", "false"}:
        return f'a bool is required; to convert from string, use lowercase "{payload.lower()}"'
    return "a bool is required"


def _elements(value: Value, element: Type, kind: str, path: Path) -> tuple[list[Value], Type]:
    """Convert elements one by one, then to one type where the element type leaves it open."""
    children: Iterable[tuple[str | int, Value]]
    if isinstance(value.payload, dict):
        children = value.payload.items()
    else:
        children = enumerate(items_of(value))
    converted = [_convert(child, element, (*path, step)) for step, child in children]
    if not is_open(element):
        return converted, without_optional(element)
    if not converted:
        given = value.type
        return [], given.element if isinstance(given, ListType | SetType | MapType) else DYNAMIC
    unified = _unified_elements(converted, kind)
    if unified is None:
        raise ConversionError(path, f"all {kind} elements must have the same type")
    return [_convert(child, unified, path) for child in converted], unified


def _unified_elements(items: list[Value], kind: str) -> Type | None:
    """Return the one type of elements, or None; in a map null may stand among structures."""
    types = [item.type for item in items]
    unified = unify(types)
    if unified is not DYNAMIC:
        return unified
    known = [type_ for type_ in types if type_ is not DYNAMIC]
    if not known:
        return DYNAMIC
    return unify(known) if kind == "map" else None


def _to_list(value: Value, want: Type, path: Path) -> Value:
    items, element = _elements(value, _element(want), "list", path)
    return list_of(items, element)


def _to_set(value: Value, want: Type, path: Path) -> Value:
    items, element = _elements(value, _element(want), "set", path)
    return set_of(items, element)


def _to_map(value: Value, want: Type, path: Path) -> Value:
    items, element = _elements(value, _element(want), "map", path)
    return map_of(dict(zip(entries_of(value), items, strict=True)), element)


def _to_tuple(value: Value, want: Type, path: Path) -> Value:
    if not isinstance(want, TupleType):
        raise TypeError(want)
    pairs = zip(items_of(value), want.elements, strict=True)
    items = tuple([_convert(item, each, (*path, at)) for at, (item, each) in enumerate(pairs)])
    return Value(TupleType(tuple([item.type for item in items])), items)


def _to_object(value: Value, want: Type, path: Path) -> Value:
    if not isinstance(want, ObjectType):
        raise TypeError(want)
    given = entries_of(value)
    attributes: dict[str, Value] = {}
    for name, attribute in want.attributes:
        child = given.get(name)
        if child is not None:
            attributes[name] = _convert(child, attribute, (*path, name))
        elif name in want.optional:
            attributes[name] = Value(without_optional(attribute), None)
        else:
            missing = [each for each, _ in want.attributes if each not in given]
            raise ConversionError(path, _missing(sorted(set(missing) - want.optional)))
    return Value(
        ObjectType(tuple([(name, item.type) for name, item in attributes.items()])), attributes
    )


_CONVERTERS: dict[type[object], Callable[[Value, Type, Path], Value]] = {
    ListType: _to_list,
    SetType: _to_set,
    MapType: _to_map,
    TupleType: _to_tuple,
    ObjectType: _to_object,
}


def _element(type_: Type) -> Type:
    if isinstance(type_, ListType | SetType | MapType):
        return type_.element
    raise TypeError(type_)


def is_open(type_: Type) -> bool:
    """Return whether the constraint leaves a type open with `any` somewhere."""
    match type_:
        case Primitive():
            return type_ is DYNAMIC
        case ListType() | SetType() | MapType():
            return is_open(type_.element)
        case TupleType():
            return any(map(is_open, type_.elements))
        case ObjectType():
            return any(is_open(attribute) for _, attribute in type_.attributes)


def without_optional(type_: Type) -> Type:
    """Return the type of the values that a constraint produces: nothing optional, no defaults."""
    match type_:
        case Primitive():
            return type_
        case ListType() | SetType() | MapType():
            element = without_optional(type_.element)
            return type_ if element is type_.element else type(type_)(element)
        case TupleType():
            return TupleType(tuple(map(without_optional, type_.elements)))
        case ObjectType():
            return ObjectType(
                tuple((name, without_optional(attribute)) for name, attribute in type_.attributes)
            )


def _filled(got: Type, want: Type) -> Type:
    """Return `want` with `any` replaced by what `got` has there; for null and unknown values."""
    if want is DYNAMIC:
        return got
    match want, got:
        case ((ListType() | SetType() | MapType()), _):
            return type(want)(_filled(_common_element(got), want.element))
        case ObjectType(), ObjectType():
            given = dict(got.attributes)
            return ObjectType(
                tuple(
                    (name, _filled(given.get(name, DYNAMIC), each))
                    for name, each in want.attributes
                )
            )
        case TupleType(), TupleType():
            return TupleType(tuple(map(_filled, got.elements, want.elements)))
        case _:
            return without_optional(want)


def _common_element(got: Type) -> Type:
    """Return the one type that all elements of a type can have; open if there is none."""
    match got:
        case ListType() | SetType() | MapType():
            return got.element
        case TupleType():
            return unify(got.elements) or DYNAMIC
        case ObjectType():
            return unify([attribute for _, attribute in got.attributes]) or DYNAMIC
        case Primitive():
            return DYNAMIC


def mismatch(got: Type, want: Type) -> str:
    """Return what is required where the type `got` can never convert to `want`."""
    match got, want:
        case ObjectType(), ObjectType():
            return _object_mismatch(got, want)
        case TupleType(), (ListType() | SetType()):
            return _elements_mismatch(enumerate(got.elements), want)
        case ObjectType(), MapType():
            return _elements_mismatch(((f'"{name}"', each) for name, each in got.attributes), want)
        case ((ListType() | SetType() | MapType()), (ListType() | SetType() | MapType())) if (
            isinstance(got, MapType) == isinstance(want, MapType)
        ):
            inner = mismatch(got.element, want.element)
            return f"incorrect {collection_kind(want)} element type: {inner}"
        case _:
            return f"{constraint_name(want)} required"


def _elements_mismatch(
    elements: Iterable[tuple[str | int, Type]], want: ListType | SetType | MapType
) -> str:
    if want.element is not DYNAMIC:
        for label, each in elements:
            if not convertible(each, want.element):
                return f"element {label}: {mismatch(each, want.element)}"
    return f"all {collection_kind(want)} elements must have the same type"


def _object_mismatch(got: ObjectType, want: ObjectType) -> str:
    given = dict(got.attributes)
    missing = [
        name for name, _ in want.attributes if name not in given and name not in want.optional
    ]
    if missing:
        return _missing(missing)
    for name, attribute in want.attributes:
        if name in given and not convertible(given[name], attribute):
            return f'attribute "{name}": {mismatch(given[name], attribute)}'
    return "object required"


def _missing(names: list[str]) -> str:
    if len(names) == 1:
        return f"attribute {joined(names)} is required"
    return f"attributes {joined(names)} are required"


def apply_defaults(value: Value, type_: Type) -> Value:
    """Return the value with the defaults of `optional(type, default)` filled in, before `convert`.

    An attribute that is absent or null takes its default. The value need not fit the type yet.
    """
    payload = value.payload
    if payload is None or payload is UNKNOWN:
        return value
    match type_, payload:
        case ObjectType(), dict():
            return _object_defaults(value, payload, type_)
        case MapType(), dict():
            entries = {key: apply_defaults(item, type_.element) for key, item in payload.items()}
            return _rebuilt_mapping(value, entries)
        case ((ListType() | SetType()), tuple()):
            return _rebuilt_sequence(
                value, [apply_defaults(item, type_.element) for item in payload]
            )
        case TupleType(), tuple() if len(payload) == len(type_.elements):
            return _rebuilt_sequence(value, list(map(apply_defaults, payload, type_.elements)))
    return value


def _object_defaults(value: Value, payload: dict[str, Value], type_: ObjectType) -> Value:
    defaults = dict(type_.defaults)
    entries = dict(payload)
    for name, attribute in type_.attributes:
        given = entries.get(name, NULL)
        default = defaults.get(name)
        if given.payload is None and isinstance(default, Value):
            given = default.with_marks(given.marks)
        if name in entries or given is not NULL:
            entries[name] = apply_defaults(given, attribute)
    return _rebuilt_mapping(value, entries)


def _rebuilt_mapping(value: Value, entries: dict[str, Value]) -> Value:
    ordered = {name: entries[name] for name in sorted(entries)}
    type_ = ObjectType(tuple((name, item.type) for name, item in ordered.items()))
    return Value(type_, ordered, value.marks)


def _rebuilt_sequence(value: Value, items: list[Value]) -> Value:
    return Value(TupleType(tuple(item.type for item in items)), tuple(items), value.marks)
