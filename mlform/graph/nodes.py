"""The nodes of the graph: what can be referred to and what is made."""

from __future__ import annotations

from typing import TypeAlias

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class LocalNode:
    """A local value."""

    name: str

    def __str__(self) -> str:
        return f"local.{self.name}"


@dataclass(frozen=True, slots=True)
class ResourceNode:
    """A resource block with all of its instances."""

    address: ResourceAddress

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class OutputNode:
    """A root output."""

    name: str

    def __str__(self) -> str:
        return f"output.{self.name}"


Node: TypeAlias = LocalNode | ResourceNode | OutputNode
