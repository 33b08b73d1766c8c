"""What a plan is limited to by `-target`, and what is left out of it by `-exclude`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlform.addresses import ModulePath, ResourceAddress, Target, covers, print_target, without_keys
from mlform.config.blocks import Config
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Severity
from mlform.graph.build import Graph
from mlform.graph.imports import import_block
from mlform.graph.nodes import CallNode, ModuleNode, Node, OutputNode, ResourceNode
from mlform.plan.changes import Move
from mlform.state.snapshot import ResourceRecord, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is planned; everything else is taken as the state says.

    Attributes:
        blocks: The blocks that have something to be planned.
        values: Nodes other than resources that are resolved.
        targets: What was asked for, or None if that is everything but what is left out.
        needed: Blocks that are planned as a whole, because targets depend on them.
        left_out: What is not planned, by block.
        kept: Recorded objects that stay although nobody wants them any more.
    """

    blocks: frozenset[ResourceAddress]
    values: frozenset[Node] = frozenset()
    targets: tuple[Target, ...] | None = None
    needed: frozenset[ResourceAddress] = frozenset()
    left_out: Mapping[ResourceAddress, list[Target]] = field(default_factory=dict)
    kept: frozenset[ResourceAddress] = frozenset()

    def plans(self, address: ResourceAddress) -> bool:
        """Whether an instance is planned."""
        block = address.block
        if self.targets is None:
            return not any(covers(target, address) for target in self.left_out.get(block, ()))
        return block in self.needed or any(covers(target, address) for target in self.targets)

    def may_remove(self, address: ResourceAddress) -> bool:
        """Whether a recorded object may be removed if it is not wanted."""
        return address not in self.kept and self.plans(address)


def may_cover(target: Target, block: ResourceAddress) -> bool:
    """Whether instances of a block can be what a target names."""
    if isinstance(target, ResourceAddress):
        return target.block == block
    return [step.name for step in target] == [step.name for step in block.module[: len(target)]]


def check_known(
    targets: Iterable[Target], option: str, config: Config, state: State, diagnostics: Diagnostics
) -> None:
    """Record a problem for each target that neither configuration nor state has."""
    recorded = [record.address for record in state.objects.values()]
    imported = (import_block(item.target) for item in config.root.imports)
    named = [*_blocks(config), *(block for block in imported if block is not None)]
    for target in targets:
        if not any(may_cover(target, block) for block in named) and not any(
            covers(target, address) for address in recorded
        ):
            diagnostics.error(
                "Unknown target",
                f"There is no {print_target(target)} in the configuration or the state. Check "
                f"what -{option} names; mlform state list tells what there is.",
            )


def check_moves(selection: Selection, moves: Iterable[Move], diagnostics: Diagnostics) -> None:
    """Record a problem if something moved that is left out of the plan."""
    left_out = [f"  {move.target}" for move in moves if not selection.plans(move.target)]
    if left_out:
        diagnostics.error(
            "Moved resource instances excluded by targeting",
            "These objects are called differently now, and the plan has to tell of that, but "
            "-target or -exclude leaves them out:\n"
            + "\n".join(left_out)
            + "\n\nPlan without -target and -exclude, or let them be part of the plan.",
        )


def _blocks(config: Config) -> Iterator[ResourceAddress]:
    for module in config.modules.values():
        yield from module.resources


def select(targets: tuple[Target, ...], config: Config, graph: Graph) -> Selection:
    """Return the targets with all they depend on."""
    blocks = [
        address
        for address in _blocks(config)
        if any(may_cover(target, address) for target in targets)
    ]
    below: list[Node] = [item for block in blocks for item in graph.dag.needs[ResourceNode(block)]]
    closure = graph.dag.closure(tuple(below))
    needed = frozenset(node.address for node in closure if isinstance(node, ResourceNode))
    selected = needed.union(blocks)
    return Selection(
        targets=targets,
        blocks=selected,
        needed=needed,
        values=frozenset(_values(graph, selected)),
    )


def _values(graph: Graph, selected: frozenset[ResourceAddress]) -> Iterable[Node]:
    for node in graph.dag.needs:
        if isinstance(node, ResourceNode):
            continue
        needs = graph.resource_needs(node)
        is_root_output = isinstance(node, OutputNode) and not node.module
        if all(item in selected for item in needs) and (needs or not is_root_output):
            yield node


def leave_out(
    excluded: tuple[Target, ...], config: Config, graph: Graph, state: State
) -> Selection:
    """Return everything but what is excluded and what depends on it."""
    left_out: dict[ResourceAddress, list[Target]] = {}
    for block in _blocks(config):
        for target in excluded:
            if may_cover(target, block):
                left_out.setdefault(block, []).append(target)
    for address in {record.address for record in state.objects.values()}:
        found = left_out.setdefault(address.block, [])
        found.extend(each for each in excluded if covers(each, address) and each not in found)
    unresolved: set[Node] = set()
    for node, prefix in _dependents(excluded, config, graph):
        if isinstance(node, ResourceNode):
            place = (*prefix, *node.address.module[len(prefix) :])
            dependent = ResourceAddress(node.address.kind, node.address.name, None, place)
            left_out.setdefault(node.address.block, []).append(dependent)
        elif not prefix:
            unresolved.add(node)
    selection = Selection(
        blocks=frozenset(_blocks(config)),
        values=frozenset(
            node
            for node in graph.dag.needs
            if not isinstance(node, ResourceNode) and node not in unresolved
        ),
        left_out=left_out,
    )
    return replace(selection, kept=_kept(selection, state))


