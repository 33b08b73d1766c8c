"""Expressions that must be plain: constants, names and references without calculation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlform.dataclass import attributes
from mlform.diagnostics import Diagnostics, SourceRange
from mlform.hcl.ast import Call, Expression, GetAttribute, Index, Template, Tuple, Variable
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.references import Reference, constant_step, references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL, STRING, Type
from mlform.lang.values import Value

RESERVED_ROOTS = (
    "count",
    "each",
    "local",
    "mlform",
    "module",
    "path",
    "runtime",
    "self",
    "terraform",
    "var",
)
"""Roots of references that are never a kind of resource."""

_NAME = r"[^\W\d][\w-]*"


def is_name(text: str) -> bool:
    """Whether a text is an identifier of HCL."""
    return re.fullmatch(_NAME, text) is not None


def check_name(text: str, place: SourceRange, what: str, diagnostics: Diagnostics) -> bool:
    """Check a declared name; `what` is what it names, for the summary."""
    if is_name(text):
        return True
    diagnostics.error(
        f"Invalid {what} name",
        f'"{text}" is not a name. A name must start with a letter or underscore and may contain '
        "only letters, digits, underscores, and dashes.",
        range=place,
    )
    return False


def constant(expression: Expression, diagnostics: Diagnostics) -> Value | None:
    """Return the value of an expression without references and function calls.

    Returns:
        The value, or None if the expression is none of these; the problem is recorded.
    """
    before = len(diagnostics)
    for reference in references(expression):
        detail = "Variables may not be used here: the value has to be known before all others."
        if isinstance(expression, Variable):
            detail = (
                f"Variables may not be used here. To mean the text, write it in quotes: "
                f'"{expression.name}".'
            )
        diagnostics.error("Variables not allowed", detail, range=reference.range)
    for call in _calls(expression):
        diagnostics.error(
            "Function calls not allowed",
            "Functions may not be called here. Write the result itself.",
            range=call.name_range,
        )
    if len(diagnostics) > before:
        return None
    value = resolve(expression, Scope(), diagnostics)
    return value if len(diagnostics) == before else None


def _calls(node: object) -> Iterator[Call]:
    if isinstance(node, Call):
        yield node
    if isinstance(node, tuple) and not isinstance(node, SourceRange):
        for item in node:
            yield from _calls(item)
    for name in attributes(type(node)):
        yield from _calls(getattr(node, name))


def constant_text(expression: Expression, diagnostics: Diagnostics) -> str | None:
    """Return the constant string of an expression, or None after recording a problem."""
    payload = _constant_of(expression, STRING, diagnostics)
    return payload if isinstance(payload, str) else None


def constant_bool(expression: Expression, diagnostics: Diagnostics) -> bool | None:
    """Return the constant truth value of an expression, or None after recording a problem."""
    payload = _constant_of(expression, BOOL, diagnostics)
    return payload if isinstance(payload, bool) else None


def _constant_of(expression: Expression, type_: Type, diagnostics: Diagnostics) -> object:
    value = constant(expression, diagnostics)
    if value is None:
        return None
    try:
        payload = convert(value, type_).payload
    except ConversionError as error:
        problem = error.message
    else:
        if payload is not None:
            return payload
        problem = "null value is not allowed"
    diagnostics.error(
        "Unsuitable value type", f"Unsuitable value: {problem}.", range=expression.range
    )
    return None


def static_list(expression: Expression, diagnostics: Diagnostics) -> tuple[Expression, ...]:
    """Return the items of a list written out in brackets; record a problem if it is none."""
    if isinstance(expression, Tuple):
        return expression.items
    diagnostics.error(
        "Invalid expression",
        "A list written out in brackets is required here: [ … ].",
        range=expression.range,
    )
    return ()


def static_reference(expression: Expression, diagnostics: Diagnostics) -> Reference | None:
    """Return the reference that an expression is, or None after recording a problem."""
    node = expression
    while isinstance(node, GetAttribute | Index) and constant_step(node) is not None:
        node = node.target
    if isinstance(node, Variable):
        return references(expression)[0]
    quotes = (
        " Remove the quotes."
        if isinstance(expression, Template) and expression.constant is not None
        else ""
    )
    diagnostics.error(
        "Invalid expression",
        "A single static reference is required: names, attribute access and constant keys only. "
        f"No calculations, function calls or templates are allowed here.{quotes}",
        range=expression.range,
    )
    return None


def prefix_problem(reference: Reference) -> str:
    """Say how a resource is named without the prefix of a reference; empty if it has none."""
    if reference.root not in {"data", "resource"}:
        return ""
    rest = str(reference).partition(".")[2]
    named = rest if "." in rest else "KIND.NAME"
    return f"References to resources have no prefix. Write {named}."
