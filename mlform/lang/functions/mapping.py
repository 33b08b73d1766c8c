"""Functions on maps and objects."""

from __future__ import annotations

from typing import Final

from mlform.lang.construct import (
    EMPTY_OBJECT,
    entries_of,
    is_mapping,
    items_of,
    list_of,
    map_of,
    object_of,
    string_value,
    text,
    tuple_of,
)
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.types import DYNAMIC, STRING, ListType, MapType, ObjectType, TupleType, Type
from mlform.lang.values import NO_MARKS, UNKNOWN, Mark, Value, unknown


def _keys(mapping: Value) -> Value:
    if not is_mapping(mapping.type):
        raise ArgumentError(0, "must have map or object type")
    names = [string_value(name) for name in entries_of(mapping)]
    return list_of(names, STRING) if isinstance(mapping.type, MapType) else tuple_of(names)


def _keys_type(mapping: Value) -> Type:
    if isinstance(mapping.type, ObjectType):
        return TupleType((STRING,) * len(mapping.type.attributes))
    return ListType(STRING) if isinstance(mapping.type, MapType) else DYNAMIC


def _values(mapping: Value) -> Value:
    if not is_mapping(mapping.type):
        raise ArgumentError(0, "values() requires a map as the first argument")
    items = list(entries_of(mapping).values())
    if isinstance(mapping.type, MapType):
        return list_of(items, mapping.type.element)
    return tuple_of(items)


def _values_type(mapping: Value) -> Type:
    return ListType(mapping.type.element) if isinstance(mapping.type, MapType) else DYNAMIC


def _lookup(mapping: Value, key: Value, *default: Value) -> Value:
    if len(default) > 1:
        raise FunctionError("lookup() takes two or three arguments")
    if not is_mapping(mapping.type):
        raise ArgumentError(0, "lookup() requires a map as the first argument")
    name = text(key)
    found = entries_of(mapping).get(name)
    if not isinstance(mapping.type, MapType):
        if found is not None:
            return found
        if default:
            return default[0]
        raise ArgumentError(0, f'the given object has no attribute "{name}"')
    if not default:
        if found is not None:
            return found
        raise FunctionError(f'lookup failed to find key "{name}"')
    try:
        fallback = convert(default[0], mapping.type.element)
    except ConversionError as error:
        message = "the default value must have the same type as the map elements"
        raise ArgumentError(2, message) from error
    return fallback if found is None else found


def _lookup_type(mapping: Value, *_: Value) -> Type:
    return mapping.type.element if isinstance(mapping.type, MapType) else DYNAMIC


def _merge(*mappings: Value) -> Value:
    entries: dict[str, Value] = {}
    types: set[Type] = set()
    marks: frozenset[Mark] = NO_MARKS
    for position, each in enumerate(mappings):
        marks |= each.marks
        if each.payload is None:
            continue
        if each.payload is UNKNOWN and (each.type is DYNAMIC or is_mapping(each.type)):
            return unknown(DYNAMIC).with_marks(marks)
        if not is_mapping(each.type):
            raise ArgumentError(
                position, f"arguments must be maps or objects, got {_shown(each.type)}"
            )
        types.add(each.type)
        entries.update(entries_of(each))
    common = types.pop() if len(types) == 1 else None
    if isinstance(common, MapType):
        return map_of(entries, common.element).with_marks(marks)
    if not entries:
        return EMPTY_OBJECT.with_marks(marks)
    return object_of(entries).with_marks(marks)


def _shown(type_: Type) -> str:
    from mlform.lang.type_text import type_name

    return f'"{type_name(type_)}"'


def _transpose(mapping: Value) -> Value:
    turned: dict[str, list[str]] = {}
    for key, names in entries_of(mapping).items():
        for name in items_of(names):
            if name.is_null:
                raise ArgumentError(0, "input must not contain null string values")
            turned.setdefault(text(name), []).append(key)
    lists = {
        name: list_of([string_value(key) for key in sorted(keys)], STRING)
        for name, keys in turned.items()
    }
    return map_of(lists, ListType(STRING))


def _zipmap(keys: Value, values: Value) -> Value:
    if not isinstance(values.type, ListType | TupleType):
        raise ArgumentError(1, "values argument must be a list or tuple value")
    names, items = items_of(keys), items_of(values)
    if len(names) != len(items):
        raise FunctionError(
            f"number of keys ({len(names)}) does not match number of values ({len(items)})"
        )
    for name in names:
        if name.is_null:
            raise ArgumentError(0, "keys list has null value")
        if not name.is_known:
            return unknown(_zipmap_type(keys, values))
    entries = {text(name): item for name, item in zip(names, items, strict=True)}
    if isinstance(values.type, ListType):
        return map_of(entries, values.type.element)
    return object_of(entries)


def _zipmap_type(_: Value, values: Value) -> Type:
    return MapType(values.type.element) if isinstance(values.type, ListType) else DYNAMIC


_MAPPING: Final = Parameter(name="inputMap", shallow=True)

FUNCTIONS: Final = (
    Function(
        name="keys",
        description="The keys of a map or attribute names of an object, sorted.",
        parameters=(_MAPPING,),
        result_type=_keys_type,
        implementation=_keys,
    ),
    Function(
        name="values",
        description="The values of a map or object in order of their keys.",
        parameters=(Parameter(name="mapping", shallow=True),),
        result_type=_values_type,
        implementation=_values,
    ),
    Function(
        name="lookup",
        description="The value of a key, or a default if the key is absent.",
        parameters=(_MAPPING, Parameter(name="key", type=STRING)),
        variadic=Parameter(name="default", nullable=True, shallow=True),
        result_type=_lookup_type,
        implementation=_lookup,
    ),
    Function(
        name="merge",
        description="The entries of all maps and objects; later ones win.",
        variadic=Parameter(name="maps", nullable=True, raw=True),
        implementation=_merge,
    ),
    Function(
        name="transpose",
        description="A map of lists turned round: from each string to the keys that list it.",
        parameters=(Parameter(name="values", type=MapType(ListType(STRING))),),
        returns=MapType(ListType(STRING)),
        implementation=_transpose,
    ),
    Function(
        name="zipmap",
        description="A map from a list of keys to a list of values.",
        parameters=(
            Parameter(name="keys", type=ListType(STRING)),
            Parameter(name="values", shallow=True),
        ),
        result_type=_zipmap_type,
        implementation=_zipmap,
    ),
)
