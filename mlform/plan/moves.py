"""Objects that are called differently now: `moved` blocks, and `count` that comes or goes.

The rules are Terraform's: statements are applied to the recorded addresses one after the other, in
the order of `move_statements`; nothing moves to where something is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlform.addresses import (
    ModulePath,
    ResourceAddress,
    Target,
    print_target,
    without_keys,
)
from mlform.config.blocks import Config, MovedBlock
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostics
from mlform.digests import Json
from mlform.plan.changes import Move
from mlform.plan.move_statements import MoveStatement, Places, in_order
from mlform.resources.base import AnyKind
from mlform.schema import ResourceReference
from mlform.state.snapshot import CURRENT, Entry, Moved, Recorded, ResourceRecord, State


def find_moves(config: Config, state: State, diagnostics: Diagnostics) -> tuple[Move, ...]:
    """Return what moves, in an order in which it can be done.

    Records statements that contradict each other or the configuration as problems, and objects
    that cannot move because something is there as a warning.
    """
    if not state.objects:
        return ()
    statements = [*_explicit(config, diagnostics), *_implied(config, state)]
    if not statements or diagnostics.has_errors:
        return ()
    places = Places({address for address, _ in state.objects})
    blocked: list[str] = []
    for statement in in_order(statements, diagnostics):
        for address, target in places.reached_by(statement):
            if target in places.sources:
                if statement.range is not None:
                    blocked.append(f"  {address} could not move to {target}")
                continue
            places.move(address, target)
    if blocked:
        diagnostics.warning(
            "Unresolved resource instance address changes",
            "Some objects could not move, because there is another one already:\n"
            + "\n".join(blocked)
            + "\n\nThe plan destroys what is not in the configuration. Move or remove the other "
            'one first, for instance with "mlform state rm".',
        )
    return tuple(
        Move(source=source, target=target)
        for target, source in sorted(places.sources.items())
        if target != source
    )


def _explicit(config: Config, diagnostics: Diagnostics) -> Iterator[MoveStatement]:
    """Return the statements of `moved` blocks, after checking each and all together."""
    sources: dict[tuple[ModulePath, Target], MovedBlock] = {}
    targets: dict[tuple[ModulePath, Target], MovedBlock] = {}
    for module in config.modules.values():
        for block in module.moved:
            if not _is_sound(block, config, diagnostics):
                continue
            for end, known in ((block.source, sources), (block.target, targets)):
                first = known.setdefault((module.path, end), block)
                if first is not block and (first.source, first.target) != (
                    block.source,
                    block.target,
                ):
                    diagnostics.error(
                        "Ambiguous move statements",
                        f"{print_target(end)} also moves by the block at {first.range}. An object "
                        "can come from one place and go to one place only. Remove one of the two.",
                        range=block.range,
                    )
            yield MoveStatement(
                module=module.path,
                source=block.source,
                target=block.target,
                whole=_has_no_key(block.source) and _has_no_key(block.target),
                range=block.range,
            )


def _has_no_key(end: Target) -> bool:
    return (end.key if isinstance(end, ResourceAddress) else end[-1].key) is None


def _is_sound(block: MovedBlock, config: Config, diagnostics: Diagnostics) -> bool:
    source, target = block.source, block.target
    summary, detail = "", ""
    if source == target:
        summary = "Redundant move statement"
        detail = f"This moves {print_target(source)} to itself. Remove the block."
    elif isinstance(source, ResourceAddress) != isinstance(target, ResourceAddress):
        summary = "Invalid move statement"
        detail = "A resource moves to a resource, a module to a module."
    elif (
        isinstance(source, ResourceAddress)
        and isinstance(target, ResourceAddress)
        and source.kind != target.kind
    ):
        summary = "Resource kind mismatch"
        detail = f"This moves a {source.kind} to a {target.kind}; both must be of the same kind."
    elif _has_no_key(source) and _has_no_key(target) and _is_declared(block, config):
        summary = "Moved object still exists"
        detail = (
            f"This says that {print_target(source)} is now {print_target(target)}, but "
            f"{print_target(source)} is still declared. Remove its block, or this one."
        )
    if summary:
        diagnostics.error(summary, detail, range=block.range)
    return not summary


def _is_declared(block: MovedBlock, config: Config) -> bool:
    end = block.source
    if isinstance(end, ResourceAddress):
        path = (*block.module, *without_keys(end.module))
        return config.resource(ResourceAddress(end.kind, end.name, None, path)) is not None
    caller = config.modules.get((*block.module, *without_keys(end[:-1])))
    return caller is not None and end[-1].name in caller.calls


def _implied(config: Config, state: State) -> Iterator[MoveStatement]:
    """Return what follows from a `count` that was added or taken away."""
    affected: set[ResourceAddress] = set()
    for address, _ in state.objects:
        declared = config.resource(address.block) if address.key in {None, 0} else None
        if declared is None or declared.for_each is not None:
            continue
        if (declared.count is None) != (address.key is None):
            affected.add(address.block)
    for block in sorted(affected):
        declared = config.resource(block)
        assert declared is not None  # noqa: S101 - looked up above
        bare = ResourceAddress(block.kind, block.name)
        first = ResourceAddress(block.kind, block.name, 0)
        source, target = (bare, first) if declared.count is not None else (first, bare)
        yield MoveStatement(
            module=block.module, source=source, target=target, whole=False, range=None
        )


# Carrying it out


def moved_state(state: State, moves: tuple[Move, ...], kinds: Mapping[str, AnyKind]) -> State:
    """Return the state in which the moved objects have their new addresses.

    Wherever an object names a moved one, it names it by its new address then.
    """
    if not moves:
        return state
    names = {str(move.source): str(move.target) for move in moves}
    places = {move.source: move.target for move in moves}
    blocks = _moved_blocks(state, moves)
    objects = {}
    for (address, deposed), record in state.objects.items():
        target = places.get(address, address)
        objects[(target, deposed)] = _renamed(record, target, names, blocks, kinds)
    return replace(state, objects=objects)


def _moved_blocks(state: State, moves: tuple[Move, ...]) -> Mapping[str, tuple[str, ...]]:
    """Return where the objects of each block are that some of them leave, by its address."""
    places = {move.source: move.target for move in moves}
    left = {move.source.block for move in moves}
    found: dict[str, set[str]] = {}
    for address, _ in state.objects:
        if address.block in left:
            target = places.get(address, address)
            found.setdefault(str(address.block), set()).add(str(target.block))
    return {block: tuple(sorted(targets)) for block, targets in found.items()}


def _renamed(
    record: ResourceRecord,
    address: ResourceAddress,
    names: Mapping[str, str],
    blocks: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, AnyKind],
) -> ResourceRecord:
    attributes = dict(record.attributes)
    kind = kinds.get(record.address.kind)  # none for one of a newer mlform
    for attribute in () if kind is None else kind.schema.body.attributes:
        if attribute.name == "address" and attribute.computed:
            attributes["address"] = str(address)
        elif isinstance(attribute.type, ResourceReference):
            attributes[attribute.name] = _reference(attributes.get(attribute.name), names)
    dependencies = tuple(
        sorted({block for item in record.dependencies for block in blocks.get(item, (item,))})
    )
    if (address, attributes, dependencies) == (
        record.address,
        record.attributes,
        record.dependencies,
    ):
        return record
    handle = record.handle
    if handle.get("spec") and not handle.get("home"):
        handle = {**handle, "home": str(record.address)}
    return replace(
        record, address=address, attributes=attributes, dependencies=dependencies, handle=handle
    )


def _reference(value: Json, names: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list | tuple):
        return [_reference(item, names) for item in value]
    return value


def adopted_state(state: State, imports: tuple[ResourceRecord, ...]) -> State:
    """Return the state with the imported objects in it."""
    if not imports:
        return state
    objects = {**state.objects, **{(record.address, CURRENT): record for record in imports}}
    return replace(state, objects=objects)


def entries_between(before: State, after: State, moves: tuple[Move, ...]) -> tuple[Entry, ...]:
    """Return the entries that lead from the state before moves and imports to the one after."""
    sources = {move.target: move.source for move in moves}
    found: list[Entry] = []
    # An object may move to where another one just left: those that leave come first.
    waiting = {key: record for key, record in after.objects.items() if key[0] in sources}
    free = [key for key in sorted(waiting) if key not in before.objects]
    while waiting:
        assert free, "moves go in a circle"  # noqa: S101 - such statements are refused
        left = []
        for address, deposed in free:
            record = waiting.pop((address, deposed))
            source = sources[address]
            found.append(Moved(source=source, record=record, deposed=deposed))
            left.append((source, deposed))
        free = sorted(key for key in left if key in waiting)
    for key in sorted(after.objects):
        record = after.objects[key]
        if key[0] not in sources and before.objects.get(key) != record:
            found.append(Recorded(step=f"adopt {record.address}", record=record, deposed=key[1]))
    return tuple(found)
