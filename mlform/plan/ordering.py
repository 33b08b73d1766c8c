"""Changes to steps: what has to come before what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mlform.config.blocks import Config
from mlform.dataclass import dataclass, field, replace
from mlform.digests import JsonObject
from mlform.graph.build import Graph
from mlform.graph.dag import Dag
from mlform.graph.nodes import ResourceNode
from mlform.plan.changes import Action, Change
from mlform.plan.steps import Operation, Step
from mlform.state.snapshot import CURRENT, State

_MAKING = {
    Action.CREATE: Operation.CREATE,
    Action.REBUILD: Operation.REBUILD,
    Action.REUSE: Operation.REBUILD,
    Action.UPDATE: Operation.UPDATE,
    Action.DELETE_THEN_CREATE: Operation.CREATE,
    Action.CREATE_THEN_DELETE: Operation.CREATE,
    Action.FORGET_THEN_CREATE: Operation.CREATE,
    Action.CREATE_THEN_FORGET: Operation.CREATE,
}
_REMOVING = {
    Action.DELETE: Operation.DELETE,
    Action.DELETE_THEN_CREATE: Operation.DELETE,
    Action.CREATE_THEN_DELETE: Operation.DELETE,
    Action.FORGET: Operation.FORGET,
    Action.FORGET_THEN_CREATE: Operation.FORGET,
    Action.CREATE_THEN_FORGET: Operation.FORGET,
}


_CROWD = 16
"""Steps of one block from which on one stands for all of them."""


def steps_of(
    changes: Iterable[Change], config: Config, graph: Graph, state: State, serial: int
) -> tuple[Step, ...]:
    """Return the steps of the changes of a plan in a valid order.

    Args:
        changes: All changes.
        config: What is asked for.
        graph: Of the configuration.
        state: What there is.
        serial: Of the state.
    """
    effective = [change for change in changes if change.action is not Action.NO_OP]
    if not effective:
        return ()
    needs = {
        str(address): [str(item) for item in graph.resource_needs(ResourceNode(address))]
        for module in config.modules.values()
        for address in module.resources
    }
    return order_steps(effective, needs, prior_needs(state), unused_key(state, serial))


def order_steps(
    changes: Sequence[Change],
    needs: Mapping[str, Sequence[str]],
    prior_needs: Mapping[str, Sequence[str]],
    deposed_key: str,
) -> tuple[Step, ...]:
    """Return the steps of changes in a valid order.

    An object is made after what it depends on. It is destroyed after whatever depended on it was
    destroyed or has let go of it, a predecessor that was set aside after its successor is in use,
    and an endpoint after another one has taken over its URL. Where dependencies were turned round
    since the last apply not all of that is possible: then users let go later, and if that is not
    enough, things that both go away go in any order.

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
    takers = _url_takers(changes)
    followers = _inverted(needs)
    prior_followers = _inverted(prior_needs)
    by_id = {change_id(change): change for change in changes}
    edges: dict[str, _Edges] = {}
    made = _Crowds(making, "made", steps, edges)
    gone = _Crowds(removing, "gone", steps, edges)
    for step in tuple(steps.values()):
        block = str(step.address.block)
        change = by_id[_key(step)]
        if step.operation in _REMOVING.values():
            edges[step.id] = _Edges(
                always=[_id(Operation.CREATE, change)] if step.replaces else [],
                removed=gone.of(prior_followers[block], block),
                released=[
                    *_released(change, block, made, (followers, prior_followers)),
                    *_takers_of(change, takers),
                ],
            )
        else:
            wanted = made.of(needs.get(block, ()), block)
            if change.action.is_replace and not change.action.creates_first:
                wanted.append(_id(_REMOVING[change.action], change))
            edges[step.id] = _Edges(always=wanted)
    chosen = _without_cycles(edges)
    return tuple(replace(steps[item], needs=chosen[item]) for item in Dag(chosen).order())


def unused_key(state: State, serial: int) -> str:
    """Return a key for objects to be set aside that no object of the state has."""
    taken = {key for _, key in state.objects}
    number = serial + 1
    while f"{number:08x}" in taken:
        number += 1
    return f"{number:08x}"


