"""Making, choosing and removing workspaces: several states for one configuration."""

from __future__ import annotations

from mlform.backends.base import DEFAULT_WORKSPACE
from mlform.dataclass import dataclass
from mlform.errors import UsageError
from mlform.operations.access import all_workspaces, locked
from mlform.operations.environment import Environment
from mlform.operations.selection import check_name, select_workspace
from mlform.state.snapshot import CURRENT, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A workspace that is no more.

    Attributes:
        was_empty: Whether its state held nothing.
    """

    was_empty: bool


def list_workspaces(environment: Environment) -> tuple[str, ...]:
    """Return the workspaces that exist, the default one first.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
        BackendError: If they cannot be listed.
    """
    return all_workspaces(environment).names()


def create_workspace(
    environment: Environment,
    name: str,
    *,
    state: State | None = None,
    lock_timeout: float | None = 0.0,
) -> None:
    """Make a workspace and use it from now on.

    Args:
        environment: The outside world.
        name: Of the workspace.
        state: What its state holds; nothing where None is given.
        lock_timeout: Seconds to wait for the lock of its state, or None to do without it.

    Raises:
        UsageError: If it must not be called so.
        BackendError: If it exists already, or cannot be made.
    """
    check_name(name)
    workspaces = all_workspaces(environment)
    workspaces.create(name)
    select_workspace(environment.settings.data_folder, name)
    if state is not None:
        backend = workspaces.open(name)
        with locked(backend, environment, "workspace new", lock_timeout) as run:
            backend.write(state, expected_serial=None, run=run)


def choose_workspace(environment: Environment, name: str, *, create: bool) -> bool:
    """Use a workspace from now on; return whether it was made for that.

    Raises:
        UsageError: If there is none of that name and none is to be made, or it must not be
            called so.
    """
    check_name(name)
    if name in list_workspaces(environment):
        select_workspace(environment.settings.data_folder, name)
        return False
    if not create:
        raise _absent(name)
    create_workspace(environment, name)
    return True


def delete_workspace(
    environment: Environment, name: str, *, force: bool, lock_timeout: float | None = 0.0
) -> Deleted:
    """Remove a workspace with its state and its history.

    Args:
        environment: The outside world.
        name: Of the workspace.
        force: Remove it even if its state holds objects, which nobody manages any more then.
        lock_timeout: Seconds to wait for the lock of its state, or None to do without it.

    Raises:
        UsageError: If it does not exist, is in use, is the default one or holds objects.
        StateLocked: If a run works in it.
        BackendError: If it cannot be removed.
    """
    workspaces = all_workspaces(environment)
    if name not in workspaces.names():
        raise _absent(name)
    if name == environment.settings.workspace:
        raise UsageError(
            f'Workspace "{name}" is your active workspace',
            "You cannot delete the currently active workspace. Please switch to another workspace "
            "and try again.",
        )
    if name == DEFAULT_WORKSPACE:
        raise UsageError("The default workspace stays", 'The workspace "default" is always there.')
    backend = workspaces.open(name)
    with locked(backend, environment, "workspace delete", lock_timeout):
        state = backend.read()
        if state is not None and state.objects and not force:
            raise _not_empty(name, state)
    # Given back just before: a place may not let go of what is locked.
    workspaces.delete(name)
    return Deleted(was_empty=state is None or not state.objects)


def _absent(name: str) -> UsageError:
    return UsageError(
        f'Workspace "{name}" doesn\'t exist',
        'You can create this workspace with the "new" subcommand or include the "-or-create" flag '
        'with the "select" subcommand.',
    )


def _not_empty(name: str, state: State) -> UsageError:
    objects = "\n".join(
        f"  - {record.address}" + (f" (deposed object {key})" if key != CURRENT else "")
        for key, record in state.in_order
    )
    return UsageError(
        "Workspace is not empty",
        f'Workspace "{name}" is currently tracking the following resource instances:\n{objects}\n\n'
        "Deleting this workspace would cause mlform to lose track of any associated objects, "
        "which would then require you to remove them by hand. You should destroy these objects "
        "with mlform before deleting the workspace.\n\n"
        "If you want to delete this workspace anyway, and have mlform forget about these objects, "
        "use the -force option to disable this safety check.",
    )
