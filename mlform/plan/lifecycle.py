"""What the `lifecycle` blocks of a configuration ask for."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config, ResourceBlock
from mlform.dataclass import replace
from mlform.graph.build import Graph
from mlform.graph.desired import DesiredResource
from mlform.graph.nodes import ResourceNode
from mlform.lang.construct import object_of
from mlform.lang.types import MapType, ObjectType
from mlform.lang.values import Value
from mlform.plan.recorded import recorded_attributes
from mlform.resources.base import AnyKind
from mlform.state.snapshot import Path, ResourceRecord


def create_first_blocks(
    config: Config, graph: Graph, kinds: Mapping[str, AnyKind]
) -> frozenset[ResourceAddress]:
    """Return the blocks whose objects are replaced by creating the new one first.

    Those that ask for it, and everything they depend on: what is needed for the new object must
    not be destroyed while the old one still uses it.
    """
    asking = [
        ResourceNode(block.address)
        for module in config.modules.values()
        for block in module.resources.values()
        if _asks_to_create_first(block, kinds)
    ]
    closure = graph.dag.closure(tuple(asking))
    return frozenset(node.address for node in closure if isinstance(node, ResourceNode))


def _asks_to_create_first(block: ResourceBlock, kinds: Mapping[str, AnyKind]) -> bool:
    chosen = block.lifecycle.create_before_destroy
    return kinds[block.address.kind].sort == "server" if chosen is None else chosen


def ignoring_changes(
    desired: DesiredResource, record: ResourceRecord | None, kind: AnyKind
) -> DesiredResource:
    """Return the resource with recorded values for arguments whose changes are ignored."""
    ignored = desired.block.lifecycle.ignore_changes
    payload = desired.arguments.payload
    if record is None or not ignored or not isinstance(payload, dict):
        return desired
    prior = object_of(recorded_attributes(record, kind))
    paths = tuple((name,) for name in payload) if ignored == "all" else ignored
    arguments = desired.arguments
    for path in paths:
        arguments = _with_prior(arguments, prior, path)
    return replace(desired, arguments=arguments)


def _with_prior(value: Value, prior: Value, path: Path) -> Value:
    """Return a value in which what a path leads to is as it was before."""
    if not path:
        return prior
    step, rest = path[0], path[1:]
    if isinstance(value.payload, dict) and isinstance(prior.payload, dict):
        items, before = dict(value.payload), prior.payload
        name = str(step)
        if name in before:
            items[name] = (
                _with_prior(items[name], before[name], rest) if name in items else (before[name])
            )
        elif name in items and not isinstance(value.type, ObjectType):
            del items[name]
        return _like(value, items)
    if isinstance(value.payload, tuple) and isinstance(prior.payload, tuple):
        if isinstance(step, int) and step < min(len(value.payload), len(prior.payload)):
            found = list(value.payload)
            found[step] = _with_prior(found[step], prior.payload[step], rest)
            return Value(value.type, tuple(found), value.marks)
        return value
    return value


def _like(value: Value, items: dict[str, Value]) -> Value:
    if isinstance(value.type, MapType):
        return Value(value.type, dict(sorted(items.items())), value.marks)
    return object_of(items).with_marks(value.marks)
