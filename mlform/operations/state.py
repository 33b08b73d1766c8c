"""Changing the state by hand."""

from __future__ import annotations

from mlform.addresses import ResourceAddress, Target, covers, print_target
from mlform.dataclass import replace
from mlform.errors import UsageError
from mlform.operations.access import backend_alone, locked
from mlform.operations.environment import Environment


def remove(
    environment: Environment,
    targets: tuple[Target, ...],
    *,
    dry_run: bool,
    lock_timeout: float | None = 0.0,
) -> tuple[ResourceAddress, ...]:
    """Forget objects without destroying them, and return which.

    Args:
        environment: The outside world.
        targets: Resources and modules, or instances of them.
        dry_run: Only tell which ones it would be.
        lock_timeout: Seconds to wait for the lock, or None to do without it.

    Raises:
        UsageError: If an address matches nothing; nothing is forgotten then.
        BackendError: If the state cannot be written.
    """
    backend = backend_alone(environment)
    with locked(backend, environment, "state rm", lock_timeout) as run:
        state = backend.read()
        objects = {} if state is None else dict(state.objects)
        found = {key for key in objects if any(covers(target, key[0]) for target in targets)}
        for target in targets:
            if not any(covers(target, key[0]) for key in found):
                detail = f'The state has no {print_target(target)}. See "mlform state list".'
                raise UsageError("No such object", detail)
        if state is not None and not dry_run and found:
            kept = {key: record for key, record in objects.items() if key not in found}
            changed = replace(state, objects=kept, serial=state.serial + 1)
            backend.begin(state, run)
            backend.write(changed, expected_serial=state.serial)
    return tuple(sorted({key[0] for key in found}))
