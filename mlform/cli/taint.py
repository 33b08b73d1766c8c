"""`mlform taint`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.tainting import mark

if TYPE_CHECKING:
    from mlform.cli.arguments import TaintArguments
    from mlform.cli.session import Session


def run(arguments: TaintArguments, session: Session) -> int:
    """Mark an object to be made anew by the next apply."""
    if mark(arguments, session, tainted=True):
        session.out.write(f"Resource instance {arguments.address} has been marked as tainted.\n")
    return 0
