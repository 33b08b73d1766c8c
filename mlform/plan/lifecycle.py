"""What the `lifecycle` blocks of a configuration ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Module, ResourceBlock
from mlform.dataclass import replace
from mlform.digests import Json
from mlform.graph.build import Graph
from mlform.graph.desired import DesiredResource
from mlform.graph.nodes import ResourceNode
from mlform.lang.construct import object_of
from mlform.lang.references import Reference
from mlform.plan.changes import Action, Change
from mlform.plan.recorded import recorded_attributes
from mlform.resources.base import AnyKind
from mlform.state.snapshot import Path, ResourceRecord

_TRIGGERING = frozenset(
    {
        Action.REBUILD,
        Action.REUSE,
        Action.UPDATE,
        Action.DELETE_THEN_CREATE,
        Action.CREATE_THEN_DELETE,
    }
)


def create_first_blocks(
    module: Module, graph: Graph, kinds: Mapping[str, AnyKind]
) -> frozenset[ResourceAddress]:
    """Return the blocks whose objects are replaced by creating the new one first.

    Those that ask for it, and everything they depend on: what is needed for the new object must
    not be destroyed while the old one still uses it.
    """
    asking = [
        ResourceNode(block.address)
        for block in module.resources.values()
        if _asks_to_create_first(block, kinds)
    ]
    closure = graph.dag.closure(tuple(asking))
    return frozenset(node.address for node in closure if isinstance(node, ResourceNode))


def _asks_to_create_first(block: ResourceBlock, kinds: Mapping[str, AnyKind]) -> bool:
    chosen = block.lifecycle.create_before_destroy
    return kinds[block.address.kind].sort == "server" if chosen is None else chosen


def triggers(reference: Reference, changes: Iterable[Change]) -> bool:
    """Whether planned changes make a `replace_triggered_by` reference replace what has it.

    A whole resource or instance triggers when it is changed or replaced, not when it is new; an
    attribute triggers when its value changes or is known only after apply.
    """
    block = ResourceAddress(reference.root, str(reference.steps[0]))
    rest = reference.steps[1:]
    for change in changes:
        if change.address.block != block:
            continue
        steps = rest
        if rest and change.address.key is not None:
            if rest[0] != change.address.key:
                continue
            steps = rest[1:]
        if _changes_at(change, steps):
            return True
    return False


def _changes_at(change: Change, steps: tuple[str | int | None, ...]) -> bool:
    if not steps:
        return change.action in _TRIGGERING
    if change.action is Action.NO_OP:
        return False
    path = tuple(step for step in steps if step is not None)
    if any(
        unknown[: len(path)] == path or path[: len(unknown)] == unknown
        for unknown in change.after_unknown
    ):
        return True
    return _at(change.before, path) != _at(change.after, path)


def _at(document: Json, path: Path) -> Json:
    for step in path:
        if isinstance(document, Mapping) and isinstance(step, str):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def ignoring_changes(
    desired: DesiredResource, record: ResourceRecord | None, kind: AnyKind
) -> DesiredResource:
    """Return the resource with recorded values for arguments whose changes are ignored."""
    ignored = desired.block.lifecycle.ignore_changes
    payload = desired.arguments.payload
    if record is None or not ignored or not isinstance(payload, dict):
        return desired
    names = payload if ignored == ("all",) else ignored
    prior = recorded_attributes(record, kind)
    kept = {name: prior[name] for name in names if name in prior}
    return replace(desired, arguments=object_of({**payload, **kept}))
