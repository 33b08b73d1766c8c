"""`mlform state mv`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.addresses import print_target
from mlform.cli.editing import edit_of
from mlform.cli.session import read_targets
from mlform.views.values import quoted

if TYPE_CHECKING:
    from mlform.cli.arguments import StateMoveArguments
    from mlform.cli.session import Session


def run(arguments: StateMoveArguments, session: Session) -> int:
    """Call objects differently and say which."""
    from mlform.operations.state import move

    source, target = read_targets((arguments.source, arguments.destination))
    moves = move(session.environment(), source, target, edit_of(arguments, session))
    verb = "Would move" if arguments.dry_run else "Move"
    ends = (quoted(print_target(source)), quoted(print_target(target)))
    session.out.write(f"{verb} {ends[0]} to {ends[1]}\n")
    if not arguments.dry_run:
        session.out.write(f"Successfully moved {len(moves)} object(s).\n")
    return 0
