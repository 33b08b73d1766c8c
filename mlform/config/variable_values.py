"""What variables make of the values they are given, and the conditions on them."""

from __future__ import annotations

from mlform.config.blocks import Condition, VariableBlock
from mlform.config.messages import error_message
from mlform.config.static import constant
from mlform.diagnostics import Diagnostic, Diagnostics, SourceRange
from mlform.lang.conversion import ConversionError, apply_defaults, convert, without_optional
from mlform.lang.failure import reference_values
from mlform.lang.references import references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL
from mlform.lang.values import Mark, Value, null, unknown


def accepted(
    variable: VariableBlock,
    value: Value,
    *,
    said: str,
    place: SourceRange,
    diagnostics: Diagnostics,
) -> Value | None:
    """Return a given value as the variable takes it: converted, or the default instead of null.

    Args:
        variable: The declaration.
        value: As given.
        said: What gave the value, which starts the message.
        place: Where it is given.
        diagnostics: Takes what is wrong with it.

    Returns:
        The value, without the marks of the variable, or None after a problem.
    """
    if value.is_null and not variable.nullable:
        if variable.default is not None:
            return default_of(variable, diagnostics)
        diagnostics.error(
            "Required variable not set",
            f"{said} is not suitable for var.{variable.name} declared at {variable.range}: a "
            "required variable may not be set to null. Give it a value.",
            range=place,
        )
        return None
    try:
        return convert(apply_defaults(value, variable.type), variable.type)
    except ConversionError as error:
        diagnostics.error(
            "Invalid value for input variable",
            f"{said} is not suitable for var.{variable.name} declared at {variable.range}: "
            f"{error}.",
            range=place,
        )
        return None


def default_of(variable: VariableBlock, diagnostics: Diagnostics) -> Value | None:
    """Return the default, null where there is none; None after a problem."""
    if variable.default is None:
        return null(without_optional(variable.type))
    value = constant(variable.default, diagnostics)
    if value is None:
        return None
    return accepted_default(variable, value, diagnostics)


def accepted_default(
    variable: VariableBlock, value: Value, diagnostics: Diagnostics
) -> Value | None:
    """Return the value of a default, converted, or None after a problem."""
    assert variable.default is not None  # noqa: S101 - the value is that of it
    try:
        return convert(apply_defaults(value, variable.type), variable.type)
    except ConversionError as error:
        diagnostics.error(
            "Invalid value for input variable",
            f"The default is not suitable for var.{variable.name} declared at {variable.range}: "
            f"{error}.",
            range=variable.default.range,
        )
        return None


def marked(variable: VariableBlock, value: Value) -> Value:
    """Return the value with the marks that the declaration gives it."""
    marks = set()
    if variable.sensitive:
        marks.add(Mark.SENSITIVE)
    if variable.ephemeral:
        marks.add(Mark.EPHEMERAL)
    return value.with_marks(frozenset(marks)) if marks else value


def without_value(variable: VariableBlock) -> Value:
    """Return what stands for the value of a variable that has none, or a wrong one."""
    return marked(variable, unknown(without_optional(variable.type)))


def is_checked_early(validation: Condition) -> bool:
    """Whether a validation refers to variables alone, so that it can be checked before all else."""
    return all(
        each.root == "var"
        for each in (
            *references(validation.condition),
            *references(validation.error_message),
        )
    )


def check_validation(
    variable: VariableBlock,
    validation: Condition,
    scope: Scope,
    diagnostics: Diagnostics,
    *,
    place: SourceRange | None = None,
) -> bool | None:
    """Record a problem if a validation of a variable is known to be false.

    Args:
        variable: The declaration.
        validation: One of its validations.
        scope: Has all that the validation refers to.
        diagnostics: Takes the problem.
        place: Where the value was given; by default the declaration.

    Returns:
        Whether it holds, or None where that is not known.
    """
    before = len(diagnostics)
    outcome = resolve(validation.condition, scope, diagnostics)
    if len(diagnostics) > before:
        return False
    if not outcome.is_known:
        return None
    values = reference_values(validation.condition, scope)
    try:
        held = convert(outcome, BOOL).payload
    except ConversionError as error:
        problem = error.message
    else:
        if held is True:
            return True
        problem = "true or false is required, not null" if held is None else ""
    if problem:
        diagnostics.add(
            Diagnostic(
                summary="Invalid variable validation result",
                detail=f"Invalid validation condition result value: {problem}.",
                range=validation.condition.range,
                values=values,
            )
        )
        return False
    message = error_message(validation, scope, diagnostics)
    diagnostics.add(
        Diagnostic(
            summary="Invalid value for variable",
            detail=f"{message}\n\nThis was checked by the validation rule at {validation.range}.",
            range=place or variable.range,
            values=values,
        )
    )
    return False
