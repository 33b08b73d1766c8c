"""What no step touches: known to the evaluation, and kept in the state as its block says now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mlform.addresses import ResourceAddress, parse_address
from mlform.apply.record import Recorder
from mlform.apply.resolving import Resolver
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostics
from mlform.graph.conditions import Status
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import ResourceNode
from mlform.plan.changes import Action, Plan
from mlform.plan.recorded import recorded_value
from mlform.resources.base import AnyKind, kind_of
from mlform.state.snapshot import ResourceRecord


def record_untouched(
    plan: Plan, evaluation: Evaluation, kinds: Mapping[str, AnyKind], recorder: Recorder
) -> None:
    """Give the evaluation everything that no step will touch."""
    touched = {step.address for step in plan.steps}
    unchanged = {item.address for item in plan.changes if item.action is Action.NO_OP}
    for record in recorder.state.records:
        if record.address not in touched:
            kind = kind_of(kinds, record.address)
            evaluation.record(record.address, partial(recorded_value, record, kind))
        if record.address in unchanged:
            _refresh_dependencies(record, evaluation, recorder)


def check_untouched(
    plan: Plan,
    resolver: Resolver,
    kinds: Mapping[str, AnyKind],
    recorder: Recorder,
    unfinished: frozenset[ResourceAddress],
) -> Diagnostics:
    """Check the conditions of what no step touched that could not be decided before.

    Args:
        plan: What was carried out.
        resolver: Resolves values with everything that is known by now.
        kinds: By name.
        recorder: Knows the objects.
        unfinished: Blocks of which a step failed or was skipped.

    Returns:
        A problem for each condition that does not hold.
    """
    found = Diagnostics()
    evaluation = resolver.evaluation
    for item in plan.checks:
        if item.kind != "resource" or item.status is not Status.UNKNOWN:
            continue
        address = parse_address(item.address)
        block = evaluation.config.resource(address.block)
        record = recorder.current(address)
        if (item.kind, item.address) in evaluation.verdicts or block is None or record is None:
            continue
        needs = evaluation.graph.resource_needs(ResourceNode(block.address))
        if unfinished.isdisjoint((block.address, *needs)):
            resolver.desired(address, found)
            kind = kind_of(kinds, address)
            evaluation.record(address, partial(recorded_value, record, kind))
            evaluation.check_postconditions(block, address, found)
    return found


def _refresh_dependencies(
    record: ResourceRecord, evaluation: Evaluation, recorder: Recorder
) -> None:
    """Keep in the state what the block of an object says now, where nothing else changes."""
    block = evaluation.config.resource(record.address.block)
    if block is None:
        return
    needs = evaluation.graph.resource_needs(ResourceNode(block.address))
    current = replace(
        record,
        dependencies=tuple(str(item) for item in needs),
        stays=not block.lifecycle.destroy,
    )
    if current != record:
        recorder.recorded(f"keep {record.address}", current)
