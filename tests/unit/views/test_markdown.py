"""Plans as Markdown: what stands where, and what goes first where there is no room."""

from __future__ import annotations

import re

import pytest

from mlform.addresses import ResourceAddress
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Severity
from mlform.plan.changes import Action, Change, Mode, OutputChange, Plan
from mlform.views.markdown import LIMIT, render_markdown
from mlform.views.markup import cell, code, cut, fence, prose, prose_in_html, size
from tests.markdown import read_comment
from tests.unit.views import plans


def many(count: int, *changes: Change) -> Plan:
    """A plan of so many changes, made of these by turns."""
    return plans.plan(
        *(
            replace(change, address=ResourceAddress(change.address.kind, f"x{number}"))
            for number in range(count)
            for change in [changes[number % len(changes)]]
        )
    )


def test_first_the_totals_then_a_row_for_each_change() -> None:
    text = render_markdown(plans.whole())
    assert text.startswith("### Plan: 2 to add, 3 to change, 2 to destroy.\n\n| Action | Object |")
    assert read_comment(text).cells == [
        ["+ create", "dataset.titanic", "not in the state", "", ""],
        ["~ reuse", "split.titanic", "seed changed from 7 to 8", "", "from cache"],
        ["~ rebuild", "model.survival", "max_depth changed from 4 to 6", "12s", ""],
        ["~ rebuild", "evaluation.survival", "if model.survival changes", "0.8s", ""],
        ["+/- replace", "endpoint.survival", "port changed from 8080 to 8081", "", ""],
        ["- destroy", 'model.old["a b"]', "it is no longer in the configuration", "", ""],
    ]


def test_everything_else_is_folded() -> None:
    warning = Diagnostic(severity=Severity.WARNING, summary="Gate not passed", detail="By far.")
    comment = read_comment(render_markdown(replace(plans.whole(), warnings=(warning,))))
    assert comment.summaries == [
        "Warnings (1)",
        "Objects have changed outside of mlform (1)",
        "+ dataset.titanic will be created",
        "~ split.titanic will be rebuilt (from cache)",
        "~ model.survival will be rebuilt",
        "~ evaluation.survival will be rebuilt if model.survival changes",
        "+/- endpoint.survival must be replaced",
        '- model.old["a b"] will be destroyed',
        "Changes to outputs",
    ]
    assert "By far." in comment.fences[0]
    assert "was entered at 10:02" in comment.fences[1]
    assert comment.fences[6] == (
        "# because port changed from 8080 to 8081\n"
        "# runs on runtime.docker.default\n"
        '! +/- resource "endpoint" "survival" {\n'
        "!     port  = 8080 -> 8081 # forces replacement\n"
        "!     token = (sensitive value)\n"
        '!     url   = "http://127.0.0.1:8080" -> (known after apply)\n'
        "      # (1 unchanged attribute hidden)\n"
        "  }\n"
    )
    assert "secret" not in "".join(comment.fences)
    assert "Expected: about 13s: model.survival, then evaluation.survival." in comment.loose


def test_columns_without_content_are_left_out() -> None:
    text = render_markdown(plans.plan(plans.removal()))
    assert "| Action | Object | Why |\n" in text


def test_nothing_to_do() -> None:
    assert render_markdown(plans.plan(plans.kept())) == "### No changes.\n"


def test_only_outputs_change() -> None:
    output = OutputChange(name="a", action=Action.CREATE, before=None, after=1)
    text = render_markdown(plans.plan(outputs=(output,)))
    assert text.startswith(
        "### Plan: 0 to add, 0 to change, 0 to destroy.\n\nOnly outputs change; nothing runs.\n"
    )
    assert read_comment(text).fences == ["+ a = 1\n"]


def test_a_plan_that_only_takes_note_says_so() -> None:
    plan = replace(plans.whole(), mode=Mode.REFRESH_ONLY, changes=(), outputs={})
    text = render_markdown(plan)
    assert "This is a refresh-only plan" in text
    assert "was entered at 10:02" in text


