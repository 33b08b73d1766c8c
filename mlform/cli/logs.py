"""`mlform logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import read_address

if TYPE_CHECKING:
    from mlform.addresses import ResourceAddress
    from mlform.cli.arguments import LogsArguments
    from mlform.cli.session import Session


def run(arguments: LogsArguments, session: Session) -> int:
    """Print the log of an object, or which there are."""
    from mlform.operations.logs import read_logs

    address = read_address(arguments.address)
    if arguments.list:
        return _list(address, session)
    logs = read_logs(session.environment(), address, attempt=arguments.attempt or None)
    for log in logs:
        session.out.write(log.text if log.text.endswith("\n") else log.text + "\n")
    return 0


def _list(address: ResourceAddress, session: Session) -> int:
    from mlform.machine import memory_text
    from mlform.operations.logs import list_attempts

    found = list_attempts(session.environment(), address)
    width = len(str(found[-1].number))
    for attempt in found:
        size = memory_text(attempt.path.stat().st_size)
        row = f"{attempt.number:>{width}}  {attempt.began}  {size:>10}  {attempt.path}"
        session.out.write(row + "\n")
    return 0
