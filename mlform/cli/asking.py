"""Asking a person on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.views.paper import BLANK, Ink, Line, Piece, line, lines, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlform.cli.session import Session
    from mlform.config.blocks import VariableBlock


def ask(session: Session, content: Sequence[Line]) -> str:
    """Show a question, read a line, return it without what surrounds it."""
    color = session.out.color
    prompt = render([Line((Piece("  Enter a value:", Ink.BOLD),))], color=color, width=None)
    session.out.write(render([*content, BLANK], color=color, width=session.out.width))
    session.out.write(prompt.rstrip("\n") + " ")
    answer = session.stdin.readline()
    if not answer.endswith("\n") or not session.stdin.isatty():
        session.out.write("\n")
    session.out.write("\n")
    return answer.strip()


def ask_variable(session: Session, variable: VariableBlock) -> str:
    """Ask for the value of a variable, as `-var` takes it; a sensitive one is not echoed."""
    content = [line(f"var.{variable.name}", Ink.BOLD)]
    if variable.description:
        content += [Line(item.pieces, hang=2) for item in lines(f"  {variable.description}")]
    if variable.sensitive and session.stdin.isatty():
        from getpass import getpass

        session.out.write(render([*content, BLANK], color=session.out.color, width=None))
        return getpass("  Enter a value: ")
    return ask(session, content)


def confirmed(session: Session, question: Sequence[Line]) -> bool:
    """Ask a question that only `yes` is an answer to; return whether that was given."""
    return ask(session, question) == "yes"
