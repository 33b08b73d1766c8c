"""Building values, and reading their payloads with the type checked.

The constructors keep what `mlform.lang.values` promises: strings in normal form C, sorted keys,
sets without duplicates in element order, marks of set elements on the set itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from unicodedata import is_normalized, normalize

from mlform.lang.numbers import Amount
from mlform.lang.types import (
    BOOL,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.values import NO_MARKS, UNKNOWN, Mark, Payload, Value

_type_of = attrgetter("type")
EMPTY_OBJECT = Value(ObjectType(()), {})


def string_value(content: str) -> Value:
    """Return a string value, brought to Unicode's normal form C."""
    if not content.isascii() and not is_normalized("NFC", content):
        content = normalize("NFC", content)
    return Value(STRING, content)


def tuple_of(items: Iterable[Value]) -> Value:
    """Return a tuple."""
    elements = tuple(items)
    return Value(TupleType(tuple([item.type for item in elements])), elements)


def object_of(attributes: Mapping[str, Value]) -> Value:
    """Return an object."""
    names = sorted(attributes)
    values = [attributes[name] for name in names]
    types = tuple(zip(names, map(_type_of, values), strict=True))
    return Value(ObjectType(types), dict(zip(names, values, strict=True)))


def list_of(items: Iterable[Value], element: Type) -> Value:
    """Return a list; every item must have the element type already."""
    return Value(ListType(element), tuple(items))


def map_of(entries: Mapping[str, Value], element: Type) -> Value:
    """Return a map; every value must have the element type already."""
    return Value(MapType(element), {key: entries[key] for key in sorted(entries)})


def set_of(items: Iterable[Value], element: Type) -> Value:
    """Return a set of items that have the element type already; duplicates are dropped."""
    marks: frozenset[Mark] = NO_MARKS
    distinct: dict[object, Value] = {}
    for item in items:
        bare, item_marks = unmark_deep(item)
        marks |= item_marks
        # what is not known yet may turn out to differ from everything else
        key = identity(bare) if not has_unknown(bare) else (len(distinct), UNKNOWN)
        distinct.setdefault(key, bare)
    ordered = sorted(distinct.values(), key=_order)
    return Value(SetType(element), tuple(ordered), marks)


def unmark_deep(value: Value) -> tuple[Value, frozenset[Mark]]:
    """Return the value without any mark at any depth, and the union of those marks."""
    marks = marks_deep(value)
    return (_stripped(value), marks) if marks else (value, NO_MARKS)


def marks_deep(value: Value) -> frozenset[Mark]:
    """Return the marks of the value and of everything inside it."""
    marks = value.marks
    for item in _parts(value.payload):
        if type(item.payload) is tuple or type(item.payload) is dict:
            marks |= marks_deep(item)
        elif item.marks:
            marks |= item.marks
    return marks


def _parts(payload: Payload) -> Iterable[Value]:
    if type(payload) is dict:
        return payload.values()
    return payload if type(payload) is tuple else ()


def _stripped(value: Value) -> Value:
    payload = value.payload
    if type(payload) is tuple:
        return Value(value.type, tuple([_stripped(item) for item in payload]))
    if type(payload) is dict:
        return Value(value.type, {key: _stripped(item) for key, item in payload.items()})
    return value.without_marks()


def has_unknown(value: Value) -> bool:
    """Return whether the value or anything inside it is unknown."""
    if value.payload is UNKNOWN:
        return True
    # A loop, because this is asked of every value of a plan and `any` would make a generator each.
    for item in _parts(value.payload):
        inner = item.payload
        if inner is UNKNOWN:
            return True
        if (type(inner) is tuple or type(inner) is dict) and has_unknown(item):
            return True
    return False


def identity(value: Value) -> object:
    """Return a hashable form of a value; equal for values of one type that are equal."""
    payload = value.payload
    if type(payload) is tuple:
        return tuple([identity(item) for item in payload])
    if type(payload) is dict:
        return tuple([(key, identity(item)) for key, item in payload.items()])
    return (type(payload) is bool, payload)


def text(value: Value) -> str:
    """Return the payload of a known string."""
    payload = value.payload
    if isinstance(payload, str):
        return payload
    raise _unexpected(value, "string")


def amount(value: Value) -> Amount:
    """Return the payload of a known number."""
    payload = value.payload
    if isinstance(payload, (int, Decimal)) and not isinstance(payload, bool):
        return payload
    raise _unexpected(value, "number")


def truth(value: Value) -> bool:
    """Return the payload of a known bool."""
    if isinstance(value.payload, bool):
        return value.payload
    raise _unexpected(value, "bool")


def items_of(value: Value) -> tuple[Value, ...]:
    """Return the elements of a known list, set or tuple."""
    if isinstance(value.payload, tuple):
        return value.payload
    raise _unexpected(value, "sequence")


def entries_of(value: Value) -> dict[str, Value]:
    """Return the attributes of a known object or the entries of a known map."""
    if isinstance(value.payload, dict):
        return value.payload
    raise _unexpected(value, "mapping")


def is_sequence(type_: Type) -> bool:
    """Return whether values of the type are lists, sets or tuples."""
    return isinstance(type_, ListType | SetType | TupleType)


def is_mapping(type_: Type) -> bool:
    """Return whether values of the type are maps or objects."""
    return isinstance(type_, MapType | ObjectType)


def _unexpected(value: Value, wanted: str) -> TypeError:
    return TypeError(f"expected the payload of a known {wanted}, got {value.payload!r}")


def _order(value: Value) -> tuple[int, object]:
    """Sort key of a set element: known before unknown before null, then by Terraform's order."""
    payload = value.payload
    if payload is None or payload is UNKNOWN:
        return (2 if payload is None else 1, 0)
    if value.type in (STRING, NUMBER, BOOL):
        return (0, payload)
    written: list[str] = []
    _write_key(value, written)
    return (0, "".join(written))


def _write_key(value: Value, written: list[str]) -> None:
    """Write the text by which Terraform orders elements of a set that are not primitive."""
    payload = value.payload
    if payload is None or payload is UNKNOWN:
        written.append("~" if payload is None else "?")
    elif isinstance(payload, bool):
        written.append("T" if payload else "F")
    elif isinstance(payload, str):
        written.append('"' + payload.replace("\\", "\\\\").replace('"', '\\"') + '"')
    elif isinstance(payload, int | Decimal):
        written.append(format(float(payload), ".10g"))
    else:
        _write_nested(value.type, payload, written)


def _write_nested(
    type_: Type, payload: Sequence[Value] | Mapping[str, Value], written: list[str]
) -> None:
    if isinstance(payload, Mapping):
        opening, closing = "{}" if isinstance(type_, MapType) else "<>"
        written.append(opening)
        for key, item in payload.items():
            if opening == "{":
                written.append(f'"{key}"=')
            _write_key(item, written)
            written.append(";")
    else:
        opening, closing = "<>" if isinstance(type_, TupleType) else "[]"
        written.append(opening)
        for item in payload:
            _write_key(item, written)
            written.append(";")
    written.append(closing)
