"""What names and functions an expression can see."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.dataclass import dataclass, field
from mlform.lang.function import Function
from mlform.lang.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Variables and functions around an expression.

    Attributes:
        variables: Values by root name, such as `var`, `local`, `each` or `dataset`.
        functions: Functions by name.
        parent: Where names not found here are looked up.
    """

    variables: Mapping[str, Value] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    parent: Scope | None = None

    def child(self, variables: Mapping[str, Value]) -> Scope:
        """Return a scope that adds variables to this one and may hide some of its own."""
        return Scope(variables=variables, functions=self.functions, parent=self)

    def lookup(self, name: str) -> Value | None:
        """Return the value of a root name, or None."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.variables.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def names(self) -> list[str]:
        """Return all root names that can be seen, sorted."""
        found: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            found.update(scope.variables)
            scope = scope.parent
        return sorted(found)
