"""`mlform init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.init_backend import backend_config, backend_options, tell_backend
from mlform.cli.planning import is_readonly, variable_options
from mlform.cli.telling import Progress, tell
from mlform.views.paper import BLANK, Ink, Line, Piece, line
from mlform.views.values import shortened

if TYPE_CHECKING:
    from mlform.cli.arguments import InitArguments
    from mlform.cli.session import Session
    from mlform.operations.results import Initialized


def run(arguments: InitArguments, session: Session) -> int:
    """Prepare the folder, telling what goes on and what was pinned."""
    from mlform.operations.initialize import InitOptions, initialize

    options = InitOptions(
        upgrade=arguments.upgrade,
        get=arguments.get,
        backend=backend_options(arguments, session) if arguments.backend else None,
        backend_config=backend_config(arguments, session),
        readonly=is_readonly(arguments.lockfile),
        variables=variable_options(arguments.var, session),
    )
    if arguments.from_example:
        tell(session, _copied(arguments.from_example, session))
    verb = "upgrading" if arguments.upgrade else "initializing"
    progress = Progress(
        session=session, heading=f"{verb.capitalize()} modules...", code=f"{verb}_modules_message"
    )
    done = initialize(session.environment(), options, say=progress)
    progress.end()
    session.report(done.warnings)
    if done.backend is not None:
        tell_backend(session, done.backend)
    tell(session, _images(done))
    if done.new_images or done.new_modules:
        tell(session, [line(_LOCKED), BLANK], code="dependencies_lock_changes_info")
    good = line("mlform has been successfully initialized!", Ink.GOOD)
    tell(session, [good], code="output_init_success_message")
    if not session.automation:
        tell(session, [BLANK, line(_NEXT)], code="output_init_success_cli_message")
    return 0


def _copied(name: str, session: Session) -> list[Line]:
    """Copy an example and return what to say of it."""
    from mlform.operations.examples import copy_example

    example = copy_example(name, session.folder)
    files = ", ".join(example.files)
    return [
        Line((Piece(f"Copied the example {example.name}: "), Piece(example.title, Ink.BOLD))),
        line(f"  {files}", hang=2),
        line("  README.md says what it does and how to run it.", hang=2),
        BLANK,
    ]


_NEXT = (
    'You may now begin: "mlform plan" shows what would be done. If you change a runtime, a module '
    "or the backend, run this command again."
)


def _images(done: Initialized) -> list[Line]:
    if not done.images:
        return [line("No images to pin: every task runs in a process of this Python."), BLANK]
    content = [line("Pinning images...")]
    for name, image in sorted(done.images.items()):
        verb = "Pinned" if name in done.new_images else "Using"
        pieces = (
            Piece(f"- {verb} "),
            Piece(name, Ink.BOLD),
            Piece(f": {shortened(image.reference)}"),
        )
        content.append(Line(pieces, hang=4))
    return [*content, BLANK]


_LOCKED = (
    "The pins were written to .mlform.lock.hcl. Put this file under version control, so that "
    "everybody's results come from the same images and modules."
)
