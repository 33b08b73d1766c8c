"""`mlform workspace select`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import in_default_workspace
from mlform.cli.workspace_new import say_created
from mlform.errors import UsageError
from mlform.views.paper import Ink, line, render

if TYPE_CHECKING:
    from mlform.cli.arguments import WorkspaceSelectArguments
    from mlform.cli.session import Session


def run(arguments: WorkspaceSelectArguments, session: Session) -> int:
    """Use another workspace."""
    from mlform.operations.workspaces import choose_workspace

    name = arguments.name
    if session.variables.get("MLF_WORKSPACE"):
        raise UsageError(
            "The workspace is overridden",
            "The selected workspace is currently overridden using the MLF_WORKSPACE environment "
            "variable. To select a new workspace, either update this environment variable or "
            "unset it and then run this command again.",
        )
    environment = in_default_workspace(session).environment()
    if choose_workspace(environment, name, create=arguments.or_create):
        say_created(session, name, empty=True)
    elif name != session.workspace:
        said = line(f'Switched to workspace "{name}".', Ink.GOOD)
        session.out.write(render([said], color=session.out.color, width=None))
    return 0
