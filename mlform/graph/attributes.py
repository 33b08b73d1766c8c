"""Attributes of a resource as a value and as the JSON that the state keeps.

An attribute whose type is not declared is kept with the type its value had, as Terraform does,
so that a set comes back as a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlform.digests import Json, JsonObject
from mlform.graph.arguments import plain
from mlform.lang.construct import entries_of, object_of
from mlform.lang.encode import from_json
from mlform.lang.json_types import type_from_json, type_to_json
from mlform.lang.types import DYNAMIC, STRING, ListType, Type
from mlform.lang.values import Value, null, unknown
from mlform.schema import Attribute, ResourceReference, ResourceSchema


def stored(schema: ResourceSchema, attributes: Mapping[str, Value]) -> JsonObject:
    """Return the JSON for the state of known attributes."""
    found: dict[str, Json] = {}
    for name, value in attributes.items():
        if _is_open(schema.body.attribute(name)) and not (value.is_null and value.type is DYNAMIC):
            found[name] = {"type": type_to_json(value.type), "value": plain(value)}
        else:
            found[name] = plain(value)
    return found


class Loaded(Mapping[str, Value]):
    """The attributes that the state keeps, each read when somebody asks for it.

    Most objects of a plan stay as they are, and of those few are referred to. What the state lacks
    is null.
    """

    __slots__ = ("_attributes", "_body", "_read")

    def __init__(self, schema: ResourceSchema, attributes: JsonObject) -> None:
        """Take note of what to read.

        Args:
            schema: Of the kind.
            attributes: As the state keeps them.
        """
        self._body = schema.body
        self._attributes = attributes
        self._read: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        value = self._read.get(name)
        if value is None:
            value = self._read[name] = self._value(name)
        return value

    def _value(self, name: str) -> Value:
        data = self._attributes.get(name)
        attribute = self._body.attribute(name)
        if attribute is None:
            if self._body.block(name) is None:
                raise KeyError(name)
            return from_json(data)
        if attribute.type is not DYNAMIC:
            return from_json(data, value_type(attribute))
        if isinstance(data, dict | Mapping):  # of the two the first is quick, and most are
            return from_json(data["value"], type_from_json(data["type"]))
        return null(DYNAMIC)

    def document(self, name: str) -> Json:
        """Return the plain JSON of an attribute or block."""
        data = self._attributes.get(name)
        if data is None or self._body.block(name) is not None:  # as the value would give it back
            return data
        return plain(self[name])

    def __iter__(self) -> Iterator[str]:
        yield from (attribute.name for attribute in self._body.attributes)
        yield from (block.name for block in self._body.blocks)

    def __len__(self) -> int:
        return len(self._body.attributes) + len(self._body.blocks)


def computed(schema: ResourceSchema, attributes: Mapping[str, Json]) -> dict[str, Value]:
    """Return computed attributes from plain JSON, each as its declared type; absent ones null."""
    return {
        attribute.name: from_json(attributes.get(attribute.name), _implied(attribute))
        for attribute in schema.body.attributes
        if attribute.computed
    }


def unknown_computed(schema: ResourceSchema) -> dict[str, Value]:
    """Return the computed attributes as unknown."""
    return {
        attribute.name: unknown(value_type(attribute))
        for attribute in schema.body.attributes
        if attribute.computed
    }


def exposed(schema: ResourceSchema, attributes: Value) -> Value:
    """Return the object that a reference to a resource gives.

    Args:
        schema: Of its kind.
        attributes: All of its attributes, an object.
    """
    if not schema.exposed:
        return attributes
    names = dict(entries_of(attributes))
    for name, source in schema.exposed.items():
        names[name] = names[source]
    return object_of(names)


def value_type(attribute: Attribute) -> Type:
    """Return the type of an attribute's value; references are kept as addresses."""
    if isinstance(attribute.type, ResourceReference):
        return ListType(STRING) if attribute.type.many else STRING
    return attribute.type


def _implied(attribute: Attribute) -> Type | None:
    return None if attribute.type is DYNAMIC else value_type(attribute)


def _is_open(attribute: Attribute | None) -> bool:
    return attribute is not None and attribute.type is DYNAMIC
