"""`mlform workspace list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlform.cli.arguments import WorkspaceListArguments
    from mlform.cli.session import Session


def run(arguments: WorkspaceListArguments, session: Session) -> int:
    """Print the names of the workspaces."""
    del arguments
    from mlform.operations.workspaces import list_workspaces

    names = list_workspaces(session.environment())
    signs = ("*" if name == session.workspace else " " for name in names)
    shown = zip(signs, names, strict=True)
    session.out.write("".join(f"{sign} {name}\n" for sign, name in shown) + "\n")
    if session.variables.get("MLF_WORKSPACE"):
        session.err.write(
            "The active workspace is being overridden using the MLF_WORKSPACE environment "
            "variable.\n"
        )
    return 0
