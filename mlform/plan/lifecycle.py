"""What the `lifecycle` blocks of a configuration ask for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from mlform.addresses import ModulePath, ResourceAddress
from mlform.config.blocks import Config, ResourceBlock
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostics
from mlform.digests import Json
from mlform.graph.build import Graph
from mlform.graph.desired import DesiredResource
from mlform.graph.nodes import ResourceNode
from mlform.hcl.ast import Expression, GetAttribute, Index, Variable
from mlform.lang.construct import object_of
from mlform.lang.references import constant_step
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import MapType, ObjectType
from mlform.lang.values import Value
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
        Action.FORGET_THEN_CREATE,
        Action.CREATE_THEN_FORGET,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A reference of `replace_triggered_by`, its keys resolved.

    Attributes:
        holder: The block it names, in an instance of the module.
        steps: Key and attributes after it.
    """

    holder: ResourceAddress
    steps: Path

    def __str__(self) -> str:
        written = [str(self.holder)]
        for step in self.steps:
            named = isinstance(step, str) and step.isidentifier()
            written.append(f".{step}" if named else f"[{json.dumps(step)}]")
        return "".join(written)


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


def trigger_reference(
    expression: Expression, scope: Scope, module: ModulePath, diagnostics: Diagnostics
) -> Trigger | None:
    """Return what a `replace_triggered_by` reference of one instance names.

    Args:
        expression: The reference; its keys may be `each.key`, `count.index` and the like.
        scope: Of the instance.
        module: The instance of the module that it is in.
        diagnostics: Takes what is wrong with a key.
    """
    steps: list[str | int] = []
    node = expression
    while isinstance(node, GetAttribute | Index):
        step: object = constant_step(node)
        if step is None and isinstance(node, Index):
            value = resolve(node.key, scope, diagnostics)
            step = value.payload
        if not isinstance(step, str | int):
            diagnostics.error(
                "Invalid replace_triggered_by expression",
                "The key must be a known text or whole number, such as each.key or count.index.",
                range=node.range,
            )
            return None
        steps.append(step)
        node = node.target
    if not isinstance(node, Variable) or not steps:
        return None
    steps.reverse()
    return Trigger(
        holder=ResourceAddress(node.name, str(steps[0]), None, module), steps=tuple(steps[1:])
    )


def triggers(trigger: Trigger, changes: Iterable[Change], exposed: Mapping[str, str]) -> bool:
    """Whether planned changes make a trigger replace what has it.

    What is new triggers nothing. A whole resource or instance triggers when it is changed or
    replaced; an attribute triggers when its value then changes or is known only after apply.

    Args:
        trigger: The reference.
        changes: What is planned so far.
        exposed: What attributes that are called differently in references are called.
    """
    holder, rest = trigger.holder, trigger.steps
    for change in changes:
        address = change.address
        if (address.kind, address.name, address.module) != (
            holder.kind,
            holder.name,
            holder.module,
        ):
            continue
        steps = rest
        if rest and address.key is not None:
            if rest[0] != address.key:
                continue
            steps = rest[1:]
        if steps and str(steps[0]) in exposed:
            steps = (exposed[str(steps[0])], *steps[1:])
        if change.action in _TRIGGERING and (not steps or changes_at(change, steps)):
            return True
    return False


def changes_at(change: Change, path: Path) -> bool:
    """Whether what a path into an object leads to changes, or is known only after apply."""
    if change.action is Action.NO_OP:
        return False
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
