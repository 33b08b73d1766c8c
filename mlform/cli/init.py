"""`mlform init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.views.paper import BLANK, Ink, Line, Piece, line, render
from mlform.views.values import shortened

if TYPE_CHECKING:
    from mlform.cli.arguments import InitArguments
    from mlform.cli.session import Session
    from mlform.operations.results import Initialized


def run(arguments: InitArguments, session: Session) -> int:
    """Prepare the folder and say what was pinned."""
    from mlform.operations.initialize import initialize

    done = initialize(session.environment(), upgrade=arguments.upgrade)
    content = [line("Initializing the backend..."), line(f"  The state is kept in {done.backend}.")]
    content += _images(done)
    content += [BLANK, line("mlform has been successfully initialized!", Ink.GOOD)]
    if not session.automation:
        content += [BLANK, line(_NEXT)]
    session.out.write(render(content, color=session.out.color, width=session.out.width))
    return 0


_NEXT = (
    'You may now begin: "mlform plan" shows what would be done. If you change a runtime or the '
    "backend, run this command again."
)


def _images(done: Initialized) -> list[Line]:
    if not done.images:
        return [BLANK, line("No images to pin: every task runs in a process of this Python.")]
    content = [BLANK, line("Pinning images...")]
    for name, image in sorted(done.images.items()):
        verb = "Pinned" if name in done.new_images else "Using"
        pieces = (
            Piece(f"- {verb} "),
            Piece(name, Ink.BOLD),
            Piece(f": {shortened(image.reference)}"),
        )
        content.append(Line(pieces, hang=4))
    if done.new_images:
        content += [BLANK, line(_LOCKED)]
    return content


_LOCKED = (
    "The pins were written to .mlform.lock.hcl. Put this file under version control, so that "
    "everybody's results come from the same images."
)