def prior_needs(state: State) -> Mapping[str, Sequence[str]]:
    """Return the blocks that each block depended on when it was applied."""
    found: dict[str, dict[str, None]] = {}
    for record in state.objects.values():
        found.setdefault(str(record.address.block), {}).update(dict.fromkeys(record.dependencies))
    return {block: tuple(needed) for block, needed in found.items()}


@dataclass(slots=True)
class _Crowds:
    """The steps of blocks, as others wait for them: one step stands for all where they are many.

    Otherwise a block of 10,000 instances that depends on another one would have a hundred million
    edges.

    Attributes:
        members: Ids of steps by block.
        done: What is true once they are done.
        steps: All steps by id; those that stand for others are added.
        edges: What each step waits for; likewise.
    """

    members: Mapping[str, list[str]]
    done: str
    steps: dict[str, Step]
    edges: dict[str, _Edges]

    def of(self, blocks: Iterable[str], waiting: str) -> list[str]:
        """Return what a step of the block `waiting` waits for, so that these blocks are done."""
        found: list[str] = []
        for block in blocks:
            members = self.members.get(block, [])
            if len(members) < _CROWD or block == waiting:
                found += members
            else:
                found.append(self._one_for(block, members))
        return found

    def _one_for(self, block: str, members: list[str]) -> str:
        name = f"all of {block} {self.done}"
        if name not in self.steps:
            address = self.steps[members[0]].address.block
            self.steps[name] = Step(id=name, address=address, operation=Operation.AWAIT)
            self.edges[name] = _Edges(always=members)
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edges:
    """Steps that a step waits for.

    Attributes:
        always: Without exception.
        removed: Because what depended on the object has to go first.
        released: Because what used the object has to let go of it first.
    """

    always: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)


def _without_cycles(edges: Mapping[str, _Edges]) -> dict[str, tuple[str, ...]]:
    """Return what each step waits for, giving up the weakest edges of steps on cycles."""

    def needs_of(step: str, given: Sequence[list[str]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for items in given for item in items if item != step))

    found = {
        step: needs_of(step, (item.always, item.removed, item.released))
        for step, item in edges.items()
    }
    for kept in (lambda item: (item.always, item.removed), lambda item: (item.always,)):
        left = edges.keys() - set(Dag(found).order())
        for step in left:
            found[step] = needs_of(step, kept(edges[step]))
    left = edges.keys() - set(Dag(found).order())
    if left:
        message = f"steps wait for each other: {', '.join(sorted(left))}"
        raise AssertionError(message)
    return found


def change_id(change: Change) -> tuple[str, str]:
    """Return what tells a change from the others of a plan."""
    return (str(change.address), change.deposed)


def _key(step: Step) -> tuple[str, str]:
    # The step that removes a predecessor belongs to the change of the current object.
    return (str(step.address), "" if step.replaces else step.deposed)


def _steps_of(change: Change, deposed_key: str) -> Iterable[Step]:
    making = _MAKING.get(change.action)
    removing = _REMOVING.get(change.action)
    set_aside = change.action.creates_first
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


def _released(
    change: Change,
    block: str,
    made: _Crowds,
    followers: tuple[Mapping[str, list[str]], Mapping[str, list[str]]],
) -> list[str]:
    """Return the steps after which nobody uses an object any more, that stays until then."""
    now, before = followers
    if change.action.creates_first:
        return made.of(now[block], block)
    if change.action is Action.DELETE and change.deposed == CURRENT:
        return made.of(before[block], block)
    return []


def _url_takers(changes: Iterable[Change]) -> dict[str, list[str]]:
    """Return the steps that make something answer at a URL, by URL."""
    found: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        making = _MAKING.get(change.action)
        if making is Operation.CREATE and (url := _url(change.after)):
            found[url].append(_id(making, change))
    return found


def _takers_of(change: Change, takers: Mapping[str, list[str]]) -> list[str]:
    """Return the steps that take over the URL of an object that goes for good."""
    url = _url(change.before) if change.action is Action.DELETE else ""
    return takers.get(url, []) if url else []


def _url(attributes: JsonObject | None) -> str:
    url = None if attributes is None else attributes.get("url")
    return url if isinstance(url, str) else ""


def _inverted(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, needed in needs.items():
        for item in needed:
            found[item].append(name)
    return found
