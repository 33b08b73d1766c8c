"""The nodes of the graph: what can be referred to and what is made.

There is one node for all instances of a thing. Paths of modules are without keys.
"""

from __future__ import annotations

from typing import TypeAlias

from mlform.addresses import ModulePath, ResourceAddress, print_path
from mlform.dataclass import dataclass


def _within(module: ModulePath, name: str) -> str:
    return f"{print_path(module)}.{name}" if module else name


@dataclass(frozen=True, slots=True)
class CallNode:
    """A module call: which instances of the module there are. Everything in it needs this."""

    path: ModulePath

    def __str__(self) -> str:
        return print_path(self.path)


@dataclass(frozen=True, slots=True)
class ModuleNode:
    """A called module as a whole: done when everything in it is."""

    path: ModulePath

    def __str__(self) -> str:
        return f"{print_path(self.path)} (whole)"


@dataclass(frozen=True, slots=True)
class VariableNode:
    """A variable of a called module; those of the root module are known from the start."""

    name: str
    module: ModulePath

    def __str__(self) -> str:
        return _within(self.module, f"var.{self.name}")


@dataclass(frozen=True, slots=True)
class ValidationNode:
    """The validations of a variable, which may refer to more than the variable itself."""

    name: str
    module: ModulePath = ()

    def __str__(self) -> str:
        return _within(self.module, f"var.{self.name} (validation)")


@dataclass(frozen=True, slots=True)
class LocalNode:
    """A local value."""

    name: str
    module: ModulePath = ()

    def __str__(self) -> str:
        return _within(self.module, f"local.{self.name}")


@dataclass(frozen=True, slots=True)
class ResourceNode:
    """A resource block with all of its instances."""

    address: ResourceAddress

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class OutputNode:
    """An output."""

    name: str
    module: ModulePath = ()

    def __str__(self) -> str:
        return _within(self.module, f"output.{self.name}")


@dataclass(frozen=True, slots=True)
class CheckNode:
    """A check block."""

    name: str
    module: ModulePath = ()

    def __str__(self) -> str:
        return _within(self.module, f"check.{self.name}")


ValueNode: TypeAlias = (
    CallNode | ModuleNode | VariableNode | ValidationNode | LocalNode | OutputNode | CheckNode
)
"""What is resolved without anything being made."""

Node: TypeAlias = ValueNode | ResourceNode
