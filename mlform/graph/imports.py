"""What `import` blocks name."""

from __future__ import annotations

from mlform.addresses import InstanceKey, ModuleStep, ResourceAddress
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Expression, GetAttribute, Index, Variable
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope

_PARTS = 2


def import_block(target: Expression) -> ResourceAddress | None:
    """Return the block that an import's `to` names, without keys, or None if it names none."""
    steps = _steps(target)
    return None if steps is None else _address([(name, None) for name, _ in steps])


def import_address(
    target: Expression, scope: Scope, diagnostics: Diagnostics
) -> ResourceAddress | None:
    """Return the instance that an import's `to` names.

    Args:
        target: The reference; its keys are expressions.
        scope: What they can see.
        diagnostics: Takes what is wrong with a key.
    """
    found: list[tuple[str, InstanceKey]] = []
    for name, key in _steps(target) or ():
        value: InstanceKey = None
        if key is not None:
            payload = resolve(key, scope, diagnostics).payload
            if isinstance(payload, bool) or not isinstance(payload, str | int):
                diagnostics.error(
                    "Invalid import address expression",
                    "The key must be a known text or whole number, such as each.key.",
                    range=key.range,
                )
                return None
            value = payload
        found.append((name, value))
    return _address(found)


def _address(steps: list[tuple[str, InstanceKey]]) -> ResourceAddress | None:
    path: list[ModuleStep] = []
    while len(steps) > _PARTS and steps[0] == ("module", None):
        path.append(ModuleStep(*steps[1]))
        steps = steps[2:]
    if len(steps) != _PARTS:
        return None
    (kind, _), (name, key) = steps
    return ResourceAddress(kind, name, key, tuple(path))


def _steps(expression: Expression) -> list[tuple[str, Expression | None]] | None:
    """Return the names of a traversal, each with the expression of the key after it."""
    found: list[tuple[str, Expression | None]] = []
    key: Expression | None = None
    node = expression
    while isinstance(node, GetAttribute | Index):
        if isinstance(node, Index):
            key = node.key
        else:
            found.append((node.name, key))
            key = None
        node = node.target
    if not isinstance(node, Variable):
        return None
    found.append((node.name, key))
    found.reverse()
    return found
