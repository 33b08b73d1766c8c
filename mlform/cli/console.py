"""`mlform console`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mlform.cli.planning import variable_options
from mlform.cli.prompting import Terminal, expressions
from mlform.lang.values import Value
from mlform.views.values import format_type, format_value

if TYPE_CHECKING:
    from pathlib import Path

    from mlform.cli.arguments import ConsoleArguments
    from mlform.cli.session import Session
    from mlform.operations.console import Answer, Console

_NO: Final = frozenset({"0", "false", "no", "off"})
_LEAVE: Final = frozenset({"exit", "quit"})
_HINT: Final = 'Type an expression to see its value. Tab completes names; "help" says more.\n'
_HELP: Final = """\
An expression is answered with its value: 1 + 2, upper("a"), var.rate, dataset.titanic.rows.
It may go on in more lines while a bracket, a template or a heredoc is open.

  type(EXPRESSION)    the type of a value
  Tab                 completes variables, locals, resources, attributes and functions
  Up, Ctrl-R          earlier lines
  Ctrl-C              forgets what is typed
  exit, Ctrl-D        leaves

Objects that are not made yet are "(known after apply)". Nothing that is typed changes anything.
"""


def run(arguments: ConsoleArguments, session: Session) -> int:
    """Read expressions until the end and print their values; piped ones stop at an error."""
    from mlform.operations.console import open_console

    console = open_console(
        session.environment(), variable_options(arguments.var, session), planned=arguments.plan
    )
    session.report(console.warnings)
    if session.asks and session.out.terminal:
        return _converse(console, session)
    for text in expressions(session.stdin.readline):
        if text in _LEAVE:
            return 0
        if not _answer(text, console, session):
            return 1
    return 0


def _converse(console: Console, session: Session) -> int:
    session.out.write(_HINT)
    with Terminal(session, console.complete, _history(session)) as terminal:
        while True:
            try:
                text = terminal.read()
                if text is None or text in _LEAVE:
                    return 0
                _ = not text or _answer(text, console, session)
            except KeyboardInterrupt:
                session.out.write("\n")


def _history(session: Session) -> Path | None:
    if session.variables.get("MLF_CONSOLE_HISTORY", "").lower() in _NO:
        return None
    return session.data_folder / "console_history"


def _answer(text: str, console: Console, session: Session) -> bool:
    """Print the value of an expression or what is wrong; return whether there is a value."""
    if text == "help":
        session.out.write(_HELP)
        return True
    answer, problems = console.evaluate(text)
    session.report(problems)
    if answer is not None:
        session.out.write(_shown(answer) + "\n")
    return answer is not None


def _shown(answer: Answer) -> str:
    return format_value(answer) if isinstance(answer, Value) else format_type(answer)
