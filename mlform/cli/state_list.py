"""`mlform state list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.addresses import covers, print_target
from mlform.cli.session import read_targets
from mlform.errors import UsageError
from mlform.state.snapshot import CURRENT

if TYPE_CHECKING:
    from mlform.cli.arguments import StateListArguments
    from mlform.cli.session import Session


def run(arguments: StateListArguments, session: Session) -> int:
    """Print the addresses of the objects."""
    from mlform.operations.show import existing_state

    targets = read_targets(arguments.address)
    state = existing_state(session.environment())
    objects = state.in_order
    for target in targets:
        if not any(covers(target, record.address) for _, record in objects):
            name = print_target(target)
            raise UsageError(
                "Unknown resource",
                f"The current state contains no {name}. If you've just added it to the "
                'configuration, you must run "mlform apply" first to create its entry in the '
                "state.",
            )
    for key, record in objects:
        wanted = not targets or any(covers(target, record.address) for target in targets)
        if wanted and arguments.id in {"", record.attributes.get("id")}:
            deposed = "" if key == CURRENT else f" (deposed object {key})"
            session.out.write(f"{record.address}{deposed}\n")
    return 0
