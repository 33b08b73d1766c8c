"""`mlform validate`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.diagnostics import Severity

if TYPE_CHECKING:
    from mlform.cli.arguments import ValidateArguments
    from mlform.cli.session import Session


def run(arguments: ValidateArguments, session: Session) -> int:
    """Check the configuration and show every problem in it."""
    from mlform.operations.validate import validate

    folder = None if arguments.no_tests else arguments.test_directory
    problems = validate(session.environment(), tests_folder=folder)
    errors = sum(item.severity is Severity.ERROR for item in problems)
    if arguments.json:
        from mlform.views.diagnostics import diagnostics_json

        document = json.dumps(diagnostics_json(problems), indent=2, ensure_ascii=False)
        session.out.write(document + "\n")
        return 1 if errors else 0
    session.report(problems)
    if errors:
        return 1
    from mlform.views.paper import Ink, Line, Piece, render

    tail = ", but there were some validation warnings" if problems else ""
    said = Line((Piece("Success!", Ink.GOOD), Piece(f" The configuration is valid{tail}.")))
    session.out.write(render([said], color=session.out.color, width=session.out.width))
    return 0