def test_details_go_before_rows_and_those_that_create_before_those_that_destroy() -> None:
    plan = many(240, plans.creation(), plans.removal())
    text = render_markdown(plan, command="mlform show ci.plan")
    assert LIMIT * 0.95 < size(text) <= LIMIT
    comment = read_comment(text)
    assert len(comment.cells) == 240
    shown = [title for title in comment.summaries if "destroyed" in title]
    assert len(shown) == 120
    created = len(comment.summaries) - len(shown)
    assert 0 < created < 120
    left_out = f"There is no room here for the details of {120 - created} objects: "
    assert f"{left_out}`mlform show ci.plan` shows all.\n" in text


def test_of_very_many_rows_the_least_telling_go() -> None:
    plan = many(3000, plans.creation(), *[plans.reuse()] * 4, plans.replacement())
    text = render_markdown(replace(plan, drift=plans.whole().drift))
    assert LIMIT * 0.95 < size(text) <= LIMIT
    comment = read_comment(text)
    kept = [cells[0] for cells in comment.cells]
    assert kept.count("+/- replace") == 500
    assert "~ reuse" not in kept
    found = re.search(r"no room here for ([\d,]+) objects more \(([^)]*)\)", text)
    assert found
    assert found[1] == f"{3000 - len(kept):,}"
    assert found[2] == f"{500 - kept.count('+ create')} to create, 2,000 to reuse"
    assert comment.summaries == ["Objects have changed outside of mlform (1)"]
    numbers = [int(cells[1].partition(".x")[2]) for cells in comment.cells]
    assert numbers == sorted(numbers)


def test_one_enormous_change_is_cut_in_itself() -> None:
    change = replace(plans.creation(), after={f"k{at:05}": "v" * 400 for at in range(1000)})
    text = render_markdown(plans.plan(change))
    (block,) = read_comment(text).fences
    assert size(text) < LIMIT / 3
    lines = block.splitlines()
    assert lines[-1] == f"  ({1005 - len(lines) + 1:,} more lines)"
    assert lines[5].endswith("v…")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", "`a`"),
        ("a`b", "`` a`b ``"),
        ("``", "``` `` ```"),
        (" a", "`  a `"),
        ("a\nb\x1b\u202e", "`a\\nb\\x1b\\u202e`"),
        ("", "`   `"),
    ],
)
def test_code_is_read_as_it_is(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("max_depth changed from 4 to 6", "max\\_depth changed from 4 to 6"),
        ("<b>", "\\<b\\>"),
        ("two words: more", "two words: more"),
        ("by @somebody", "`by @somebody`"),
        ("see #12", "`see #12`"),
        ("at https://x.example", "`at https://x.example`"),
        ("as :tada:", "`as :tada:`"),
        ("commit 0123abc", "`commit 0123abc`"),
    ],
)
def test_sentences_are_text_unless_a_site_could_make_something_of_them(
    text: str, shown: str
) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", "`a \\| b`"),
        (r"a \| @b", r"`a \\u007c @b`"),
        (r"a \\| @b", r"`a \\\| @b`"),
        (r"a \\\|| @b", r"`a \\\\u007c\| @b`"),
    ],
)
def test_a_bar_ends_no_cell_whatever_stands_before_it(text: str, shown: str) -> None:
    assert cell(code(text)) == shown
    table = f"| a | b |\n| --- | --- |\n| {cell(code(text))} | c |\n"
    (cells,) = read_comment(table).cells
    assert len(cells) == 2
    assert cells[0].replace(r"\u007c", "|") == text


def test_text_in_html_is_escaped() -> None:
    assert prose_in_html("a < b") == "a &lt; b"
    assert prose_in_html("if <x>@y changes") == "<code>if &lt;x&gt;@y changes</code>"


def test_a_fence_is_longer_than_what_is_in_it() -> None:
    assert fence(["a", "````"], "diff") == "`````diff\na\n````\n`````"


def test_lengths_are_counted_as_sites_count_them() -> None:
    assert size("aé🙂") == 4
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"
