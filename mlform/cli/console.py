"""`mlform console`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.planning import variable_options
from mlform.cli.prompting import Prompt, expressions
from mlform.diagnostics import Severity
from mlform.views.values import format_value

if TYPE_CHECKING:
    from mlform.cli.arguments import ConsoleArguments
    from mlform.cli.session import Session


def run(arguments: ConsoleArguments, session: Session) -> int:
    """Read expressions until the end and print their values; piped ones stop at an error."""
    from mlform.operations.console import open_console

    console = open_console(session.environment(), variable_options(arguments.var, session))
    prompt = Prompt(session, console.names()) if session.asks and session.out.terminal else None
    for text in expressions(prompt.ask if prompt else session.stdin.readline):
        if text in {"exit", "quit"}:
            return 0
        value, problems = console.evaluate(text)
        session.report(problems)
        failed = any(item.severity is Severity.ERROR for item in problems)
        if value is not None and not failed:
            session.out.write(format_value(value) + "\n")
        if failed and prompt is None:
            return 1
    return 0
