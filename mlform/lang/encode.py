"""Values as JSON, and the paths of what is unknown or marked inside them.

Numbers: a whole number is a JSON integer of any size. A fraction becomes the nearest 64-bit float,
whose shortest form is the decimal itself for up to 15 digits; longer fractions such as `1/3` lose
digits there, so values that are compared with stored ones go through `from_json(to_json(value))`
first. `json_text` writes every digit, as Terraform's `jsonencode` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isinf
from typing import TypeAlias

from mlform.digests import Json
from mlform.lang.construct import (
    has_unknown,
    list_of,
    map_of,
    marks_deep,
    object_of,
    set_of,
    string_value,
    tuple_of,
)
from mlform.lang.conversion import convert, is_open, without_optional
from mlform.lang.equality import equal
from mlform.lang.json_types import type_from_json, type_to_json
from mlform.lang.numbers import canonical, format_number, from_float, number_value
from mlform.lang.types import (
    DYNAMIC,
    ListType,
    MapType,
    ObjectType,
    Primitive,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.values import FALSE, NO_MARKS, NULL, TRUE, UNKNOWN, Mark, Value, null

__all__ = [
    "Path",
    "equal",
    "from_json",
    "has_unknown",
    "json_text",
    "mark_paths",
    "marks_deep",
    "parse_json",
    "sensitive_paths",
    "strip_marks",
    "to_json",
    "type_from_json",
    "type_to_json",
    "unknown_paths",
]

Path: TypeAlias = tuple[str | int, ...]

_LONE_SURROGATE = "[\ud800-\udfff]"

# the characters that Go's encoder escapes beyond what JSON demands
_ESCAPES = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def from_json(data: Json | Decimal, type_: Type | None = None) -> Value:
    """Return the value of JSON data.

    Args:
        data: JSON as Python holds it; a fraction may also be a `Decimal`.
        type_: What to convert to. Without it arrays become tuples and objects objects.

    Raises:
        ConversionError: If the data does not fit the type.
    """
    if type_ is None:
        return _implied(data)
    value = _typed(data, type_)
    return convert(_implied(data), type_) if value is None else value


def _typed(data: object, type_: Type) -> Value | None:
    """Return the value of data that is as the type says already, or None: `convert` sees to it."""
    if type_ is DYNAMIC:
        return _implied(data)
    if data is None:
        return null(without_optional(type_))
    if type(type_) is Primitive:
        value = _implied(data)
        return value if value.type is type_ else None
    if isinstance(data, dict | Mapping):
        return _typed_mapping(data, type_)
    if isinstance(data, list | Sequence) and not isinstance(data, str):
        return _typed_sequence(data, type_)
    return None


def _typed_mapping(data: Mapping[str, object], type_: Type) -> Value | None:
    if type(type_) is MapType:
        if is_open(type_.element):  # all elements together decide what it becomes
            return None
        entries = _typed_items((data[key], type_.element) for key in data)
        if entries is None:
            return None
        return map_of(dict(zip(data, entries, strict=True)), without_optional(type_.element))
    if type(type_) is not ObjectType:
        return None
    names = [name for name, _ in type_.attributes]
    if not type_.optional.issuperset(name for name in names if name not in data):
        return None
    values = _typed_items((data.get(name), each) for name, each in type_.attributes)
    return None if values is None else object_of(dict(zip(names, values, strict=True)))


def _typed_sequence(data: Sequence[object], type_: Type) -> Value | None:
    if type(type_) is TupleType:
        if len(data) != len(type_.elements):
            return None
        items = _typed_items(zip(data, type_.elements, strict=True))
        return None if items is None else tuple_of(items)
    if type(type_) is not ListType and type(type_) is not SetType:
        return None
    element = type_.element
    if is_open(element):
        return None
    items = _typed_items((item, element) for item in data)
    if items is None:
        return None
    make = list_of if type(type_) is ListType else set_of
    return make(items, without_optional(element))


def _typed_items(pairs: Iterable[tuple[object, Type]]) -> list[Value] | None:
    """Return the value of each pair of data and type, or None if one of them is no such value."""
    found: list[Value] = []
    for data, type_ in pairs:
        value = _typed(data, type_)
        if value is None:
            return None
        found.append(value)
    return found


def _implied(data: object) -> Value:
    if data is None:
        return NULL
    if data is True or data is False:
        return TRUE if data else FALSE
    if isinstance(data, str):
        # half of a pair of surrogates, which JSON can spell, is no character
        return string_value(data if data.isascii() else re.sub(_LONE_SURROGATE, "\ufffd", data))
    if isinstance(data, int | Decimal):
        return number_value(canonical(data))
    if isinstance(data, float):
        return number_value(from_float(data))
    return _implied_nested(data)


def _implied_nested(data: object) -> Value:
    if isinstance(data, dict | Mapping):  # of the two the first is quick, and most are
        return object_of({str(key): _implied(item) for key, item in data.items()})
    if isinstance(data, list | Sequence):
        return tuple_of([_implied(item) for item in data])
    raise TypeError(f"not JSON: {data!r}")


def parse_json(source: str) -> Value:
    """Return the value of JSON text, with every digit of its numbers.

    Raises:
        ValueError: If the text is not JSON.
    """
    return _implied(json.loads(source, parse_float=Decimal, parse_constant=_no_constant))


def _no_constant(name: str) -> object:
    raise ValueError(f"invalid value {name}")


def to_json(value: Value) -> Json:
    """Return the JSON data of a known value; marks are dropped, sets become arrays.

    Raises:
        ValueError: If anything inside is unknown or an infinite number.
    """
    payload = value.payload
    if payload is None or type(payload) is str or type(payload) is int or type(payload) is bool:
        return payload
    if isinstance(payload, tuple):
        return [to_json(item) for item in payload]
    if isinstance(payload, dict):
        return {key: to_json(item) for key, item in payload.items()}
    if payload is UNKNOWN:
        raise ValueError("the value is known only after apply")
    fraction = float(payload)
    if isinf(fraction):
        raise ValueError("cannot serialize infinity as JSON")
    return fraction


def json_text(value: Value) -> str:
    """Return a known value as compact JSON, to the byte what Terraform's `jsonencode` gives.

    Raises:
        ValueError: If anything inside is unknown or an infinite number.
    """
    written: list[str] = []
    _write(value, written.append)
    return "".join(written)


def _write(value: Value, write: Callable[[str], None]) -> None:
    payload = value.payload
    if isinstance(payload, str):
        write(_quoted(payload))
    elif isinstance(payload, tuple):
        opening = "["
        for item in payload:
            write(opening)
            _write(item, write)
            opening = ","
        write("]" if payload else "[]")
    elif isinstance(payload, dict):
        opening = "{"
        for key, item in payload.items():
            write(f"{opening}{_quoted(key)}:")
            _write(item, write)
            opening = ","
        write("}" if payload else "{}")
    else:
        write(_scalar(payload))


def _scalar(payload: object) -> str:
    if payload is None:
        return "null"
    if isinstance(payload, bool):
        return "true" if payload else "false"
    if isinstance(payload, int) or (isinstance(payload, Decimal) and payload.is_finite()):
        return format_number(payload)
    if payload is UNKNOWN:
        raise ValueError("the value is known only after apply")
    raise ValueError("cannot serialize infinity as JSON")


def _quoted(content: str) -> str:
    return json.dumps(content, ensure_ascii=False).translate(_ESCAPES)


def _children(value: Value) -> Iterable[tuple[str | int, Value]]:
    if isinstance(value.payload, dict):
        return value.payload.items()
    if isinstance(value.payload, tuple):
        return enumerate(value.payload)
    return ()


def unknown_paths(value: Value) -> tuple[Path, ...]:
    """Return the paths of what is unknown, `()` for the value itself."""
    if not has_unknown(value):
        return ()
    return tuple(_paths(value, lambda each: each.payload is UNKNOWN, ()))


def sensitive_paths(value: Value) -> tuple[Path, ...]:
    """Return the outermost paths of what is marked sensitive, `()` for the value itself."""
    if not marks_deep(value):
        return ()
    return tuple(_paths(value, lambda each: Mark.SENSITIVE in each.marks, ()))


def _paths(value: Value, chosen: Callable[[Value], bool], at: Path) -> Iterator[Path]:
    if chosen(value):
        yield at
        return
    for step, child in _children(value):
        yield from _paths(child, chosen, (*at, step))


def strip_marks(value: Value) -> tuple[Value, dict[Path, frozenset[Mark]]]:
    """Return the value without marks, and which marks were where; `mark_paths` puts them back."""
    found: dict[Path, frozenset[Mark]] = {}
    return _strip(value, (), found), found


def _strip(value: Value, at: Path, found: dict[Path, frozenset[Mark]]) -> Value:
    if value.marks:
        found[at] = value.marks
    payload = value.payload
    if isinstance(payload, tuple):
        items = tuple([_strip(item, (*at, step), found) for step, item in enumerate(payload)])
        return Value(value.type, items)
    if isinstance(payload, dict):
        entries = {key: _strip(item, (*at, key), found) for key, item in payload.items()}
        return Value(value.type, entries)
    return value.without_marks()


def mark_paths(
    value: Value,
    paths: Collection[Path] | Mapping[Path, frozenset[Mark]],
    marks: frozenset[Mark] = NO_MARKS,
) -> Value:
    """Return the value with marks added at paths; a path that leads nowhere marks its last part.

    Args:
        value: The value.
        paths: Where; a mapping gives each path marks of its own besides.
        marks: What is added at every path.
    """
    for path in paths:
        own = paths[path] if isinstance(paths, Mapping) else NO_MARKS
        value = _mark(value, path, marks | own)
    return value


def _mark(value: Value, path: Path, marks: frozenset[Mark]) -> Value:
    if not path:
        return value.with_marks(marks)
    step, payload = path[0], value.payload
    if isinstance(payload, dict) and step in payload:
        entries = dict(payload)
        entries[str(step)] = _mark(payload[str(step)], path[1:], marks)
        return Value(value.type, entries, value.marks)
    if isinstance(payload, tuple) and isinstance(step, int) and step < len(payload):
        changed = _mark(payload[step], path[1:], marks)
        return Value(value.type, (*payload[:step], changed, *payload[step + 1 :]), value.marks)
    return value.with_marks(marks)
