"""Functions on maps and objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mlform.dataclass import replace
from mlform.lang.construct import (
    EMPTY_OBJECT,
    entries_of,
    has_unknown,
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
from mlform.lang.ranges import range_of, unknown_in
from mlform.lang.types import DYNAMIC, STRING, ListType, MapType, ObjectType, TupleType, Type
from mlform.lang.values import NO_MARKS, UNKNOWN, UNKNOWN_VALUE, Mark, Value, unknown


def _keys(mapping: Value) -> Value:
    if not is_mapping(mapping.type):
        raise ArgumentError(0, "must have map or object type")
    names = [string_value(name) for name in entries_of(mapping)]
    return list_of(names, STRING) if isinstance(mapping.type, MapType) else tuple_of(names)


def _keys_early(mapping: Value) -> Value:
    if isinstance(mapping.type, ObjectType):
        return tuple_of([string_value(name) for name, _ in mapping.type.attributes])
    if isinstance(mapping.type, MapType):
        known = range_of(mapping)
        return unknown_in(ListType(STRING), replace(known, not_null=True))
    if mapping.type is DYNAMIC:
        return UNKNOWN_VALUE
    raise ArgumentError(0, "must have map or object type")


def _values(mapping: Value) -> Value:
    if not is_mapping(mapping.type):
        raise FunctionError("values() requires a map as the first argument")
    items = list(entries_of(mapping).values())
    if isinstance(mapping.type, MapType):
        return list_of(items, mapping.type.element)
    return tuple_of(items)


def _values_type(mapping: Value) -> Type:
    if isinstance(mapping.type, ObjectType):
        return TupleType(tuple(type_ for _, type_ in mapping.type.attributes))
    if isinstance(mapping.type, MapType):
        return ListType(mapping.type.element)
    if mapping.type is DYNAMIC:
        return DYNAMIC
    raise FunctionError("values() requires a map as the first argument")


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
    fallback = _fallback(default[0], mapping.type.element)
    return fallback if found is None else found


def _fallback(default: Value, element: Type) -> Value:
    try:
        return convert(default, element)
    except ConversionError as error:
        message = "the default value must have the same type as the map elements"
        raise ArgumentError(2, message) from error


def _lookup_type(mapping: Value, key: Value, *default: Value) -> Type:
    if isinstance(mapping.type, MapType):
        if default:
            _fallback(default[0], mapping.type.element)
        return mapping.type.element
    if not isinstance(mapping.type, ObjectType):
        if mapping.type is DYNAMIC:
            return DYNAMIC
        raise ArgumentError(0, "lookup() requires a map as the first argument")
    if not isinstance(key.payload, str):
        return DYNAMIC
    found = mapping.type.get(key.payload)
    if found is not None:
        return found
    if default:
        return default[0].type
    raise ArgumentError(0, f'the given object has no attribute "{key.payload}"')


def _merge(*mappings: Value) -> Value:
    entries: dict[str, Value] = {}
    types: set[Type] = set()
    marks: frozenset[Mark] = NO_MARKS
    unsettled = False
    for position, each in enumerate(mappings):
        marks |= each.marks
        if each.payload is None:
            continue
        if not is_mapping(each.type):
            if each.payload is UNKNOWN and each.type is DYNAMIC:
                unsettled = True
                continue
            # the position is not given as argument at fault: it may be one of an expanded list
            raise FunctionError(
                f"argument {position + 1}: arguments must be maps or objects, got "
                f"{_shown(each.type)}"
            )
        types.add(each.type)
        if each.payload is UNKNOWN:
            unsettled = True
        else:
            entries.update(entries_of(each))
    if unsettled:
        return Value(_merged_type(mappings), UNKNOWN, marks)
    common = types.pop() if len(types) == 1 else None
    if isinstance(common, MapType):
        return map_of(entries, common.element).with_marks(marks)
    if not entries:
        return EMPTY_OBJECT.with_marks(marks)
    return object_of(entries).with_marks(marks)


def _merged_type(mappings: Sequence[Value]) -> Type:
    """Return the type of a merge of which a part is unknown."""
    types = [each.type for each in mappings]
    if all(each == types[0] for each in types):
        return types[0]
    attributes: dict[str, Type] = {}
    for each in mappings:
        if each.type is DYNAMIC:
            return DYNAMIC
        if isinstance(each.type, ObjectType):
            if each.payload is not None:
                attributes.update(each.type.attributes)
        elif isinstance(each.payload, dict):
            attributes.update({key: item.type for key, item in each.payload.items()})
        elif each.payload is UNKNOWN:
            return DYNAMIC
    return ObjectType.of(attributes)


def _shown(type_: Type) -> str:
    from mlform.lang.type_text import type_name

    return f'"{type_name(type_)}"'


def _transpose(mapping: Value) -> Value:
    turned: dict[str, list[str]] = {}
    for key, names in entries_of(mapping).items():
        if names.is_null:
            raise FunctionError("input must not contain null lists")
        for name in items_of(names):
            if name.is_null:
                raise FunctionError("input must not contain null string values")
            turned.setdefault(text(name), []).append(key)
    lists = {
        name: list_of([string_value(key) for key in sorted(keys)], STRING)
        for name, keys in turned.items()
    }
    return map_of(lists, ListType(STRING))


def _zipmap(keys: Value, values: Value) -> Value:
    if not isinstance(values.type, ListType | TupleType):
        raise FunctionError("values argument must be a list or tuple value")
    names, items = items_of(keys), items_of(values)
    if len(names) != len(items):
        raise FunctionError(
            f"number of keys ({len(names)}) does not match number of values ({len(items)})"
        )
    for name in names:
        if name.is_null:
            raise FunctionError("keys list has a null value")
        if not name.is_known:
            return unknown(_zipmap_type(keys, values))
    entries = {text(name): item for name, item in zip(names, items, strict=True)}
    if isinstance(values.type, ListType):
        return map_of(entries, values.type.element)
    return object_of(entries)


def _zipmap_type(keys: Value, values: Value) -> Type:
    if isinstance(values.type, ListType):
        return MapType(values.type.element)
    if values.type is DYNAMIC:
        return DYNAMIC
    if not isinstance(values.type, TupleType):
        raise FunctionError("values argument must be a list or tuple value")
    if has_unknown(keys):
        return DYNAMIC
    names = items_of(keys)
    if len(names) != len(values.type.elements):
        raise FunctionError(
            f"number of keys ({len(names)}) does not match number of values "
            f"({len(values.type.elements)})"
        )
    return ObjectType.of(dict(zip(map(text, names), values.type.elements, strict=True)))


_MAPPING: Final = Parameter(name="inputMap", shallow=True)

FUNCTIONS: Final = (
    Function(
        name="keys",
        description="The keys of a map or attribute names of an object, sorted.",
        parameters=(_MAPPING,),
        early=_keys_early,
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
        variadic=Parameter(name="default", nullable=True, raw=True),
        result_type=_lookup_type,
        nullable=True,
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
