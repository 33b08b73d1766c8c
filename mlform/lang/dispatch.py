"""The door between resolvers of single kinds of expression, which call each other.

`mlform.lang.resolve` fills the table; import `resolve` from there.
"""

from __future__ import annotations

from collections.abc import Callable

from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Expression
from mlform.lang.scope import Scope
from mlform.lang.values import Value

RESOLVERS: dict[type[object], Callable[..., Value]] = {}


def resolve(expression: Expression, scope: Scope, diagnostics: Diagnostics) -> Value:
    """Return the value of an expression; see `mlform.lang.resolve.resolve`."""
    return RESOLVERS[type(expression)](expression, scope, diagnostics)
