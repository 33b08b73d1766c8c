"""From the flags of commands that change the state by hand to how it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import lock_wait

if TYPE_CHECKING:
    from mlform.cli.arguments import (
        StateMoveArguments,
        StatePushArguments,
        StateRemoveArguments,
    )
    from mlform.cli.session import Session
    from mlform.operations.state import Edit


def edit_of(
    arguments: StateMoveArguments | StateRemoveArguments | StatePushArguments, session: Session
) -> Edit:
    """Return how the state is changed.

    Raises:
        UsageError: If the time to wait for the lock is none.
    """
    from mlform.operations.state import Edit

    return Edit(
        dry_run=getattr(arguments, "dry_run", False),
        backup=session.path(arguments.backup) if arguments.backup else None,
        lock_timeout=lock_wait(arguments.lock_timeout, lock=arguments.lock),
    )
