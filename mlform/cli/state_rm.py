"""`mlform state rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.editing import edit_of
from mlform.cli.session import read_targets

if TYPE_CHECKING:
    from mlform.cli.arguments import StateRemoveArguments
    from mlform.cli.session import Session


def run(arguments: StateRemoveArguments, session: Session) -> int:
    """Forget objects and say which."""
    from mlform.operations.state import remove

    targets = read_targets(arguments.address)
    removed = remove(session.environment(), targets, edit_of(arguments, session))
    verb = "Would remove" if arguments.dry_run else "Removed"
    session.out.write("".join(f"{verb} {address}\n" for address in removed))
    if not arguments.dry_run:
        session.out.write(f"Successfully removed {len(removed)} resource instance(s).\n")
    return 0
