"""What goes into a called module and what comes out of it."""

from __future__ import annotations

from mlform.config.blocks import OutputBlock, VariableBlock
from mlform.config.variable_values import accepted, default_of, marked, without_value
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Attribute
from mlform.lang.construct import marks_deep
from mlform.lang.values import EPHEMERAL, SENSITIVE, Mark, Value


def argument_value(
    variable: VariableBlock,
    given: Value | None,
    argument: Attribute | None,
    diagnostics: Diagnostics,
) -> Value:
    """Return the value of a variable of a called module.

    Args:
        variable: The declaration.
        given: What the call gives it, or None.
        argument: Where the call gives it, or None.
        diagnostics: Takes what is wrong with it.
    """
    if given is None or argument is None:
        value = default_of(variable, diagnostics)
    else:
        if Mark.EPHEMERAL in marks_deep(given) and not variable.ephemeral:
            diagnostics.error(
                "Ephemeral value not allowed",
                f'The variable "{variable.name}" declared at {variable.range} does not accept '
                "ephemeral values, and this one is. Declare it with ephemeral = true.",
                range=argument.expression.range,
            )
        value = accepted(
            variable,
            given,
            said="The value given",
            place=argument.expression.range,
            diagnostics=diagnostics,
        )
    return without_value(variable) if value is None else marked(variable, value)


def output_value(block: OutputBlock, value: Value, diagnostics: Diagnostics) -> Value:
    """Return the value of an output with the marks that its declaration gives it."""
    if Mark.EPHEMERAL in marks_deep(value) and not block.ephemeral:
        diagnostics.error(
            "Output refers to ephemeral values",
            "The value exists only while mlform runs. To hand it on add ephemeral = true to the "
            "output; otherwise take the ephemeral part out of the value.",
            range=block.value.range,
        )
    marks = frozenset[Mark]()
    if block.sensitive:
        marks |= SENSITIVE
    if block.ephemeral:
        marks |= EPHEMERAL
    return value.with_marks(marks) if marks else value
