"""What a program printed last, fit for a terminal."""

from __future__ import annotations

from pathlib import Path

from mlform.printed import LINES, last_lines, shown_lines, without_end


def test_the_end_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert last_lines(path) == ()
    path.write_text("\n \n")
    assert last_lines(path) == ()
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    found = last_lines(path)
    assert len(found) == LINES
    assert found[-1] == "line 4999"


def test_lines_are_bounded_and_broken_bytes_survive(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 1_000_000 + b"\xff")
    (line,) = last_lines(path)
    assert len(line) == 200
    assert line.endswith("…")


def test_nothing_steers_the_terminal() -> None:
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[1;1Hhome\x07\x00\u202eright\u2028x"
    assert shown_lines(text) == ("red homerightx",)


def test_of_a_progress_bar_the_last_version_counts() -> None:
    assert shown_lines("  0%|\r 50%|\r100%|\r\ndone\r\n") == ("100%|", "done")


def test_tabs_become_spaces() -> None:
    assert shown_lines("a\tb") == ("a   b",)


def test_a_problem_that_is_told_anyway_is_cut_off() -> None:
    lines = ("before", "It failed: Traceback", "  line 1", "KeyError: x")
    assert without_end(lines, "Traceback\n  line 1\nKeyError: x") == ("before",)
    assert without_end(lines, "KeyError: x") == lines[:3]
    assert without_end(lines, "KeyError: y") == lines
    assert without_end(lines, "") == lines
    assert without_end((), "KeyError: x") == ()
