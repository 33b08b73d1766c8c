"""`mlform output`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.diagnostics import Diagnostic, Severity, did_you_mean
from mlform.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlform.cli.arguments import OutputArguments
    from mlform.cli.session import Session
    from mlform.state.snapshot import OutputRecord


def run(arguments: OutputArguments, session: Session) -> int:
    """Show one output or all of them."""
    from mlform.operations.show import read_state

    if arguments.json and arguments.raw:
        raise UsageError("Invalid output format", "The -raw and -json options exclude each other.")
    if arguments.raw and not arguments.name:
        raise UsageError(
            "Output name required",
            "You must give the name of a single output value when using the -raw option.",
        )
    state = read_state(session.environment())
    outputs = state.outputs if state else {}
    if arguments.json:
        session.out.write(_as_json(arguments.name, outputs))
    elif not outputs:
        session.report([_NO_OUTPUTS])
    else:
        session.out.write(_as_text(arguments, outputs))
    return 0


_NO_OUTPUTS = Diagnostic(
    severity=Severity.WARNING,
    summary="No outputs found",
    detail="The state either has no outputs defined, or all the defined outputs are empty. Please "
    "define an output in your configuration with the `output` keyword and run `mlform apply` for "
    "it to become available. You can use the `mlform console` command to try expressions.",
)


def _as_json(name: str, outputs: Mapping[str, OutputRecord]) -> str:
    if name:
        value = _named(name, outputs).value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    from mlform.views.documents import outputs_document

    return json.dumps(outputs_document(outputs), indent=2, ensure_ascii=False) + "\n"


def _as_text(arguments: OutputArguments, outputs: Mapping[str, OutputRecord]) -> str:
    from mlform.views.human import output_text, render_outputs

    if not arguments.name:
        return render_outputs(outputs)
    record = _named(arguments.name, outputs)
    if not arguments.raw:
        return output_text(record) + "\n"
    if isinstance(record.value, str):
        return record.value
    if isinstance(record.value, int | float):
        from mlform.views.values import scalar

        return scalar(record.value)
    raise UsageError(
        "Unsupported value for raw output",
        "The -raw option only supports strings, numbers, and boolean values, and the output value "
        f'"{arguments.name}" is none of them. Use the -json option for it.',
    )


def _named(name: str, outputs: Mapping[str, OutputRecord]) -> OutputRecord:
    record = outputs.get(name)
    if record is not None:
        return record
    known = f" Outputs: {', '.join(sorted(outputs))}." if outputs else ""
    raise UsageError(
        f'Output "{name}" not found',
        "The output variable requested could not be found in the state. If you recently added this "
        "to your configuration, be sure to run `mlform apply`, since the state won't be updated "
        f"with new output variables until that command is run.{did_you_mean(name, outputs)}{known}",
    )
