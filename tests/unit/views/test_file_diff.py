"""The difference between two versions of a file."""

from __future__ import annotations

from difflib import unified_diff

from hypothesis import given
from hypothesis import strategies as st

from mlform.views.file_diff import render_file_diff

texts = st.lists(st.sampled_from("abc"), max_size=30).map(
    lambda lines: "".join(f"{x}\n" for x in lines)
)


def applied(before: list[str], diff: list[str]) -> list[str]:
    """Return the new version that a diff makes of the old one; the old lines have to fit."""
    result: list[str] = []
    at = 0
    for row in diff[2:]:
        if row.startswith("@@"):
            first = row.split(" ")[1].removeprefix("-").split(",")
            start = int(first[0]) - (first[1:] != ["0"])
            result += before[at:start]
            at = start
        elif row[0] == "+":
            result.append(row[1:])
        else:
            assert before[at] == row[1:]
            result += row[1:] if row[0] == " " else ""
            at += 1
    return result + before[at:]


@given(texts, texts)
def test_the_diff_makes_the_new_version_of_the_old_one(before: str, after: str) -> None:
    diff = render_file_diff("x", before, after, color=False)
    assert applied(before.splitlines(), diff.splitlines()) == after.splitlines()
    assert (diff == "") == (before == after)


@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.integers(0, 1))
def test_it_looks_as_the_standard_library_writes_it(
    count: int, changed: set[int], removed: int
) -> None:
    before = [f"{number}" for number in range(count)]
    after = [f"{line}!" if int(line) in changed else line for line in before][removed:]
    wanted = unified_diff(before, after, "old/x", "new/x", lineterm="")
    texts = ("".join(f"{line}\n" for line in lines) for lines in (before, after))
    assert render_file_diff("x", *texts, color=False).splitlines() == list(wanted)


def test_a_missing_last_line_break_is_said() -> None:
    assert render_file_diff("x", "a\nb", "a\nb\n", color=False) == (
        "--- old/x\n+++ new/x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
    )


def test_colours_are_for_terminals() -> None:
    shown = render_file_diff("x", "a \n", "b\n", color=True)
    assert "\x1b[31m-a \x1b[0m" in shown
    assert "\x1b[32m+b\x1b[0m" in shown
