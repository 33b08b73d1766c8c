"""`mlform logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import read_address

if TYPE_CHECKING:
    from mlform.cli.arguments import LogsArguments
    from mlform.cli.session import Session


def run(arguments: LogsArguments, session: Session) -> int:
    """Print the logs of an object."""
    from mlform.operations.logs import read_logs

    logs = read_logs(
        session.environment(), read_address(arguments.address), attempt=arguments.attempt or None
    )
    if not logs:
        session.err.write(f"{arguments.address} has no log: nothing ran for it here.\n")
    for log in logs:
        if len(logs) > 1:
            session.err.write(f"==> {log.path or arguments.address} <==\n")
        session.out.write(log.text if log.text.endswith("\n") else log.text + "\n")
    return 0
