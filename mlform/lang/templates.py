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
from mlform.lang.values import NO_MARKS, UNKNOWN, Mark, Range, Value


class _Joined:
    """The text of a template as it grows."""

    __slots__ = ("known", "known_pieces", "marks", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.marks: frozenset[Mark] = NO_MARKS
        self.known = True
        self.known_pieces = 0

    def leave_open(self) -> None:
        """Go on behind a part that is not known yet."""
        if self.known:
            self.known = False
            self.known_pieces = len(self.pieces)

    def prefix(self) -> str:
        """Return how the text surely begins.

        A mark that combines with the last character may still follow, so that one is left out.
        """
        begun = string_value("".join(self.pieces[: self.known_pieces]))
        return text(begun)[:-1] if self.known_pieces else ""

    def value(self) -> Value:
        if not self.known:
            return Value(STRING, UNKNOWN, self.marks, Range(not_null=True, prefix=self.prefix()))
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
        joined.leave_open()
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
    joined.leave_open()


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
        joined.leave_open()
        return
    if condition.payload is None:
        failure = ExpressionFailure(
            "Null condition",
            "The condition value is null. Conditions must either be true or false.",
        )
        report(failure, part.condition, scope, diagnostics)
        joined.leave_open()
    elif condition.payload is UNKNOWN:
        joined.leave_open()
        for parts in (part.then, part.otherwise):
            _join(parts, scope, Diagnostics(), joined)
    else:
        chosen, other = part.then, part.otherwise
        if not condition.payload:
            chosen, other = other, chosen
        _join(chosen, scope, diagnostics, joined)
        # the marks of either part show what the condition was, so they belong to both
        ignored = _Joined()
        _join(other, scope, Diagnostics(), ignored)
        joined.marks |= ignored.marks


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
        joined.leave_open()
        return
    if elements is None:
        joined.leave_open()
        return
    for key, item in elements:
        _join(part.body, bind(scope, part, key, item), diagnostics, joined)
