"""The lock of the state, for those who have to force it open."""

from __future__ import annotations

from mlform.backends.base import LockInfo
from mlform.operations.access import backend_alone
from mlform.operations.environment import Environment


def lock_holder(environment: Environment) -> LockInfo | None:
    """Return who holds the lock of the workspace's state, or None.

    Raises:
        BackendError: If that cannot be told.
    """
    return backend_alone(environment).holder()


def force_unlock(environment: Environment, lock_id: str) -> None:
    """Take the lock of the workspace's state from its holder.

    Raises:
        BackendError: If nobody holds it under this id.
    """
    backend_alone(environment).break_lock(lock_id)
