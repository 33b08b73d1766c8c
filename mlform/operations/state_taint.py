"""Marking objects to be made anew by the next apply, and taking such marks away."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.dataclass import replace
from mlform.errors import UsageError
from mlform.operations.access import backend_alone, locked
from mlform.operations.environment import Environment
from mlform.state.snapshot import CURRENT, ResourceRecord, State


class NoSuchObject(UsageError):
    """The state has no object at an address."""


def set_tainted(
    environment: Environment,
    address: ResourceAddress,
    *,
    tainted: bool,
    lock_timeout: float | None = 0.0,
) -> None:
    """Mark an object as tainted, or take the mark away.

    Args:
        environment: The outside world.
        address: Of the object.
        tainted: Which of the two.
        lock_timeout: Seconds to wait for the lock, or None to do without it.

    Raises:
        NoSuchObject: If the state has none at the address.
        UsageError: If there is no mark to take away.
        BackendError: If the state cannot be written.
    """
    backend = backend_alone(environment)
    operation = "taint" if tainted else "untaint"
    with locked(backend, environment, operation, lock_timeout) as run:
        state = backend.read()
        record = None if state is None else state.current(address)
        if state is None or record is None:
            raise _missing(address, state, operation)
        if record.tainted is tainted:
            if tainted:
                return
            detail = f"{address} is not tainted, so there is no mark to take away."
            raise UsageError("Resource instance is not tainted", detail)
        changed = _with(state, replace(record, tainted=tainted))
        backend.begin(state, run)
        backend.write(changed, expected_serial=state.serial)


def _with(state: State, record: ResourceRecord) -> State:
    objects = {**state.objects, (record.address, CURRENT): record}
    return replace(state, objects=objects, serial=state.serial + 1)


def _missing(address: ResourceAddress, state: State | None, operation: str) -> NoSuchObject:
    summary = "No such resource instance"
    objects = {} if state is None else state.objects
    instances = [f"  {each}" for each, _ in sorted(objects) if each.block == address]
    if any(each == address for each, _ in objects):
        detail = f"Only deposed objects are left of {address}: the next apply destroys them."
    elif instances:
        detail = f"{address} has several instances. Name one of them:\n" + "\n".join(instances)
    else:
        detail = (
            f"The state has no object {address}. mlform state list tells what there is; what was "
            f'just written has to be applied before you can {operation} it. With "-allow-missing" '
            "that is no error."
        )
    return NoSuchObject(summary, detail)
