"""`mlform import`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.planning import asker, is_readonly, variable_options
from mlform.cli.session import lock_wait, read_address
from mlform.views.paper import BLANK, Ink, line, lines, render

if TYPE_CHECKING:
    from mlform.cli.arguments import ImportArguments
    from mlform.cli.session import Session


def run(arguments: ImportArguments, session: Session) -> int:
    """Take an object into the state."""
    from mlform.operations.adopting import ImportOptions, import_object

    address = read_address(arguments.address)
    options = ImportOptions(
        variables=variable_options(arguments.var, session),
        lock_timeout=lock_wait(arguments.lock_timeout, lock=arguments.lock),
        lockfile_readonly=is_readonly(arguments.lockfile),
    )
    record = import_object(session.environment(), address, arguments.id, options, asker(session))
    identity = record.attributes.get("id")
    content = [
        line(f'{address}: Importing from ID "{arguments.id}"...', Ink.BOLD),
        line(f"{address}: Import complete [id={identity}]", Ink.BOLD),
        BLANK,
        line("Import successful!", Ink.GOOD),
        BLANK,
        *lines(_DONE),
    ]
    session.out.write(render(content, color=session.out.color, width=None))
    return 0


_DONE = (
    "The resources that were imported are shown above. These resources are now in\n"
    "your mlform state and will henceforth be managed by mlform."
)
