"""What conditions say when they do not hold."""

from __future__ import annotations

from mlform.config.blocks import Condition
from mlform.diagnostics import Diagnostics
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import STRING


def error_message(condition: Condition, scope: Scope, diagnostics: Diagnostics) -> str:
    """Return what a condition that does not hold says; a hidden value is not shown.

    Args:
        condition: The block.
        scope: Has all that the message refers to.
        diagnostics: Takes what is wrong with the message itself.
    """
    place = condition.error_message.range
    before = len(diagnostics)
    value = resolve(condition.error_message, scope, diagnostics)
    if len(diagnostics) > before or not value.is_known:
        return "The error message could not be put together, so it will not be displayed."
    try:
        text = convert(value, STRING)
    except ConversionError as error:
        diagnostics.error(
            "Invalid error message",
            f"Unsuitable value for error message: {error.message}.",
            range=place,
        )
        return "The error message is no string, so it will not be displayed."
    kind = "sensitive" if text.is_sensitive else "ephemeral"
    if text.marks:
        instead = (
            ", or use nonsensitive() if the text will not reveal them" if text.is_sensitive else ""
        )
        diagnostics.error(
            f"Error message refers to {kind} values",
            f"The error expression used to explain this condition refers to {kind} values, so "
            f"its text is not displayed. Remove the references to {kind} values{instead}.",
            range=place,
        )
        return f"The error message included a value that is {kind}, so it will not be displayed."
    return str(text.payload)
