"""The line that a terminal shows while a command works."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mlform.cli.meanwhile import meanwhile
from mlform.cli.session import Session, Stream


def session(*, terminal: bool) -> tuple[Session, io.StringIO]:
    shown = io.StringIO()
    made = Session(
        folder=Path(),
        data_folder=Path(),
        variables={},
        workspace="default",
        stdin=io.StringIO(),
        out=Stream(io.StringIO()),
        err=Stream(shown, terminal=terminal),
    )
    return made, shown


def test_a_terminal_shows_the_line_until_the_work_is_done() -> None:
    made, shown = session(terminal=True)
    with meanwhile(made, "Planning..."):
        assert shown.getvalue() == "Planning..."
    assert shown.getvalue() == "Planning...\r           \r"


def test_the_line_is_taken_away_once_however_the_work_ends() -> None:
    made, shown = session(terminal=True)
    with meanwhile(made, "Planning...") as clear:
        clear()
        assert shown.getvalue() == "Planning...\r           \r"
    assert shown.getvalue() == "Planning...\r           \r"

    def fail() -> None:
        with meanwhile(made, "Again..."):
            raise ValueError("over")

    with pytest.raises(ValueError, match="over"):
        fail()
    assert shown.getvalue().endswith("Again...\r        \r")


def test_nothing_is_shown_elsewhere() -> None:
    made, shown = session(terminal=False)
    with meanwhile(made, "Planning...") as clear:
        clear()
    assert shown.getvalue() == ""
