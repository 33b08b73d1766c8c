"""How the conditions of a configuration stand, as the state keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlform.config.blocks import Config
from mlform.graph.conditions import Status, Verdict, worst
from mlform.graph.nodes import CheckNode, OutputNode, VariableNode
from mlform.plan.changes import Mode, Plan
from mlform.state.snapshot import CheckedObject, CheckRecord


def planned_checks(plan: Plan, config: Config | None) -> tuple[CheckRecord, ...]:
    """Return how conditions stand in a plan; those of `config` that were not met, too."""
    complete = plan.complete and plan.mode is not Mode.DESTROY
    return check_records(plan.checks, config, complete=complete)


def check_records(
    verdicts: Iterable[Verdict], config: Config | None = None, *, complete: bool = True
) -> tuple[CheckRecord, ...]:
    """Return one record for each thing that has conditions, in order of address.

    Args:
        verdicts: How the conditions stand that were looked at.
        config: Declares the others, too, or None to leave them out.
        complete: Whether all were looked at that have instances.
    """
    found: dict[tuple[str, str], list[Verdict]] = {}
    for place in _declared(config) if config is not None else ():
        found[place] = []
    for verdict in verdicts:
        found.setdefault((verdict.kind, verdict.block), []).append(verdict)
    absent = Status.PASS if complete else Status.UNKNOWN
    return tuple(
        CheckRecord(
            kind=kind,
            block=block,
            status=(worst([item.status for item in items]) if items else absent).value,
            objects=tuple(
                CheckedObject(
                    address=item.address, status=item.status.value, messages=item.messages
                )
                for item in items
            ),
        )
        for (kind, block), items in sorted(found.items(), key=lambda pair: pair[0][1])
    )


def _declared(config: Config) -> Iterator[tuple[str, str]]:
    """Return sort and name, without keys, of everything that has conditions."""
    for path, module in config.modules.items():
        for address, resource in module.resources.items():
            if resource.lifecycle.preconditions or resource.lifecycle.postconditions:
                yield "resource", str(address)
        for name, output in module.outputs.items():
            if output.preconditions:
                yield "output_value", str(OutputNode(name, path))
        for name, variable in module.variables.items():
            if variable.validations:
                yield "var", str(VariableNode(name, path))
        for name in module.checks:
            yield "check", str(CheckNode(name, path))
