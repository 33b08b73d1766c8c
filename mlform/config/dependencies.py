"""`depends_on`: whole objects of the module."""

from __future__ import annotations

from mlform.config.reading import Content, Reader
from mlform.config.static import RESERVED_ROOTS, prefix_problem, static_list, static_reference
from mlform.hcl.ast import Expression
from mlform.lang.references import Reference

_WHOLE = {"var": 1, "local": 1, "module": 2}
"""How many names lead to a whole object, where that is not a resource."""
_RESOURCE = 1


def dependencies(content: Content, reader: Reader) -> tuple[Reference, ...]:
    """Return what `depends_on` names: resources, modules, their outputs, variables and locals."""
    argument = content.arguments.get("depends_on")
    if argument is None:
        return ()
    found = [
        _whole_object(item, reader) for item in static_list(argument.expression, reader.diagnostics)
    ]
    return tuple(each for each in found if each is not None)


def _whole_object(item: Expression, reader: Reader) -> Reference | None:
    reference = static_reference(item, reader.diagnostics)
    if reference is None:
        return None
    detail = _problem(reference, item)
    if not detail:
        return reference
    reader.diagnostics.error("Invalid depends_on reference", detail, range=item.range)
    return None


def _problem(reference: Reference, item: Expression) -> str:
    root, steps = reference.root, reference.steps
    prefix = prefix_problem(reference)
    if prefix:
        return prefix
    if (
        (root in RESERVED_ROOTS and root not in _WHOLE)
        or not steps
        or not isinstance(steps[0], str)
    ):
        return (
            "Only resources and modules may be named in depends_on, as KIND.NAME or module.NAME, "
            "such as dataset.titanic."
        )
    names = [step for step in steps if isinstance(step, str)] if root == "module" else list(steps)
    allowed = _WHOLE.get(root, _RESOURCE)
    is_instance = root not in _WHOLE and len(steps) == allowed + 1 and _ends_in_key(item)
    if len(names) > allowed and not is_instance:
        return (
            "References in depends_on must be to a whole resource, not to an attribute of one. "
            f"Write {root}.{steps[0]}."
        )
    return ""


def _ends_in_key(item: Expression) -> bool:
    return item.range.text.endswith("]")
