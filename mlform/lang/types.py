"""The types of the language, as in Terraform.

A type is immutable and hashable. `DYNAMIC` (`any` in a constraint) is the type of what is not
known yet, and a constraint that accepts everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from mlform.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Primitive:
    """`string`, `number`, `bool` or `dynamic`; only the four constants below exist."""

    name: str


STRING: Final = Primitive("string")
NUMBER: Final = Primitive("number")
BOOL: Final = Primitive("bool")
DYNAMIC: Final = Primitive("dynamic")


@dataclass(frozen=True, slots=True)
class ListType:
    """`list(element)`."""

    element: Type


@dataclass(frozen=True, slots=True)
class SetType:
    """`set(element)`."""

    element: Type


@dataclass(frozen=True, slots=True)
class MapType:
    """`map(element)`; keys are strings."""

    element: Type


@dataclass(frozen=True, slots=True)
class TupleType:
    """`tuple([a, b])`."""

    elements: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class ObjectType:
    """`object({a = string})`, attributes sorted by name; `optional` names may be absent.

    `defaults` holds `(name, value)` for `optional(type, value)` in a type constraint.
    """

    attributes: tuple[tuple[str, Type], ...]
    optional: frozenset[str] = frozenset()
    defaults: tuple[tuple[str, object], ...] = ()

    @classmethod
    def of(cls, attributes: Mapping[str, Type]) -> ObjectType:
        """Return the type with these attributes, none optional."""
        return cls(tuple(sorted(attributes.items())))

    def get(self, name: str) -> Type | None:
        """Return the type of an attribute, or None."""
        for key, value in self.attributes:
            if key == name:
                return value
        return None


Type: TypeAlias = Primitive | ListType | SetType | MapType | TupleType | ObjectType
