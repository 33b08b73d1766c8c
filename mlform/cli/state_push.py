"""`mlform state push`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.editing import edit_of

if TYPE_CHECKING:
    from mlform.cli.arguments import StatePushArguments
    from mlform.cli.session import Session


def run(arguments: StatePushArguments, session: Session) -> int:
    """Make a document the state."""
    from mlform.operations.state import parse_state, push, read_state_file

    environment = session.environment()
    if arguments.path == "-":
        content = session.stdin.read().encode(errors="surrogateescape")
        pushed = parse_state(environment, content, "standard input")
    else:
        pushed = read_state_file(environment, session.path(arguments.path))
    edit = edit_of(arguments, session)
    push(environment, pushed, force=arguments.force, edit=edit)
    return 0
