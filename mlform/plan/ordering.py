"""Changes to steps: what has to come before what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mlform.graph.dag import Dag
from mlform.plan.changes import Action, Change
from mlform.plan.steps import Operation, Step
from mlform.state.snapshot import CURRENT

_MAKING = {
    Action.CREATE: Operation.CREATE,
    Action.REBUILD: Operation.REBUILD,
    Action.REUSE: Operation.REBUILD,
    Action.UPDATE: Operation.UPDATE,
    Action.DELETE_THEN_CREATE: Operation.CREATE,
    Action.CREATE_THEN_DELETE: Operation.CREATE,
}
_REMOVING = {
    Action.DELETE: Operation.DELETE,
    Action.DELETE_THEN_CREATE: Operation.DELETE,
    Action.CREATE_THEN_DELETE: Operation.DELETE,
    Action.FORGET: Operation.FORGET,
}


def order_steps(
    changes: Sequence[Change],
    needs: Mapping[str, Sequence[str]],
    prior_needs: Mapping[str, Sequence[str]],
    deposed_key: str,
) -> tuple[Step, ...]:
    """Return the steps of changes in a valid order.

    An object is made after what it depends on. It is destroyed after whatever depended on it was
    destroyed or has let go of it, and a predecessor that was set aside after its successor is in
    use.

    Args:
        changes: All changes.
        needs: Block addresses that each block depends on now.
        prior_needs: Block addresses that each block depended on when it was applied.
        deposed_key: Key under which replaced objects are set aside.
    """
    making: dict[str, list[str]] = defaultdict(list)
    removing: dict[str, list[str]] = defaultdict(list)
    steps: dict[str, Step] = {}
    for change in changes:
        for step in _steps_of(change, deposed_key):
            steps[step.id] = step
            block = str(step.address.block)
            (removing if step.operation in _REMOVING.values() else making)[block].append(step.id)
    followers = _inverted(needs)
    prior_followers = _inverted(prior_needs)
    by_id = {change_id(change): change for change in changes}
    edges: dict[str, tuple[str, ...]] = {}
    for step in steps.values():
        block = str(step.address.block)
        change = by_id[_key(step)]
        if step.operation in _REMOVING.values():
            wanted = _before_removal(step, change, block, making, removing, prior_followers)
            wanted += _users(change, block, making, followers)
        else:
            wanted = [item for needed in needs.get(block, ()) for item in making[needed]]
            if change.action is Action.DELETE_THEN_CREATE:
                wanted.append(_id(Operation.DELETE, change))
        edges[step.id] = tuple(dict.fromkeys(item for item in wanted if item != step.id))
    ordered = Dag(edges).order()
    if len(ordered) < len(steps):
        left = sorted(set(steps) - set(ordered))
        message = f"steps wait for each other: {', '.join(left)}"
        raise AssertionError(message)
    return tuple(replace(steps[item], needs=edges[item]) for item in ordered)


def change_id(change: Change) -> tuple[str, str]:
    """Return what tells a change from the others of a plan."""
    return (str(change.address), change.deposed)


def _key(step: Step) -> tuple[str, str]:
    # The step that removes a predecessor belongs to the change of the current object.
    return (str(step.address), "" if step.replaces else step.deposed)


def _steps_of(change: Change, deposed_key: str) -> Iterable[Step]:
    making = _MAKING.get(change.action)
    removing = _REMOVING.get(change.action)
    set_aside = change.action is Action.CREATE_THEN_DELETE
    if making is not None:
        yield Step(
            id=_id(making, change),
            address=change.address,
            operation=making,
            deposed=deposed_key if set_aside else CURRENT,
            replaces=set_aside,
        )
    if removing is not None:
        yield Step(
            id=_id(removing, change),
            address=change.address,
            operation=removing,
            deposed=deposed_key if set_aside else change.deposed,
            replaces=set_aside,
        )


def _id(operation: Operation, change: Change) -> str:
    aside = f" (deposed {change.deposed})" if change.deposed else ""
    return f"{operation.value} {change.address}{aside}"


def _before_removal(
    step: Step,
    change: Change,
    block: str,
    making: Mapping[str, list[str]],
    removing: Mapping[str, list[str]],
    followers: Mapping[str, list[str]],
) -> list[str]:
    wanted = [item for name in followers.get(block, ()) for item in removing.get(name, ())]
    if change.action is Action.DELETE and not step.deposed:
        # Whatever depended on it and stays must have let go of it.
        wanted += [item for name in followers.get(block, ()) for item in making.get(name, ())]
    if step.replaces:
        wanted.append(_id(Operation.CREATE, change))
    return wanted


def _users(
    change: Change,
    block: str,
    making: Mapping[str, list[str]],
    followers: Mapping[str, list[str]],
) -> list[str]:
    """Return the steps after which nobody uses a predecessor any more."""
    if change.action is not Action.CREATE_THEN_DELETE:
        return []
    return [item for name in followers.get(block, ()) for item in making.get(name, ())]


def _inverted(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, needed in needs.items():
        for item in needed:
            found[item].append(name)
    return found


def critical_path(
    steps: Sequence[Step], durations: Mapping[str, float]
) -> tuple[float | None, tuple[str, ...]]:
    """Return how long the steps take at least, in seconds, and the addresses that decide it.

    Args:
        steps: In a valid order.
        durations: Expected seconds by step id; a step that is absent is not known.
    """
    if not durations:
        return None, ()
    total: dict[str, float] = {}
    came_from: dict[str, str | None] = {}
    for step in steps:
        before = max(step.needs, key=lambda item: total[item], default=None)
        total[step.id] = durations.get(step.id, 0.0) + (total[before] if before else 0.0)
        came_from[step.id] = before
    at: str | None = max(total, key=lambda item: total[item])
    seconds = total[at] if at else 0.0
    addresses = {step.id: str(step.address) for step in steps}
    path: list[str] = []
    while at is not None:
        if at in durations:
            path.append(addresses[at])
        at = came_from[at]
    return seconds, tuple(reversed(path))