def _dependents(
    excluded: tuple[Target, ...], config: Config, graph: Graph
) -> Iterator[tuple[Node, ModulePath]]:
    """Yield what depends on excluded things, and in which instances of modules it does.

    What is in the same instance of a module as an excluded object depends on that one only; what
    is outside depends on all instances together.
    """
    followers = graph.dag.followers()
    waiting: list[tuple[Node, ModulePath]] = [
        (ResourceNode(block), target.module if isinstance(target, ResourceAddress) else target)
        for target in excluded
        for block in _blocks(config)
        if may_cover(target, block)
    ]
    seen = set(waiting)
    while waiting:
        node, prefix = waiting.pop()
        for follower in followers.get(node, ()):
            found = (follower, _shared(prefix, _place(follower)))
            if found not in seen:
                seen.add(found)
                waiting.append(found)
                yield found


def _place(node: Node) -> ModulePath:
    """Return the module in which something is a name."""
    if isinstance(node, ResourceNode):
        return node.address.module
    return node.path[:-1] if isinstance(node, CallNode | ModuleNode) else node.module


def _shared(prefix: ModulePath, place: ModulePath) -> ModulePath:
    """Return the steps, with their keys, that lead to both."""
    bare = without_keys(prefix)
    size = 0
    while size < min(len(bare), len(place)) and bare[size] == place[size]:
        size += 1
    return prefix[:size]


def _kept(selection: Selection, state: State) -> frozenset[ResourceAddress]:
    """Return recorded objects that what is left out needs, or that need it."""
    records = tuple(state.objects.values())
    out = {record.address for record in records if not selection.plans(record.address)}
    return _with_needs(out, records) | _with_followers(out, records)


def to_destroy(
    targets: tuple[Target, ...], excluded: tuple[Target, ...], state: State
) -> frozenset[ResourceAddress]:
    """Return the recorded addresses that a plan to destroy is about."""
    records = tuple(state.objects.values())
    return _with_dependents(targets, records) if targets else _without(excluded, records)


def _without(
    excluded: tuple[Target, ...], records: tuple[ResourceRecord, ...]
) -> frozenset[ResourceAddress]:
    """Return the recorded addresses that neither are excluded nor needed by what is."""
    staying = {
        record.address
        for record in records
        if any(covers(target, record.address) for target in excluded)
    }
    kept = _with_needs(staying, records)
    return frozenset(record.address for record in records if record.address not in kept)


def _with_needs(
    found: Iterable[ResourceAddress], records: tuple[ResourceRecord, ...]
) -> frozenset[ResourceAddress]:
    """Return recorded addresses with all that they depended on when they were applied."""
    by_block: dict[str, list[ResourceRecord]] = {}
    for record in records:
        by_block.setdefault(str(record.address.block), []).append(record)
    waiting = [record for record in records if record.address in set(found)]
    seen = {record.address for record in waiting}
    while waiting:
        record = waiting.pop()
        for name in record.dependencies:
            for needed in by_block.get(name, ()):
                if needed.address not in seen:
                    seen.add(needed.address)
                    waiting.append(needed)
    return frozenset(seen)


def _with_dependents(
    targets: tuple[Target, ...], records: tuple[ResourceRecord, ...]
) -> frozenset[ResourceAddress]:
    """Return the recorded addresses that targets name, and all that depend on them."""
    found = {
        record.address
        for record in records
        if any(covers(target, record.address) for target in targets)
    }
    return _with_followers(found, records)


def _with_followers(
    found: Iterable[ResourceAddress], records: tuple[ResourceRecord, ...]
) -> frozenset[ResourceAddress]:
    """Return recorded addresses with all that depended on them when it was applied."""
    followers: dict[str, list[ResourceAddress]] = {}
    for record in records:
        for name in record.dependencies:
            followers.setdefault(name, []).append(record.address)
    waiting = list(found)
    seen = set(waiting)
    while waiting:
        for follower in followers.get(str(waiting.pop().block), ()):
            if follower not in seen:
                seen.add(follower)
                waiting.append(follower)
    return frozenset(seen)


def partial_warnings(
    targets: tuple[Target, ...], excluded: tuple[Target, ...]
) -> tuple[Diagnostic, ...]:
    """Return a warning that a plan is not about everything, if it is not."""
    if targets:
        summary, named = "Resource targeting is in effect", "-target"
        rest = "Only the targets, and what they depend on, are in it"
    elif excluded:
        summary, named = "Resource exclusion is in effect", "-exclude"
        rest = "What is excluded, and what depends on it, is not in it"
    else:
        return ()
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary=summary,
            detail=f"The plan is made with {named}. {rest}, so it may lack changes that the "
            f"configuration asks for. {named} is for exceptions, such as recovering from a "
            "mistake: plan without it when that is done.",
        ),
    )


def unmatched_warnings(
    wanted: Iterable[ResourceAddress], planned: tuple[ResourceAddress, ...]
) -> tuple[Diagnostic, ...]:
    """Return a warning for each address to replace that names no planned object.

    Args:
        wanted: What `-replace` names.
        planned: Addresses of all objects in the plan.
    """
    found = []
    for address in sorted(set(wanted) - set(planned)):
        instances = [f"  -replace='{each}'" for each in planned if covers(address, each)]
        if instances:
            detail = (
                f"-replace={address} names no single object, because it lacks a key. To replace "
                "instances, name them:\n" + "\n".join(instances)
            )
        else:
            detail = f"There is no {address} in the plan, so -replace={address} replaces nothing."
        found.append(
            Diagnostic(
                severity=Severity.WARNING,
                summary="Incompletely-matched force-replace resource instance",
                detail=detail,
            )
        )
    return tuple(found)
