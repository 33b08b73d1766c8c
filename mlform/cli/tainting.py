"""What taint and untaint share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import lock_wait, read_address
from mlform.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from mlform.cli.arguments import TaintArguments
    from mlform.cli.session import Session


def mark(arguments: TaintArguments, session: Session, *, tainted: bool) -> bool:
    """Mark an object, or take its mark away; return whether there is such an object.

    Raises:
        MlformError: If that cannot be done.
    """
    from mlform.operations.state import Edit
    from mlform.operations.state_taint import NoSuchObject, set_tainted

    address = read_address(arguments.address)
    edit = Edit(lock_timeout=lock_wait(arguments.lock_timeout, lock=arguments.lock))
    try:
        set_tainted(session.environment(), address, edit, tainted=tainted)
    except NoSuchObject as missing:
        if not arguments.allow_missing:
            raise
        warning = Diagnostic(
            severity=Severity.WARNING, summary=missing.summary, detail=missing.detail
        )
        session.report([warning])
        return False
    return True
