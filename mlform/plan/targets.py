"""What a plan is limited to by `-target`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import InstanceKey, ResourceAddress
from mlform.config.blocks import Module
from mlform.dataclass import dataclass, field
from mlform.graph.build import Graph
from mlform.graph.nodes import LocalNode, Node, OutputNode, ResourceNode
from mlform.state.snapshot import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is planned; everything else is taken as the state says.

    Attributes:
        instances: Keys to plan of each block; None for all of them.
        values: Locals and outputs that depend on nothing outside the selection.
        removable: Blocks and instances whose objects may be removed if they are not wanted.
        unknown: Targets that neither configuration nor state has.
    """

    instances: Mapping[ResourceAddress, frozenset[InstanceKey] | None]
    values: frozenset[Node] = field(default_factory=frozenset)
    removable: frozenset[ResourceAddress] = field(default_factory=frozenset)
    unknown: tuple[ResourceAddress, ...] = ()

    def plans(self, address: ResourceAddress) -> bool:
        """Whether an instance is planned."""
        if address.block not in self.instances:
            return False
        keys = self.instances[address.block]
        return keys is None or address.key in keys

    def may_remove(self, address: ResourceAddress) -> bool:
        """Whether an object may be removed if it is not wanted."""
        return address in self.removable or address.block in self.removable


def select(
    targets: tuple[ResourceAddress, ...], module: Module, graph: Graph, state: State
) -> Selection:
    """Return the targets with all they depend on."""
    declared = [target for target in targets if target.block in module.resources]
    applied = {record.address for record in state.objects.values()}
    known = {*declared, *applied, *(address.block for address in applied)}
    nodes = tuple(ResourceNode(target.block) for target in declared)
    below: list[Node] = [item for node in nodes for item in graph.dag.needs[node]]
    needed = graph.dag.closure(tuple(below))
    instances: dict[ResourceAddress, frozenset[InstanceKey] | None] = {
        node.address: None for node in needed if isinstance(node, ResourceNode)
    }
    for block in {target.block for target in declared}:
        keys = frozenset(target.key for target in declared if target.block == block)
        if block not in instances:
            instances[block] = None if None in keys else keys
    return Selection(
        instances=instances,
        values=frozenset(_values(graph, instances)),
        removable=frozenset({*targets, *(b for b, keys in instances.items() if keys is None)}),
        unknown=tuple(target for target in targets if target not in known),
    )


def _values(graph: Graph, instances: Mapping[ResourceAddress, object]) -> Iterable[Node]:
    for node in graph.dag.needs:
        if isinstance(node, LocalNode | OutputNode):
            needs = graph.resource_needs(node)
            if all(item in instances and instances[item] is None for item in needs) and (
                needs or isinstance(node, LocalNode)
            ):
                yield node


def with_dependents(
    targets: tuple[ResourceAddress, ...], state: State
) -> frozenset[ResourceAddress]:
    """Return the recorded addresses that targets name, and all that depend on them."""
    found = {
        record.address
        for record in state.objects.values()
        if record.address in targets or record.address.block in targets
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
