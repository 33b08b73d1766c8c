"""What a plan is limited to by `-target`."""

from __future__ import annotations

from collections.abc import Iterable

from mlform.addresses import ResourceAddress, Target, covers
from mlform.config.blocks import Config
from mlform.dataclass import dataclass, field
from mlform.graph.build import Graph
from mlform.graph.nodes import Node, OutputNode, ResourceNode
from mlform.state.snapshot import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is planned; everything else is taken as the state says.

    Attributes:
        targets: What was asked for.
        blocks: The blocks that have something to be planned.
        needed: Those of them that are planned as a whole, because targets depend on them.
        values: Nodes that depend on nothing outside the selection.
        unknown: Targets that neither configuration nor state has.
    """

    targets: tuple[Target, ...]
    blocks: frozenset[ResourceAddress]
    needed: frozenset[ResourceAddress]
    values: frozenset[Node] = field(default_factory=frozenset)
    unknown: tuple[Target, ...] = ()

    def plans(self, address: ResourceAddress) -> bool:
        """Whether an instance is planned, and may be removed if it is not wanted."""
        return address.block in self.needed or any(
            covers(target, address) for target in self.targets
        )


def may_cover(target: Target, block: ResourceAddress) -> bool:
    """Whether instances of a block can be what a target names."""
    if isinstance(target, ResourceAddress):
        return target.block == block
    return [step.name for step in target] == [step.name for step in block.module[: len(target)]]


def select(targets: tuple[Target, ...], config: Config, graph: Graph, state: State) -> Selection:
    """Return the targets with all they depend on."""
    blocks = [
        address
        for module in config.modules.values()
        for address in module.resources
        if any(may_cover(target, address) for target in targets)
    ]
    recorded = [record.address for record in state.objects.values()]
    below: list[Node] = [item for block in blocks for item in graph.dag.needs[ResourceNode(block)]]
    closure = graph.dag.closure(tuple(below))
    needed = frozenset(node.address for node in closure if isinstance(node, ResourceNode))
    whole = needed | {
        block
        for block in blocks
        if any(covers(target, block) or target == block for target in targets)
    }
    return Selection(
        targets=targets,
        blocks=needed.union(blocks),
        needed=needed,
        values=frozenset(_values(graph, whole)),
        unknown=tuple(
            target
            for target in targets
            if not any(may_cover(target, block) for block in blocks)
            and not any(covers(target, address) for address in recorded)
        ),
    )


def _values(graph: Graph, whole: frozenset[ResourceAddress]) -> Iterable[Node]:
    for node in graph.dag.needs:
        if isinstance(node, ResourceNode):
            continue
        needs = graph.resource_needs(node)
        is_root_output = isinstance(node, OutputNode) and not node.module
        if all(item in whole for item in needs) and (needs or not is_root_output):
            yield node


def with_dependents(targets: tuple[Target, ...], state: State) -> frozenset[ResourceAddress]:
    """Return the recorded addresses that targets name, and all that depend on them."""
    found = {
        record.address
        for record in state.objects.values()
        if any(covers(target, record.address) for target in targets)
    }
    grew = True
    while grew:
        blocks = {str(address.block) for address in found}
        more = {
            record.address
            for record in state.objects.values()
            if record.address not in found and blocks.intersection(record.dependencies)
        }
        found |= more
        grew = bool(more)
    return frozenset(found)
