"""How a problem in an expression is reported: with the values of what it refers to."""

from __future__ import annotations

from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Diagnostics, ReferenceValue, SourceRange
from mlform.hcl import ast
from mlform.lang.construct import marks_deep
from mlform.lang.references import Reference, references
from mlform.lang.scope import Scope
from mlform.lang.type_text import quoted, type_name
from mlform.lang.types import DYNAMIC
from mlform.lang.values import UNKNOWN_VALUE, Mark, Value

_LONGEST_STRING = 120


class ExpressionFailure(Exception):
    """An operation on values fails; the summary is fixed, the detail says how to fix it."""

    def __init__(self, summary: str, detail: str) -> None:
        super().__init__(summary, detail)
        self.summary = summary
        self.detail = detail


def report(
    failure: ExpressionFailure,
    expression: ast.Expression,
    scope: Scope,
    diagnostics: Diagnostics,
    place: SourceRange | None = None,
) -> Value:
    """Record a failure of an expression and return the unknown value that stands for its result.

    Args:
        failure: What is wrong.
        expression: The failing expression, whose references are shown with their values.
        scope: Where the references are looked up.
        diagnostics: Where the problem is recorded.
        place: The narrowest range at fault, if it is not the whole expression.
    """
    diagnostics.add(
        Diagnostic(
            summary=failure.summary,
            detail=failure.detail,
            range=place or expression.range,
            context=expression.range if place is not None else None,
            values=reference_values(expression, scope),
        )
    )
    return UNKNOWN_VALUE


def reference_values(expression: ast.Expression, scope: Scope) -> tuple[ReferenceValue, ...]:
    """Return what is known of each thing that an expression refers to, sorted, no secret shown."""
    found: dict[str, str] = {}
    for reference in references(expression):
        known = _known_part(reference, scope)
        if known is not None:
            found[str(known[0])] = statement(known[1])
    return tuple(
        ReferenceValue(traversal=traversal, statement=said)
        for traversal, said in sorted(found.items())
    )


def _known_part(reference: Reference, scope: Scope) -> tuple[Reference, Value] | None:
    """Return as much of a reference as leads to a value, with that value.

    Where the last steps lead nowhere, what they start from explains why; a root such as `var` alone
    explains nothing.
    """
    value = scope.lookup(reference.root)
    if value is None:
        return None
    marks = value.marks
    reached = 0
    for step in reference.steps:
        following = _member(value, step)
        if following is None:
            break
        value, reached = following, reached + 1
        marks |= value.marks
    if reached == 0 and reference.steps:
        return None
    part = replace(reference, steps=reference.steps[:reached])
    return part, value.with_marks(marks)


def _member(value: Value, step: str | int | None) -> Value | None:
    payload = value.payload
    if isinstance(payload, dict):
        return payload.get(str(step))
    if isinstance(payload, tuple) and isinstance(step, int) and 0 <= step < len(payload):
        return payload[step]
    return None


def statement(value: Value) -> str:
    """Return what can be said of a value, to follow its name: `is 3`, `has a sensitive value`."""
    marks = marks_deep(value)
    if Mark.SENSITIVE in marks:
        return "has a sensitive value"
    if Mark.EPHEMERAL in marks:
        return "has an ephemeral value"
    name = type_name(value.type)
    article = "an" if name[0] in "aeiou" else "a"
    if not value.is_known:
        if value.type is DYNAMIC:
            return "will be known only after apply"
        return f"is {article} {name}, known only after apply"
    return f"is {_described(value, name, article)}"


def _described(value: Value, name: str, article: str) -> str:
    payload = value.payload
    if payload is None:
        return "null"
    if isinstance(payload, bool):
        return "true" if payload else "false"
    if isinstance(payload, str):
        shown = payload if len(payload) <= _LONGEST_STRING else payload[: _LONGEST_STRING - 1] + "…"
        return quoted(shown)
    if isinstance(payload, tuple):
        return _counted(len(payload), "element", name, article)
    if isinstance(payload, dict):
        noun = "attribute" if name == "object" else "element"
        return _counted(len(payload), noun, name, article)
    return str(payload)


def _counted(count: int, noun: str, name: str, article: str) -> str:
    if count == 0:
        return f"an empty {name}"
    return f"{article} {name} with {count} {noun}{'' if count == 1 else 's'}"
