"""`mlform force-unlock`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.asking import confirmed
from mlform.errors import UsageError
from mlform.views.paper import BLANK, Ink, Line, line, lines, render

if TYPE_CHECKING:
    from mlform.backends.base import LockInfo
    from mlform.cli.arguments import ForceUnlockArguments
    from mlform.cli.session import Session


def run(arguments: ForceUnlockArguments, session: Session) -> int:
    """Ask, and take the lock from its holder."""
    from mlform.cli.failures import Declined
    from mlform.operations.locks import force_unlock, lock_holder

    environment = session.environment()
    if not arguments.force:
        if not session.asks:
            raise UsageError(
                "Confirmation is needed",
                "Nobody can be asked here. Run it on a terminal, or give -force.",
            )
        question = _question(lock_holder(environment), session.workspace)
        if not confirmed(session, question):
            raise Declined("force-unlock cancelled", "The answer was not 'yes'; the lock stays.")
    force_unlock(environment, arguments.lock_id)
    content = [line("The state has been successfully unlocked!", Ink.GOOD), BLANK, *lines(_DONE)]
    session.out.write(render(content, color=session.out.color, width=None))
    return 0


def _question(holder: LockInfo | None, workspace: str) -> list[Line]:
    who = "  Nobody holds it now."
    if holder is not None:
        who = (
            f"  {holder.who} (process {holder.pid}) holds it for {holder.operation} since "
            f"{holder.created}."
        )
    return [
        line("Do you really want to force-unlock?", Ink.BOLD),
        line(f'  mlform will remove the lock on the state of the workspace "{workspace}".'),
        line(who),
        line("  This will allow other commands to modify this state, even though it"),
        line("  may still be in use. Only 'yes' will be accepted to confirm."),
    ]


_DONE = (
    "The state has been unlocked, and mlform commands should now be able to\n"
    "obtain a new lock on the state."
)
