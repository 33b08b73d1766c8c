"""What `replace_triggered_by` makes anew: objects that something they name changes for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlform.addresses import ModulePath, ResourceAddress
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostics
from mlform.digests import Json
from mlform.graph.desired import DesiredResource
from mlform.graph.evaluation import Evaluation
from mlform.hcl.ast import Expression, GetAttribute, Index, Variable
from mlform.lang.references import constant_step
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.plan.changes import Action, Cause, Change, Reason
from mlform.state.snapshot import Path

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """Finds out which objects are made anew because of others.

    Attributes:
        evaluation: Of the configuration.
        changes: What is planned so far, by address.
        planned: The same by block.
        diagnostics: Takes what is wrong with a reference.
    """

    evaluation: Evaluation
    changes: Mapping[ResourceAddress, Change]
    planned: Mapping[ResourceAddress, Sequence[Change]]
    diagnostics: Diagnostics

    def of(self, desired: DesiredResource) -> tuple[Reason, ...]:
        """Return why an object is to be made anew: each reference whose object changes."""
        return tuple(
            Reason(
                cause=Cause.REQUESTED,
                message=f"{trigger} changes (replace_triggered_by)",
                upstream=str(trigger),
            )
            for trigger in self._named(desired)
            if _triggers(trigger, self._changes_of(trigger), self._exposed(trigger))
        )

    def _named(self, desired: DesiredResource) -> Iterator[Trigger]:
        expressions = desired.block.lifecycle.replace_triggered_by
        if not expressions:
            return
        address = desired.address
        scope = self.evaluation.instance_scope(desired.block, address)
        for expression in expressions:
            found = _reference(expression, scope, address.module, self.diagnostics)
            if found is not None:
                yield found

    def _changes_of(self, trigger: Trigger) -> Iterable[Change]:
        """Return the planned changes of what a trigger names: of one instance, or of a block."""
        holder = trigger.holder
        if trigger.steps:
            key = trigger.steps[0]
            change = self.changes.get(replace(holder, key=key))
            if change is not None:
                return (change,)
        return self.planned.get(holder.block, ())

    def _exposed(self, trigger: Trigger) -> Mapping[str, str]:
        return self.evaluation.schemas[trigger.holder.kind].exposed


def _reference(
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


def _triggers(trigger: Trigger, changes: Iterable[Change], exposed: Mapping[str, str]) -> bool:
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
