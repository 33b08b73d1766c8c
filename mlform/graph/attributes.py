"""Attributes of a resource as a value and as the JSON that the state keeps.

An attribute whose type is not declared is kept with the type its value had, as Terraform does,
so that a set comes back as a set.
"""

from __future__ import annotations

from collections.abc import Mapping

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


def loaded(schema: ResourceSchema, attributes: JsonObject) -> dict[str, Value]:
    """Return the attributes that the state keeps; those it lacks are null."""
    found: dict[str, Value] = {}
    for attribute in schema.body.attributes:
        data = attributes.get(attribute.name)
        if attribute.type is not DYNAMIC:
            found[attribute.name] = from_json(data, value_type(attribute))
        elif type(data) is dict or isinstance(data, Mapping):
            found[attribute.name] = from_json(data["value"], type_from_json(data["type"]))
        else:
            found[attribute.name] = null(DYNAMIC)
    for block in schema.body.blocks:
        found[block.name] = from_json(attributes.get(block.name))
    return found


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
