"""Asking a person on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.errors import UsageError
from mlform.views.paper import BLANK, Ink, Line, Piece, line, lines, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlform.cli.session import Session
    from mlform.config.blocks import VariableBlock


def ask(session: Session, content: Sequence[Line]) -> str:
    """Show a question, read a line, return it without what surrounds it; empty if there is none."""
    return _line(session, content).strip()


def _line(session: Session, content: Sequence[Line]) -> str:
    color = session.out.color
    prompt = render([Line((Piece("  Enter a value:", Ink.BOLD),))], color=color, width=None)
    session.out.write(render([*content, BLANK], color=color, width=session.out.width))
    session.out.write(prompt.rstrip("\n") + " ")
    answer = session.stdin.readline()
    if not answer.endswith("\n") or not session.stdin.isatty():
        session.out.write("\n")
    session.out.write("\n")
    return answer


def ask_variable(session: Session, variable: VariableBlock) -> str:
    """Ask for the value of a variable, as `-var` takes it; a sensitive one is not echoed.

    Raises:
        UsageError: If the input ends instead: that is no value, not even an empty one.
    """
    content = [line(f"var.{variable.name}", Ink.BOLD)]
    if variable.description:
        content += [Line(item.pieces, hang=2) for item in lines(f"  {variable.description}")]
    if variable.sensitive and session.stdin.isatty():
        from getpass import getpass

        session.out.write(render([*content, BLANK], color=session.out.color, width=None))
        try:
            return getpass("  Enter a value: ")
        except EOFError:
            session.err.write("\n")
            raise _unanswered(variable) from None
    answer = _line(session, content)
    if not answer:
        raise _unanswered(variable)
    return answer.strip()


def _unanswered(variable: VariableBlock) -> UsageError:
    name = variable.name
    detail = (
        f'The input ended before the variable "{name}" had a value, and it has no default. Give it '
        f'one with -var="{name}=...", in a file with -var-file, or in the environment as '
        f"MLF_VAR_{name}."
    )
    return UsageError("No value for required variable", detail)


def confirmed(session: Session, question: Sequence[Line]) -> bool:
    """Ask a question that only `yes` is an answer to; return whether that was given."""
    return ask(session, question) == "yes"
