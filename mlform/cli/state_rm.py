"""`mlform state rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import lock_wait, read_targets

if TYPE_CHECKING:
    from mlform.cli.arguments import StateRemoveArguments
    from mlform.cli.session import Session


def run(arguments: StateRemoveArguments, session: Session) -> int:
    """Forget objects and say which."""
    from mlform.operations.state import remove

    removed = remove(
        session.environment(),
        read_targets(arguments.address),
        dry_run=arguments.dry_run,
        lock_timeout=lock_wait(arguments.lock_timeout, lock=arguments.lock),
    )
    verb = "Would remove" if arguments.dry_run else "Removed"
    session.out.write("".join(f"{verb} {address}\n" for address in removed))
    if not arguments.dry_run:
        plural = "" if len(removed) == 1 else "s"
        session.out.write(f"Successfully removed {len(removed)} resource instance{plural}.\n")
    return 0
