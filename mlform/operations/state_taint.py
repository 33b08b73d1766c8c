"""Marking objects to be made anew by the next apply, and taking such marks away."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.dataclass import replace
from mlform.errors import UsageError
from mlform.operations.environment import Environment
from mlform.operations.state import Edit, rewrite
from mlform.state.snapshot import CURRENT, Entry, State


class NoSuchObject(UsageError):
    """The state has no object at an address."""


def set_tainted(
    environment: Environment, address: ResourceAddress, edit: Edit, *, tainted: bool
) -> None:
    """Mark an object as tainted, or take the mark away.

    Args:
        environment: The outside world.
        address: Of the object.
        edit: How it is done.
        tainted: Which of the two.

    Raises:
        NoSuchObject: If the state has none at the address.
        UsageError: If there is no state, or no mark to take away.
        BackendError: If the state cannot be written.
    """

    def marked(state: State) -> tuple[State, tuple[Entry, ...]]:
        record = state.current(address)
        if record is None:
            raise _missing(address, state)
        if not (tainted or record.tainted):
            detail = f"{address} is not tainted, so there is no mark to take away."
            raise UsageError("Resource instance is not tainted", detail)
        objects = {**state.objects, (address, CURRENT): replace(record, tainted=tainted)}
        return replace(state, objects=objects), ()

    rewrite(environment, "taint" if tainted else "untaint", marked, edit)


def _missing(address: ResourceAddress, state: State) -> NoSuchObject:
    instances = [f"  {each}" for each, _ in sorted(state.objects) if each.block == address]
    if any(each == address for each, _ in state.objects):
        detail = f"Only deposed objects are left of {address}: the next apply destroys them."
    elif instances:
        detail = f"{address} has several instances. Name one of them:\n" + "\n".join(instances)
    else:
        detail = (
            f"The state has no object {address}. mlform state list tells what there is; what was "
            "just written has to be applied first. With -allow-missing that is no error."
        )
    return NoSuchObject("No such resource instance", detail)
