"""Typed access to a JSON document that may be damaged.

Every question about the document that it does not answer ends in `StateCorrupt` naming the place,
such as `resources[3].provenance.applied_at`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from mlform.digests import Digest, Json, JsonObject
from mlform.errors import StateCorrupt

RECOVERY: Final = (
    "The file was left as it is. Restore it from its backup or from version control; if it was "
    "edited by hand, undo the edit."
)
"""What a person can do about a damaged state, wherever it is kept."""

_NAMES: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def corrupt(where: str, problem: str) -> StateCorrupt:
    """Return the failure to raise for a problem at a place of the document."""
    return StateCorrupt("The state cannot be understood", f"{where}: {problem}. {RECOVERY}")


class Document:
    """A JSON object and its place in the whole."""

    __slots__ = ("_members", "where")

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise corrupt(where, f"expected an object, found {_kind(value)}")
        self._members: dict[str, object] = value
        self.where = where

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def refuse(self, name: str, problem: str) -> StateCorrupt:
        """Return the failure to raise for a problem with one member."""
        return corrupt(self._at(name), problem)

    def _wrong(self, name: str, expected: str) -> StateCorrupt:
        if name not in self._members:
            return corrupt(self._at(name), f"missing; expected {expected}")
        return corrupt(self._at(name), f"expected {expected}, found {_kind(self._members[name])}")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string."""
        value = self._members.get(name, default)
        if isinstance(value, str):
            return value
        raise self._wrong(name, "a string")

    def digest(self, name: str) -> Digest | None:
        """Return a digest, or None where it is not given."""
        if name not in self._members:
            return None
        value = self.text(name)
        if not value.startswith("sha256:"):
            raise self._wrong(name, "a digest that begins with sha256:")
        return Digest(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """Return an integer."""
        value = self._members.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self._wrong(name, "an integer")

    def number(self, name: str, default: float | None = None) -> float:
        """Return a number."""
        value = self._members.get(name, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise self._wrong(name, "a number")

    def flag(self, name: str) -> bool:
        """Return a boolean; false where it is not given."""
        value = self._members.get(name, False)
        if isinstance(value, bool):
            return value
        raise self._wrong(name, "a boolean")

    def value(self, name: str) -> Json:
        """Return a member as it is; it must be there."""
        if name not in self._members:
            raise self._wrong(name, "a value")
        return cast("Json", self._members[name])  # it came out of a JSON parser

    def mapping(self, name: str) -> JsonObject:
        """Return an object as it is; empty where it is not given."""
        value = self._members.get(name, {})
        if isinstance(value, dict):
            return cast("JsonObject", value)  # it came out of a JSON parser
        raise self._wrong(name, "an object")

    def document(self, name: str) -> Document:
        """Return an object to look into."""
        if name not in self._members:
            raise self._wrong(name, "an object")
        return Document(self._members[name], self._at(name))

    def documents(self, name: str) -> tuple[Document, ...]:
        """Return a list of objects to look into; empty where it is not given."""
        return tuple(
            Document(value, f"{self._at(name)}[{index}]")
            for index, value in enumerate(self._list(name))
        )

    def named_documents(self, name: str) -> dict[str, Document]:
        """Return an object of objects to look into; empty where it is not given."""
        members = self.mapping(name)
        return {key: Document(value, f"{self._at(name)}.{key}") for key, value in members.items()}

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings; empty where it is not given."""
        values = self._list(name)
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) != len(values):
            raise self._wrong(name, "a list of strings only")
        return texts

    def paths(self, name: str) -> tuple[tuple[str | int, ...], ...]:
        """Return a list of lists of names and positions; empty where it is not given."""
        paths: list[tuple[str | int, ...]] = []
        for value in self._list(name):
            if not isinstance(value, list):
                raise self._wrong(name, "a list of paths")
            steps = tuple(
                step for step in value if isinstance(step, str | int) and not isinstance(step, bool)
            )
            if len(steps) != len(value):
                raise self._wrong(name, "paths of names and positions only")
            paths.append(steps)
        return tuple(paths)

    def _list(self, name: str) -> Sequence[object]:
        value = self._members.get(name, [])
        if isinstance(value, list):
            return value
        raise self._wrong(name, "a list")


def _kind(value: object) -> str:
    return _NAMES.get(type(value), type(value).__name__)
