"""Checking a configuration without knowing values: no state, no reality, no changes.

Every node is resolved once, with unknown values for what only the caller or apply can tell; one
instance stands for all of a block.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlform.config.blocks import ResourceBlock
from mlform.diagnostics import Diagnostics
from mlform.graph.arguments import range_of
from mlform.graph.attributes import exposed, unknown_computed
from mlform.graph.desired import DesiredResource
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import OutputNode, ResourceNode
from mlform.lang.construct import object_of
from mlform.lang.values import Value, string
from mlform.plan.outputs import output_change
from mlform.requirements import requirements_problems, retry_problems
from mlform.resources.base import AnyKind

_LIMITS = (
    ("requirements", "Invalid requirement", requirements_problems),
    ("retry", "Invalid retry", retry_problems),
)
"""Blocks of every kind that is made: name, what is said of a problem, what finds it."""


def check_configuration(
    evaluation: Evaluation, kinds: Mapping[str, AnyKind], diagnostics: Diagnostics
) -> None:
    """Resolve and check everything; blocks of unknown kinds are left out.

    Args:
        evaluation: Fresh, with `supposed_repetition` and unknown variables.
        kinds: By name.
        diagnostics: Takes what is wrong.
    """
    config = evaluation.config
    for node in evaluation.graph.dag.order():
        if isinstance(node, ResourceNode):
            block = config.modules[node.address.module].resources[node.address]
            if block.address.kind in kinds:
                _check_block(block, kinds[block.address.kind], evaluation, diagnostics)
        elif isinstance(node, OutputNode) and not node.module:
            value = evaluation.output(node, (), diagnostics)
            output_change(config.root.outputs[node.name], value, None, diagnostics)
        else:
            evaluation.resolve_node(node, diagnostics)


def _check_block(
    block: ResourceBlock, kind: AnyKind, evaluation: Evaluation, diagnostics: Diagnostics
) -> None:
    for address in evaluation.instances(block, diagnostics):
        found = Diagnostics()
        desired = evaluation.desired(block, address, found)
        if not found.has_errors:
            check_arguments(desired, kind, found)
        diagnostics.extend(found)
        evaluation.record(address, unmade(desired, kind))
        evaluation.check_postconditions(block, address, diagnostics)


def check_arguments(desired: DesiredResource, kind: AnyKind, diagnostics: Diagnostics) -> None:
    """Record what the kind itself finds wrong with resolved arguments."""
    if kind.sort == "value":
        return
    block = desired.block
    arguments = desired.document
    for written, summary, problems_of in _LIMITS:
        for name, message in problems_of(arguments.get(written)):
            diagnostics.error(
                summary,
                message,
                range=range_of(block.body, (written, name), block.range),
                address=str(desired.address),
            )
    for problem in kind.check(arguments, desired.upstream):
        diagnostics.error(
            problem.summary,
            problem.detail,
            range=range_of(block.body, problem.path, block.range),
            address=str(desired.address),
        )


def unmade(desired: DesiredResource, kind: AnyKind) -> Value:
    """Return what a reference to an object gives of which nothing but arguments is known."""
    payload = desired.arguments.payload
    arguments = payload if isinstance(payload, dict) else {}
    attributes = {**arguments, **unknown_computed(kind.schema)}
    if "address" in attributes:
        attributes["address"] = string(str(desired.address))
    return exposed(kind.schema, object_of(attributes))
