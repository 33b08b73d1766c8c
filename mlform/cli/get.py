"""`mlform get`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.planning import is_readonly, variable_options
from mlform.cli.telling import Progress

if TYPE_CHECKING:
    from mlform.cli.arguments import GetArguments
    from mlform.cli.session import Session


def run(arguments: GetArguments, session: Session) -> int:
    """Install the modules, telling what goes on."""
    from mlform.operations.get import get_modules

    get_modules(
        session.environment(),
        say=Progress(session=session),
        upgrade=arguments.update,
        readonly=is_readonly(arguments.lockfile),
        options=variable_options(arguments.var, session),
    )
    return 0
