"""Types as JSON, in the syntax of Terraform's plan and state: `"string"`, `["list", "string"]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlform.digests import Json
from mlform.lang.type_text import collection_kind
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

_PRIMITIVES = {type_.name: type_ for type_ in (STRING, NUMBER, BOOL, DYNAMIC)}
_PAIR = 2
_WITH_OPTIONAL = 3


def type_to_json(type_: Type) -> Json:
    """Return the JSON form of a type; defaults of optional attributes take no part."""
    match type_:
        case Primitive():
            return type_.name
        case ListType() | SetType() | MapType():
            return [collection_kind(type_), type_to_json(type_.element)]
        case TupleType():
            return ["tuple", [type_to_json(element) for element in type_.elements]]
        case ObjectType():
            attributes = {name: type_to_json(attribute) for name, attribute in type_.attributes}
            if type_.optional:
                return ["object", attributes, sorted(type_.optional)]
            return ["object", attributes]


def type_from_json(document: Json) -> Type:
    """Return the type of a JSON form.

    Raises:
        ValueError: If it is no type.
    """
    if isinstance(document, str):
        if document in _PRIMITIVES:
            return _PRIMITIVES[document]
    elif isinstance(document, Sequence) and len(document) >= _PAIR:
        found = _constructed(document[0], document[1], document)
        if found is not None:
            return found
    raise ValueError(f"not a type: {document!r}")


def _constructed(kind: Json, inner: Json, document: Sequence[Json]) -> Type | None:
    match kind:
        case "list":
            return ListType(type_from_json(inner))
        case "set":
            return SetType(type_from_json(inner))
        case "map":
            return MapType(type_from_json(inner))
        case "tuple" if isinstance(inner, Sequence) and not isinstance(inner, str):
            return TupleType(tuple(map(type_from_json, inner)))
        case "object" if isinstance(inner, Mapping):
            optional = document[2] if len(document) == _WITH_OPTIONAL else ()
            names = [str(name) for name in optional] if isinstance(optional, Sequence) else []
            attributes = {name: type_from_json(attribute) for name, attribute in inner.items()}
            return ObjectType(
                tuple((name, attributes[name]) for name in sorted(attributes)), frozenset(names)
            )
        case _:
            return None
