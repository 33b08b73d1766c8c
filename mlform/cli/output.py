"""`mlform output`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.diagnostics import did_you_mean
from mlform.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlform.cli.arguments import OutputArguments
    from mlform.cli.session import Session
    from mlform.state.snapshot import OutputRecord


def run(arguments: OutputArguments, session: Session) -> int:
    """Show one output or all of them."""
    from mlform.operations.show import read_state

    state = read_state(session.environment())
    outputs = state.outputs if state else {}
    if arguments.name:
        session.out.write(_one(arguments, outputs))
        return 0
    if arguments.raw:
        raise UsageError("No output named", "-raw prints one output: mlform output -raw NAME.")
    if arguments.json:
        from mlform.views.documents import outputs_document

        document = outputs_document(outputs)
        session.out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    elif outputs:
        from mlform.views.human import render_outputs

        session.out.write(render_outputs(outputs))
    else:
        session.err.write("No outputs: the state has none yet. Apply a configuration with some.\n")
    return 0


def _one(arguments: OutputArguments, outputs: Mapping[str, OutputRecord]) -> str:
    record = outputs.get(arguments.name)
    if record is None:
        known = f" Outputs: {', '.join(sorted(outputs))}." if outputs else " It has none yet."
        detail = (
            f'The state has no output "{arguments.name}".{did_you_mean(arguments.name, outputs)}'
        )
        raise UsageError("Output not found", detail + known)
    if arguments.json:
        return json.dumps(record.value, ensure_ascii=False) + "\n"
    if not arguments.raw:
        from mlform.views.human import output_text

        return output_text(record) + "\n"
    if isinstance(record.value, str):
        return record.value
    if isinstance(record.value, int | float):
        from mlform.views.values import scalar

        return scalar(record.value)
    detail = f'"{arguments.name}" is no string, number or bool. Use -json for it.'
    raise UsageError("Output has no plain form", detail)
