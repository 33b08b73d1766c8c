"""`mlform workspace show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlform.cli.arguments import WorkspaceShowArguments
    from mlform.cli.session import Session


def run(arguments: WorkspaceShowArguments, session: Session) -> int:
    """Print the name of the workspace in use."""
    del arguments
    session.out.write(f"{session.workspace}\n")
    return 0
