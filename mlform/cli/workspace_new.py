"""`mlform workspace new`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import in_default_workspace, lock_wait
from mlform.errors import UsageError
from mlform.views.paper import BLANK, Ink, line, lines, render

if TYPE_CHECKING:
    from mlform.cli.arguments import WorkspaceNewArguments
    from mlform.cli.session import Session


def run(arguments: WorkspaceNewArguments, session: Session) -> int:
    """Make a workspace and use it."""
    from mlform.operations.state import read_state_file
    from mlform.operations.workspaces import create_workspace

    if session.variables.get("MLF_WORKSPACE", arguments.name) != arguments.name:
        raise UsageError(
            "The workspace is overridden",
            "The workspace is currently overridden using the MLF_WORKSPACE environment variable. "
            "You cannot create a new workspace when using this setting. To create a new workspace, "
            "either unset this environment variable or update it to match the workspace name you "
            "are trying to create, and then run this command again.",
        )
    environment = in_default_workspace(session).environment()
    state = None
    if arguments.state:
        state = read_state_file(environment, session.path(arguments.state))
    timeout = lock_wait(arguments.lock_timeout, lock=arguments.lock)
    create_workspace(environment, arguments.name, state=state, lock_timeout=timeout)
    say_created(session, arguments.name, empty=state is None)
    return 0


def say_created(session: Session, name: str, *, empty: bool) -> None:
    """Say that a workspace was made and is in use."""
    content = [line(f'Created and switched to workspace "{name}"!', Ink.GOOD)]
    if empty:
        content += [BLANK, *lines(_EMPTY)]
    session.out.write(render(content, color=session.out.color, width=None))


_EMPTY = (
    "You're now on a new, empty workspace. Workspaces isolate their state,\n"
    'so if you run "mlform plan" mlform will not see any existing state\n'
    "for this configuration."
)
