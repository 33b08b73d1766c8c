"""`mlform workspace delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import lock_wait
from mlform.views.paper import Ink, line, lines, render

if TYPE_CHECKING:
    from mlform.cli.arguments import WorkspaceDeleteArguments
    from mlform.cli.session import Session


def run(arguments: WorkspaceDeleteArguments, session: Session) -> int:
    """Remove a workspace."""
    from mlform.operations.workspaces import delete_workspace

    name = arguments.name
    deleted = delete_workspace(
        session.environment(),
        name,
        force=arguments.force,
        lock_timeout=lock_wait(arguments.lock_timeout, lock=arguments.lock),
    )
    content = [line(f'Deleted workspace "{name}"!', Ink.GOOD)]
    if not deleted.was_empty:
        content += lines(
            f'WARNING: "{name}" was non-empty.\n'
            "The resources managed by the deleted workspace may still exist,\n"
            "but are no longer manageable by mlform since the state has\n"
            "been deleted.",
            Ink.CHANGE,
        )
    session.out.write(render(content, color=session.out.color, width=None))
    return 0
