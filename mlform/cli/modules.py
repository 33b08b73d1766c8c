"""`mlform modules`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.digests import short
from mlform.views.paper import Ink, Line, Piece, line, render

if TYPE_CHECKING:
    from mlform.cli.arguments import ModulesArguments
    from mlform.cli.session import Session
    from mlform.operations.installed import InstalledModule


def run(arguments: ModulesArguments, session: Session) -> int:
    """List the modules that the configuration calls."""
    from mlform.operations.get import list_modules

    found = list_modules(session.environment()).modules
    if arguments.json:
        document = {"format_version": "1.0", "modules": [_document(item) for item in found]}
        session.out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return 0
    content = [_line(item) for item in found] or [line("The configuration calls no modules.")]
    session.out.write(render(content, color=session.out.color, width=session.out.width))
    return 0


def _document(module: InstalledModule) -> dict[str, str]:
    """Return a module with the names that `terraform modules -json` has, and two more."""
    return {
        "key": module.key,
        "source": module.source,
        "version": "",
        "dir": module.folder,
        "pin": module.pin,
    }


def _line(module: InstalledModule) -> Line:
    pinned = f", pinned to {short(module.pin)}" if module.pin else ""
    pieces = (
        Piece(module.key, Ink.BOLD),
        Piece(f": {module.source} in {module.folder}{pinned}"),
    )
    return Line(pieces, hang=2)
