"""Attributes as the state keeps them, as people and Terraform's tools read them."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.digests import JsonObject
from mlform.lang.types import DYNAMIC
from mlform.schema import BlockSchema


def plain_attributes(attributes: JsonObject, schema: BlockSchema | None) -> JsonObject:
    """Return attributes without the types that the state keeps beside values of open type.

    Args:
        attributes: As recorded: an attribute declared without a type is `{"type", "value"}`.
        schema: Of the kind's body; without it nothing is changed.
    """
    if schema is None:
        return attributes
    open_names = {item.name for item in schema.attributes if item.type is DYNAMIC}
    return {
        name: value["value"]
        if name in open_names and isinstance(value, Mapping) and set(value) == {"type", "value"}
        else value
        for name, value in attributes.items()
    }
