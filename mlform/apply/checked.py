"""How conditions stand after an apply: as planned, unless checked again or not reached."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config
from mlform.dataclass import replace
from mlform.graph.conditions import Status, Verdict
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import CheckNode, OutputNode, ValidationNode, VariableNode
from mlform.plan.changes import Mode, Plan
from mlform.plan.checked import check_records, planned_checks
from mlform.state.snapshot import CheckRecord


def checks_after(
    plan: Plan, evaluation: Evaluation, unfinished: frozenset[ResourceAddress]
) -> tuple[CheckRecord, ...]:
    """Return how the conditions stand.

    Args:
        plan: What was carried out.
        evaluation: With what was checked meanwhile.
        unfinished: Blocks of which a step failed or was skipped.
    """
    if plan.mode is Mode.DESTROY:
        return planned_checks(replace(plan, checks=()), evaluation.config)
    behind = _behind(evaluation, unfinished) if unfinished else frozenset()
    found = {(item.kind, item.address): _reached(item, behind) for item in plan.checks}
    found |= evaluation.verdicts
    return check_records(found.values(), evaluation.config, complete=plan.complete)


def _reached(verdict: Verdict, behind: frozenset[tuple[str, str]]) -> Verdict:
    if (verdict.kind, verdict.block) not in behind:
        return verdict
    return replace(verdict, status=Status.UNKNOWN, messages=())


def _behind(
    evaluation: Evaluation, unfinished: frozenset[ResourceAddress]
) -> frozenset[tuple[str, str]]:
    """Return sort and name of what has conditions and is unfinished, or refers to what is."""
    graph = evaluation.graph
    found = {("resource", str(block)) for block in unfinished}
    for node in graph.dag.needs:
        if isinstance(node, CheckNode):
            place = ("check", str(node))
        elif isinstance(node, OutputNode):
            place = ("output_value", str(node))
        elif isinstance(node, ValidationNode):
            place = ("var", str(VariableNode(node.name, node.module)))
        else:
            continue
        if unfinished.intersection(graph.resource_needs(node)):
            found.add(place)
    return frozenset(found)


def checks_noted(
    plan: Plan, config: Config, before: tuple[CheckRecord, ...]
) -> tuple[CheckRecord, ...]:
    """Return how conditions stand after a refresh, which does not look at those of resources."""
    stood = {(item.kind, item.block): item for item in before}
    return tuple(
        item if item.objects else stood.get((item.kind, item.block), item)
        for item in planned_checks(plan, config)
    )
