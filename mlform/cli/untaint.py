"""`mlform untaint`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.tainting import mark

if TYPE_CHECKING:
    from mlform.cli.arguments import TaintArguments
    from mlform.cli.session import Session


def run(arguments: TaintArguments, session: Session) -> int:
    """Take the mark of an object away."""
    if mark(arguments, session, tainted=False):
        session.out.write(
            f"Resource instance {arguments.address} has been successfully untainted.\n"
        )
    return 0
