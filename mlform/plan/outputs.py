"""What happens to the outputs of the root module."""

from __future__ import annotations

from mlform.config.blocks import OutputBlock
from mlform.diagnostics import Diagnostics
from mlform.graph.arguments import plain
from mlform.lang.construct import marks_deep
from mlform.lang.encode import unknown_paths
from mlform.lang.json_types import type_to_json
from mlform.lang.values import Mark, Value
from mlform.plan.changes import Action, OutputChange
from mlform.state.snapshot import OutputRecord


def output_change(
    block: OutputBlock, value: Value, prior: OutputRecord | None, diagnostics: Diagnostics
) -> OutputChange:
    """Return what happens to an output.

    Args:
        block: Where it is declared.
        value: What it is to be.
        prior: What it is in the state, or None.
        diagnostics: Takes what is wrong with it.
    """
    if Mark.SENSITIVE in marks_deep(value) and not block.sensitive:
        diagnostics.error(
            "Output refers to sensitive values",
            "To show that this is intended, add sensitive = true to the output; the value is "
            "then hidden. Otherwise take the sensitive part out of the value.",
            range=block.value.range,
        )
    unknown = unknown_paths(value)
    after = plain(value)
    if prior is None:
        action = Action.NO_OP if value.is_null else Action.CREATE
    elif not unknown and prior.value == after and prior.sensitive == block.sensitive:
        action = Action.NO_OP
    else:
        action = Action.UPDATE
    return OutputChange(
        name=block.name,
        action=action,
        before=None if prior is None else prior.value,
        after=after,
        after_unknown=unknown,
        type=type_to_json(value.type),
        sensitive=block.sensitive or (prior is not None and prior.sensitive),
    )


def output_removal(name: str, prior: OutputRecord) -> OutputChange:
    """Return the change of an output that is not declared any more."""
    return OutputChange(
        name=name,
        action=Action.DELETE,
        before=prior.value,
        after=None,
        sensitive=prior.sensitive,
    )
