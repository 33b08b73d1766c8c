"""How types are named to people and written in HCL, and what is wrong between two types."""

from __future__ import annotations

from typing import assert_never

from mlform.lang.construct import amount
from mlform.lang.numbers import format_number
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
from mlform.lang.values import Value

_LAST_TWO = 2


def type_name(type_: Type) -> str:
    """Return the name of a type for people, such as `list of string`."""
    match type_:
        case Primitive():
            return type_.name
        case ListType():
            return f"list of {type_name(type_.element)}"
        case SetType():
            return f"set of {type_name(type_.element)}"
        case MapType():
            return f"map of {type_name(type_.element)}"
        case TupleType():
            return "tuple"
        case ObjectType():
            return "object"
    assert_never(type_)


def constraint_name(type_: Type) -> str:
    """Return the name of a type that is asked for, such as `list of any single type`."""
    match type_:
        case Primitive():
            return "any type" if type_ is DYNAMIC else type_.name
        case ListType() | SetType() | MapType():
            kind = collection_kind(type_)
            inner = (
                "any single type" if type_.element is DYNAMIC else constraint_name(type_.element)
            )
            return f"{kind} of {inner}"
        case TupleType() | ObjectType():
            return type_name(type_)
    assert_never(type_)


def collection_kind(type_: ListType | SetType | MapType) -> str:
    """Return `list`, `set` or `map`."""
    if isinstance(type_, ListType):
        return "list"
    return "set" if isinstance(type_, SetType) else "map"


def type_expression(type_: Type) -> str:
    """Return the type as a type constraint in HCL, such as `object({a = optional(string)})`."""
    match type_:
        case Primitive():
            return "any" if type_ is DYNAMIC else type_.name
        case ListType() | SetType() | MapType():
            return f"{collection_kind(type_)}({type_expression(type_.element)})"
        case TupleType():
            return "tuple([" + ", ".join(map(type_expression, type_.elements)) + "])"
        case ObjectType():
            defaults = dict(type_.defaults)
            fields = []
            for name, attribute in type_.attributes:
                written = type_expression(attribute)
                if name in type_.optional:
                    default = defaults.get(name)
                    given = f", {value_expression(default)}" if isinstance(default, Value) else ""
                    written = f"optional({written}{given})"
                fields.append(f"{name} = {written}")
            return "object({" + ", ".join(fields) + "})"
    assert_never(type_)


def value_expression(value: Value) -> str:
    """Return a known value as an HCL expression on one line; sensitive parts are hidden."""
    if value.is_sensitive:
        return "(sensitive value)"
    payload = value.payload
    if isinstance(payload, tuple):
        return "[" + ", ".join(map(value_expression, payload)) + "]"
    if isinstance(payload, dict):
        fields = (f"{quoted(key)} = {value_expression(item)}" for key, item in payload.items())
        return "{" + ", ".join(fields) + "}"
    return _scalar_expression(value)


def _scalar_expression(value: Value) -> str:
    payload = value.payload
    if payload is None:
        return "null"
    if isinstance(payload, bool):
        return "true" if payload else "false"
    if isinstance(payload, str):
        return quoted(payload)
    return format_number(amount(value)) if value.is_known else "(known only after apply)"


def quoted(content: str) -> str:
    """Return a string as a quoted HCL template without interpolations."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    escaped = "".join(escapes.get(character, character) for character in content)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def joined(names: list[str]) -> str:
    """Return `"a"`, `"a" and "b"` or `"a", "b", and "c"`."""
    marked = [f'"{name}"' for name in names]
    if len(marked) <= _LAST_TWO:
        return " and ".join(marked)
    return ", ".join(marked[:-1]) + ", and " + marked[-1]
