"""What `state mv` moves where; the rules and the words are Terraform's."""

from __future__ import annotations

from mlform.addresses import ModulePath, ResourceAddress, Target, print_target
from mlform.dataclass import replace
from mlform.errors import UsageError
from mlform.plan.changes import Move
from mlform.state.snapshot import State


def moves_to(state: State, source: Target, target: Target) -> tuple[Move, ...]:
    """Return the moves that take what a source names to a target.

    Args:
        state: What there is.
        source: A resource, an instance of one, a module or an instance of one.
        target: What it is to be called.

    Raises:
        UsageError: If there is no such source, if something is at the target, or if one is a
            module and the other a resource, or of another kind.
    """
    if not isinstance(source, ResourceAddress):
        if isinstance(target, ResourceAddress):
            raise _bad_target(
                f"Cannot move {print_target(source)} to {target}: the target must also be a module."
            )
        return _module_moves(state, source, target)
    found = _found(state, source)
    whole = (source,) != found
    if not isinstance(target, ResourceAddress):
        also = (
            "the source is a whole resource (not a resource instance) so the target must also be a "
            "whole resource"
            if whole
            else "the target must also be a resource instance"
        )
        raise _bad_target(f"Cannot move {source} to {print_target(target)}: {also}.")
    if source.kind != target.kind:
        raise UsageError(
            "Invalid state move request",
            f"Cannot move {source} to {target}: resource kinds don't match.",
        )
    return _instance_moves(state, found, target) if whole else _one_move(state, source, target)


def _found(state: State, source: ResourceAddress) -> tuple[ResourceAddress, ...]:
    """Return the object of an address, or all instances of the resource that it names."""
    addresses = {address for address, _ in state.objects}
    if source in addresses:
        return (source,)
    found = () if source.key is not None else _instances(addresses, source)
    if not found:
        problem = (
            f"Cannot move {source}: does not match anything in the current state."
            if source.key is None
            else f"The current state does not contain {source}."
        )
        raise UsageError("Invalid source address", f'{problem} See "mlform state list".')
    return found


def _instances(
    addresses: set[ResourceAddress], resource: ResourceAddress
) -> tuple[ResourceAddress, ...]:
    return tuple(sorted(each for each in addresses if replace(each, key=None) == resource))


def _one_move(state: State, source: ResourceAddress, target: ResourceAddress) -> tuple[Move, ...]:
    if any(address == target for address, _ in state.objects):
        raise _bad_target(
            f"Cannot move to {target}: there is already a resource instance at that address in the "
            "current state."
        )
    return (Move(source=source, target=target),)


def _instance_moves(
    state: State, found: tuple[ResourceAddress, ...], target: ResourceAddress
) -> tuple[Move, ...]:
    if target.key is not None:
        resource = replace(found[0], key=None)
        raise _bad_target(
            f"Cannot move {resource} to {target}: the source is a whole resource (not a resource "
            "instance) so the target must also be a whole resource."
        )
    if _instances({address for address, _ in state.objects}, target):
        raise _bad_target(
            f"Cannot move to {target}: there is already a resource at that address in the current "
            "state."
        )
    return tuple(Move(source=each, target=replace(target, key=each.key)) for each in found)


def _module_moves(state: State, source: ModulePath, target: ModulePath) -> tuple[Move, ...]:
    addresses = {address for address, _ in state.objects}
    found = {address for address in addresses if _is_in_instance(address, source)}
    whole = not found and source[-1].key is None
    if whole:  # every instance of the module, which keep their keys
        found = {address for address in addresses if _is_in_call(address, source)}
    named = f"Cannot move {print_target(source)} to {print_target(target)}:"
    if not found:
        raise UsageError(
            "Invalid source address",
            f"Cannot move {print_target(source)}: does not match anything in the current state. "
            'See "mlform state list".',
        )
    if whole and target[-1].key is not None:
        raise _bad_target(
            f"{named} the source is a whole module (not a module instance) so the target must "
            "also be a whole module."
        )
    occupied = _is_in_call if whole else _is_in_instance
    if any(occupied(address, target) for address in addresses):
        raise _bad_target(f"{named} the destination module already exists.")
    if target[: len(source)] == source:
        raise _bad_target(f"{named} a module cannot be moved into itself.")
    moves = []
    for address in sorted(found):
        here, inner = address.module[len(source) - 1], address.module[len(source) :]
        last = replace(target[-1], key=here.key) if whole else target[-1]
        path = (*target[:-1], last, *inner)
        moves.append(Move(source=address, target=replace(address, module=path)))
    return tuple(moves)


def _is_in_instance(address: ResourceAddress, module: ModulePath) -> bool:
    return address.module[: len(module)] == module


def _is_in_call(address: ResourceAddress, module: ModulePath) -> bool:
    depth = len(module)
    path = address.module[:depth]
    return len(path) == depth and path[:-1] == module[:-1] and path[-1].name == module[-1].name


def _bad_target(detail: str) -> UsageError:
    return UsageError("Invalid target address", detail)
