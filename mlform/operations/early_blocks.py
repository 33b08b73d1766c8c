"""Blocks that are needed before anything is planned, by their schemas."""

from __future__ import annotations

from typing import Final

from mlform.config.early import EarlyScope
from mlform.config.early_arguments import check_known
from mlform.diagnostics import Diagnostics, did_you_mean
from mlform.graph.arguments import plain
from mlform.hcl.ast import Body
from mlform.lang.construct import has_unknown
from mlform.lang.convert import ConversionError, convert
from mlform.schema import BlockSchema, ResourceReference

NOT_KNOWN: Final = "Encryption not known in time"
"""Summary of the problem that a variable has no value that keys are made of."""


def early_arguments(
    schema: BlockSchema,
    body: Body,
    scope: EarlyScope,
    diagnostics: Diagnostics,
    *,
    is_needed: bool = True,
) -> dict[str, object]:
    """Return the arguments of a body; those that are absent, null or unknown are left out.

    Args:
        schema: What it may hold.
        body: As written.
        scope: What is known in time.
        diagnostics: Takes what is wrong.
        is_needed: Whether it is told here that a variable of the root module has no value, where
            those may be without.
    """
    found: dict[str, object] = {}
    check_known([body], scope, diagnostics, is_needed=is_needed)
    for attribute in body.attributes:
        argument = schema.attribute(attribute.name)
        if argument is None:
            names = [item.name for item in schema.attributes]
            diagnostics.error(
                "Unsupported argument",
                f'An argument named "{attribute.name}" is not expected here.'
                f"{did_you_mean(attribute.name, names)} Arguments here are: {', '.join(names)}.",
                range=attribute.name_range,
            )
            continue
        value = scope.value(attribute.expression, diagnostics)
        if value is None or has_unknown(value) or value.is_null:
            continue
        assert not isinstance(argument.type, ResourceReference)  # noqa: S101 - of no such block
        try:
            found[attribute.name] = plain(convert(value, argument.type))
        except ConversionError as error:
            diagnostics.error(
                "Invalid argument value",
                f'Inappropriate value for "{attribute.name}": {error.message}.',
                range=attribute.expression.range,
            )
    return found
