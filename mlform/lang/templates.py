"""Resolving templates to strings."""

from __future__ import annotations

from collections.abc import Iterable

from mlform.diagnostics import Diagnostics, SourceRange
from mlform.hcl import ast
from mlform.lang.comprehensions import bind, elements_of
from mlform.lang.construct import string_value, text
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.dispatch import resolve
from mlform.lang.failure import ExpressionFailure, report
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL, STRING
from mlform.lang.values import NO_MARKS, UNKNOWN, Mark, Value


class _Joined:
    """The text of a template as it grows."""

    __slots__ = ("known", "marks", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.marks: frozenset[Mark] = NO_MARKS
        self.known = True

    def value(self) -> Value:
        if not self.known:
            return Value(STRING, UNKNOWN, self.marks)
        joined = string_value("".join(self.pieces))
        return joined.with_marks(self.marks) if self.marks else joined


def resolve_template(expression: ast.Template, scope: Scope, diagnostics: Diagnostics) -> Value:
    """Return the string, or the value itself where the template is one interpolation alone."""
    parts = expression.parts
    if len(parts) == 1:
        only = parts[0]
        if isinstance(only, ast.Text):
            return string_value(only.value)
        if isinstance(only, ast.Interpolation):
            return resolve(only.expression, scope, diagnostics)
    joined = _Joined()
    _join(parts, scope, diagnostics, joined)
    return joined.value()


def _join(
    parts: Iterable[ast.TemplatePart], scope: Scope, diagnostics: Diagnostics, joined: _Joined
) -> None:
    for part in parts:
        match part:
            case ast.Text():
                joined.pieces.append(part.value)
            case ast.Interpolation():
                _interpolate(part, scope, diagnostics, joined)
            case ast.IfDirective():
                _choose(part, scope, diagnostics, joined)
            case ast.ForDirective():
                _repeat(part, scope, diagnostics, joined)


def _interpolate(
    part: ast.Interpolation, scope: Scope, diagnostics: Diagnostics, joined: _Joined
) -> None:
    value = resolve(part.expression, scope, diagnostics)
    joined.marks |= value.marks
    try:
        converted = convert(value, STRING)
    except ConversionError as error:
        detail = (
            f"Cannot include the given value in a string template: {error.message}. Use "
            "jsonencode(…) or join(…) to make a string of it."
        )
        _reject(detail, part.expression, scope, diagnostics, joined)
        return
    if converted.payload is None:
        detail = (
            "The expression result is null. Cannot include a null value in a string template. Use "
            "coalesce(…) or a conditional where it may be null."
        )
        _reject(detail, part.expression, scope, diagnostics, joined)
    elif converted.payload is UNKNOWN:
        joined.known = False
    else:
        joined.pieces.append(text(converted))


def _reject(
    detail: str,
    expression: ast.Expression,
    scope: Scope,
    diagnostics: Diagnostics,
    joined: _Joined,
) -> None:
    report(
        ExpressionFailure("Invalid template interpolation value", detail),
        expression,
        scope,
        diagnostics,
    )
    joined.known = False


def _choose(part: ast.IfDirective, scope: Scope, diagnostics: Diagnostics, joined: _Joined) -> None:
    condition = resolve(part.condition, scope, diagnostics)
    joined.marks |= condition.marks
    try:
        condition = convert(condition, BOOL)
    except ConversionError as error:
        failure = ExpressionFailure(
            "Incorrect condition type",
            f"The condition expression must be of type bool: {error.message}.",
        )
        report(failure, part.condition, scope, diagnostics)
        joined.known = False
        return
    if condition.payload is None:
        failure = ExpressionFailure(
            "Null condition",
            "The condition value is null. Conditions must either be true or false.",
        )
        report(failure, part.condition, scope, diagnostics)
        joined.known = False
    elif condition.payload is UNKNOWN:
        joined.known = False
        for parts in (part.then, part.otherwise):
            _join(parts, scope, Diagnostics(), joined)
    else:
        _join(part.then if condition.payload else part.otherwise, scope, diagnostics, joined)


def _repeat(
    part: ast.ForDirective, scope: Scope, diagnostics: Diagnostics, joined: _Joined
) -> None:
    collection = resolve(part.collection, scope, diagnostics)
    joined.marks |= collection.marks
    try:
        elements = elements_of(collection)
    except ExpressionFailure as failure:
        place: SourceRange = part.collection.range
        report(failure, part.collection, scope, diagnostics, place)
        joined.known = False
        return
    if elements is None:
        joined.known = False
        return
    for key, item in elements:
        _join(part.body, bind(scope, part, key, item), diagnostics, joined)
