"""Typed reading of JSON arguments.

The control plane has checked the arguments against the schema of their kind, so a value of another
type is a bug of mlform and raises `TypeError`, not a problem for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlform.dataclass import dataclass
from mlform.digests import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """A JSON object whose fields are read by type; an absent field counts as null.

    Attributes:
        values: The object.
    """

    values: JsonObject

    def text(self, name: str) -> str:
        """Return a string."""
        value = self.optional_text(name)
        if value is None:
            raise _mistyped(name, "a string", value)
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string, or None for null."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise _mistyped(name, "a string", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings; null is an empty one."""
        return tuple(str(item) for item in self.items(name) or ())

    def optional_texts(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings, or None for null."""
        items = self.items(name)
        return None if items is None else tuple(str(item) for item in items)

    def items(self, name: str) -> Sequence[Json] | None:
        """Return a list, or None for null."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise _mistyped(name, "a list", value)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return a number, or the default for null."""
        value = self.optional_number(name)
        if value is not None:
            return value
        if default is None:
            raise _mistyped(name, "a number", None)
        return default

    def optional_number(self, name: str) -> float | None:
        """Return a number, whole ones as `int`, or None for null."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _mistyped(name, "a number", value)
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number, or the default for null."""
        value = self.optional_whole(name)
        if value is not None:
            return value
        if default is None:
            raise _mistyped(name, "a whole number", None)
        return default

    def optional_whole(self, name: str) -> int | None:
        """Return a whole number, or None for null."""
        value = self.optional_number(name)
        if value is None:
            return None
        if value != int(value):
            raise _mistyped(name, "a whole number", value)
        return int(value)

    def flag(self, name: str) -> bool:
        """Return a boolean; null is False."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise _mistyped(name, "a boolean", value)
        return bool(value)

    def block(self, name: str) -> Arguments:
        """Return a nested object; null is an empty one."""
        return self.optional_block(name) or Arguments(values={})

    def optional_block(self, name: str) -> Arguments | None:
        """Return a nested object, or None for null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise _mistyped(name, "an object", value)
        return Arguments(values=value)

    def blocks(self, name: str) -> tuple[Arguments, ...]:
        """Return a list of objects; null is an empty one."""
        return tuple(Arguments(values={name: item}).block(name) for item in self.items(name) or ())


def _mistyped(name: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"argument {name} must be {wanted}, not {value!r}")
