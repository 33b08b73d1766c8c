"""`mlform refresh`: apply -refresh-only -auto-approve under its old name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.dataclass import attributes

if TYPE_CHECKING:
    from mlform.cli.arguments import RefreshArguments
    from mlform.cli.session import Session


def run(arguments: RefreshArguments, session: Session) -> int:
    """Take what changed outside of mlform into the state."""
    from mlform.cli.apply import run as apply
    from mlform.cli.arguments import ApplyArguments

    given = {name: getattr(arguments, name) for name in attributes(type(arguments))}
    return apply(ApplyArguments(**given, refresh_only=True, auto_approve=True), session)
