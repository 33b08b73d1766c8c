"""Lines that are wrapped to the width of a terminal."""

from __future__ import annotations

import pytest

from mlform.views.paper import Ink, Line, Piece, columns, line, wrap


def wrapped(text: str, width: int, hang: int = 4) -> list[str]:
    return [item.text.rstrip() for item in wrap(line(text, hang=hang), width)]


def test_words_that_do_not_fit_go_on_below() -> None:
    assert wrapped("  # one two three", 10) == ["  # one", "    two", "    three"]


def test_a_word_that_fits_nowhere_stays_where_it_is() -> None:
    long = "x" * 20
    assert wrapped(f"  # {long} will be created", 12) == [
        f"  # {long}",
        "    will be",
        "    created",
    ]


def test_a_bracket_stays_behind_a_word_that_was_too_long() -> None:
    long = "x" * 20
    assert wrapped(f'  + resource "{long}" {{', 14) == [f'  + resource "{long}" {{']


def test_wide_letters_take_two_columns() -> None:
    assert columns("漢字a") == 5
    assert columns("e\u0301") == 1
    assert wrapped("    漢字 漢字 漢字", 12) == ["    漢字", "    漢字", "    漢字"]


def test_a_blank_that_would_be_one_column_too_many_is_left_out() -> None:
    item = Line((Piece("1234", Ink.BOLD), Piece(" -> ", Ink.CHANGE), Piece("5")), hang=2)
    assert [row.text for row in wrap(item, 4)] == ["1234", "  ->", "  5"]


@pytest.mark.parametrize("width", [None, 100])
def test_what_fits_is_left_alone(width: int | None) -> None:
    item = Line((Piece("a  b"), Piece(" c")))
    assert wrap(item, width) == [item]
