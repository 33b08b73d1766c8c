"""`mlform state pull`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlform.cli.arguments import StatePullArguments
    from mlform.cli.session import Session


def run(arguments: StatePullArguments, session: Session) -> int:
    """Print the state as its file holds it; nothing where there is none."""
    del arguments
    from mlform.operations.show import read_state
    from mlform.state.codec import encode_state

    state = read_state(session.environment())
    if state is not None:
        session.out.write(encode_state(state).decode())
    return 0
