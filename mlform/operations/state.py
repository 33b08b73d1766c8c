"""Changing the state by hand."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.dataclass import replace
from mlform.errors import UsageError
from mlform.operations.access import backend_alone, locked
from mlform.operations.environment import Environment


def remove(
    environment: Environment,
    addresses: tuple[ResourceAddress, ...],
    *,
    dry_run: bool,
    lock_timeout: float = 0.0,
) -> tuple[ResourceAddress, ...]:
    """Forget objects without destroying them, and return which.

    Args:
        environment: The outside world.
        addresses: Instances, or blocks with all of their instances.
        dry_run: Only tell which ones it would be.
        lock_timeout: Seconds to wait for the lock.

    Raises:
        UsageError: If an address matches nothing; nothing is forgotten then.
        BackendError: If the state cannot be written.
    """
    backend = backend_alone(environment)
    with locked(backend, environment, "state rm", lock_timeout):
        state = backend.read()
        objects = {} if state is None else dict(state.objects)
        found = {key for key in objects for wanted in addresses if wanted in (key[0], key[0].block)}
        for wanted in addresses:
            if not any(wanted in (key[0], key[0].block) for key in found):
                detail = f'The state has no {wanted}. See "mlform state list".'
                raise UsageError("No such object", detail)
        if state is not None and not dry_run and found:
            kept = {key: record for key, record in objects.items() if key not in found}
            changed = replace(state, objects=kept, serial=state.serial + 1)
            backend.begin(state)
            backend.write(changed, expected_serial=state.serial)
    return tuple(sorted({key[0] for key in found}))
