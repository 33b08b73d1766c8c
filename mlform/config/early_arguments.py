"""Arguments that have to be known before anything is planned, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlform.config.early import CONTEXT, DECLARED, EarlyScope, Item, items
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, SourceRange
from mlform.lang.construct import has_unknown
from mlform.lang.convert import ConversionError, convert
from mlform.lang.references import Reference, references
from mlform.lang.types import BOOL, STRING
from mlform.lang.values import Mark

if TYPE_CHECKING:
    from mlform.hcl.ast import Body, Expression


def early_text(
    expression: Expression, argument: str, scope: EarlyScope, diagnostics: Diagnostics
) -> str | None:
    """Return the text that an argument has before anything is planned.

    Args:
        expression: The value of the argument.
        argument: Its name, for messages.
        scope: Of the module in which it is written.
        diagnostics: Takes the problem if it has none, or no text.
    """
    value = scope.value(expression, diagnostics)
    if value is None:
        return None
    try:
        value = convert(value, STRING)
    except ConversionError as error:
        _report_unsuitable(error.message, expression, diagnostics)
        return None
    if value.marks:
        kind = "sensitive" if Mark.SENSITIVE in value.marks else "ephemeral"
        diagnostics.error(
            f"{kind.capitalize()} value not allowed",
            f'The argument "{argument}" shows in files and messages, so its value must not be '
            f"{kind}." + (" Use nonsensitive() if it is no secret." if kind == "sensitive" else ""),
            range=expression.range,
        )
        return None
    if not value.is_known:
        report_unknown(expression, argument, scope, diagnostics, is_needed=True)
        return None
    if value.payload is None:
        _report_unsuitable("null value is not allowed", expression, diagnostics)
    return value.payload if isinstance(value.payload, str) else None


def early_flag(
    expression: Expression, argument: str, scope: EarlyScope, diagnostics: Diagnostics
) -> bool | None:
    """Return the truth value that an argument has before anything is planned; as `early_text`.

    A value that is only missing because a variable has none is no problem: the argument is then
    as if it were not set.
    """
    value = scope.value(expression, diagnostics)
    if value is None:
        return None
    try:
        payload = convert(value, BOOL).payload
    except ConversionError as error:
        _report_unsuitable(error.message, expression, diagnostics)
        return None
    if payload is None:
        _report_unsuitable("null value is not allowed", expression, diagnostics)
    if isinstance(payload, bool):
        return payload
    if not value.is_known:
        report_unknown(expression, argument, scope, diagnostics, is_needed=False)
    return None


def _report_unsuitable(problem: str, expression: Expression, diagnostics: Diagnostics) -> None:
    diagnostics.error(
        "Unsuitable value type", f"Unsuitable value: {problem}.", range=expression.range
    )


@dataclass(frozen=True, slots=True)
class _Cause:
    """A reference whose value is not known in time, and what leads to it."""

    reference: Reference | None
    scope: EarlyScope
    through: tuple[Item, ...]


def report_unknown(
    expression: Expression,
    argument: str,
    scope: EarlyScope,
    diagnostics: Diagnostics,
    *,
    is_needed: bool,
) -> None:
    """Record that an argument is not known in time, with the reference that is to blame.

    Nothing is recorded for a variable of the root module without value, which is reported where
    values are collected; with `partial` it is recorded here if nothing works without the argument.

    Args:
        expression: The value of the argument.
        argument: Its name.
        scope: Of the module in which it is written.
        diagnostics: Takes the problem.
        is_needed: Whether nothing works without the argument.
    """
    cause = _cause(expression, scope)
    if cause is None:
        return
    is_variable = cause.reference is not None and cause.reference.root == "var"
    if is_variable and not (is_needed and scope.context.partial):
        return
    needed = f'The argument "{argument}" has to be known before anything is planned'
    if cause.reference is None:
        detail = f"{needed}, but its value is known only after apply."
    else:
        via = ", through " + " and ".join(_named(each) for each in cause.through)
        detail = (
            f"{needed}, but it depends on {cause.reference}{via if cause.through else ''}, "
            f"{_why(cause.reference)}"
        )
    diagnostics.error(
        "Value not known in time",
        detail,
        range=_range_in(expression, scope, cause),
    )


def _cause(expression: Expression, scope: EarlyScope) -> _Cause | None:
    """Return what makes an expression unknown: the first reference that does, to the end.

    None where that is something wrong, which was told.
    """
    through: list[Item] = []
    seen: set[tuple[int, str, str]] = set()
    while True:
        step: Item | None = None
        for reference in references(expression):
            if reference.root not in (*DECLARED, *CONTEXT):
                return _Cause(reference, scope, tuple(through))
            unknown = [each for each in items(scope, reference) if has_unknown(each.value)]
            if any(each.scope.has_failed(each.root, each.name) for each in unknown):
                return None
            if unknown and unknown[0].source() is None:
                return _Cause(reference, scope, tuple(through))
            if unknown and step is None and unknown[0].identity not in seen:
                step = unknown[0]
        source = None if step is None else step.source()
        if step is None or source is None:
            return _Cause(None, scope, tuple(through))
        through.append(step)
        seen.add(step.identity)
        scope, expression = source


def _range_in(expression: Expression, scope: EarlyScope, cause: _Cause) -> SourceRange:
    wanted = cause.through[0] if cause.through else None
    for reference in references(expression):
        if reference == cause.reference and wanted is None:
            return reference.range
        if wanted is not None and any(
            each.identity == wanted.identity for each in items(scope, reference)
        ):
            return reference.range
    return expression.range


def _named(item: Item) -> str:
    source = item.source()
    return f"{item} at {source[1].range}" if source is not None else str(item)


def _why(reference: Reference) -> str:
    if reference.root == "var" and reference.steps:
        name = reference.steps[0]
        return f'which has no value here. Give it one, such as with -var="{name}=...".'
    if reference.root in {"each", "count"}:
        return "which differs from instance to instance. Use a value that is the same for all."
    return (
        "which is known only when that is planned or applied. Use variables, local values and "
        "functions of them."
    )


def body_references(bodies: Iterable[Body]) -> Iterator[Reference]:
    """Return the references of all expressions in bodies and the blocks in them."""
    for expression in _expressions(bodies):
        yield from references(expression)


def _expressions(bodies: Iterable[Body]) -> Iterator[Expression]:
    for body in bodies:
        for attribute in body.attributes:
            yield attribute.expression
        yield from _expressions(block.body for block in body.blocks)


def check_known(
    bodies: Iterable[Body], scope: EarlyScope, diagnostics: Diagnostics, *, is_needed: bool
) -> None:
    """Record a problem for each argument in bodies that is not known before anything is planned.

    Args:
        bodies: Of blocks of the module.
        scope: Of the module.
        diagnostics: Takes the problems.
        is_needed: Whether nothing works without the values; otherwise variables may be missing.
    """
    for body in bodies:
        for attribute in body.attributes:
            value = scope.value(attribute.expression, diagnostics)
            if value is not None and has_unknown(value):
                report_unknown(
                    attribute.expression, attribute.name, scope, diagnostics, is_needed=is_needed
                )
        inner = (block.body for block in body.blocks)
        check_known(inner, scope, diagnostics, is_needed=is_needed)
