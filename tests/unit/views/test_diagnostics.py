from __future__ import annotations

import json

import pytest

from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, ReferenceValue, Severity, Source, SourceRange
from mlform.views.diagnostics import (
    block_header,
    diagnostic_json,
    diagnostics_json,
    render_diagnostic,
    render_diagnostics,
    render_report,
)

MAIN = """resource "model" "m" {
  max_dept = 4
\ttab\t= "漢字" + x
  items = [
    1,
  ]
}
top = 1
"""


def place(fragment: str, text: str = MAIN) -> SourceRange:
    start = text.index(fragment)
    return SourceRange(Source("main.mlf.hcl", text), start, start + len(fragment))


def shown(range_: SourceRange | None, detail: str = "Why.", width: int = 60) -> str:
    diagnostic = Diagnostic(summary="Wrong", detail=detail, range=range_)
    return render_diagnostic(diagnostic, color=False, width=width)


def test_the_whole_shape() -> None:
    diagnostic = Diagnostic(
        summary="Unsupported argument",
        detail='An argument named "max_dept" is not expected here. Did you mean "max_depth"?',
        range=place("max_dept"),
        address="model.m",
        values=(ReferenceValue(traversal="var.rate", statement="is 3"),),
    )
    assert render_diagnostic(diagnostic, color=False, width=70) == (
        "╷\n"
        "│ Error: Unsupported argument\n"
        "│ \n"
        "│   with model.m,\n"
        '│   on main.mlf.hcl line 2, in resource "model" "m":\n'
        "│    2:   max_dept = 4\n"
        "│         ^^^^^^^^\n"
        "│     ├────────────────\n"
        "│     │ var.rate is 3\n"
        "│ \n"
        '│ An argument named "max_dept" is not expected here. Did you mean\n'
        '│ "max_depth"?\n'
        "╵"
    )


def test_a_warning_without_place_and_detail() -> None:
    diagnostic = Diagnostic(severity=Severity.WARNING, summary="Careful")
    assert render_diagnostic(diagnostic, color=False, width=78) == "╷\n│ Warning: Careful\n╵"


def test_an_address_without_place() -> None:
    text = render_diagnostic(
        Diagnostic(summary="Failed", detail="Why.", address="model.m"), color=False, width=78
    )
    assert text == "╷\n│ Error: Failed\n│ \n│   with model.m,\n│ \n│ Why.\n╵"


def caret_columns(text: str, line: int) -> tuple[str, str]:
    lines = text.split("\n")
    at = next(n for n, each in enumerate(lines) if each.startswith(f"│ {line:4d}: "))
    return lines[at].removeprefix("│ "), lines[at + 1].removeprefix("│ ")


def test_carets_stand_under_tabs_and_wide_characters() -> None:
    source, carets = caret_columns(shown(place('"漢字"')), 3)
    assert source == '   3:     tab = "漢字" + x'
    assert carets == " " * 16 + "^^^^^^"
    _, carets = caret_columns(shown(place("x\n  items")), 3)
    # Two characters of the string take two columns each.
    assert carets.index("^") == len('   3:     tab = "漢字" + ') + 2


def test_combining_characters_take_no_column() -> None:
    _, carets = caret_columns(shown(place("b", "é = b")), 1)
    assert carets == " " * 10 + "^"


def test_a_range_over_several_lines_is_marked_on_each() -> None:
    lines = shown(place("[\n    1,\n  ]")).split("\n")
    assert lines[4:10] == [
        "│    4:   items = [",
        "│                 ^",
        "│    5:     1,",
        "│           ^^",
        "│    6:   ]",
        "│         ^",
    ]


def test_a_long_range_is_cut_in_the_middle() -> None:
    text = "a = [\n" + "  1,\n" * 30 + "]\n"
    lines = shown(place(text.rstrip("\n"), text)).split("\n")
    assert [line for line in lines if ": " in line and line.startswith("│  ")] == [
        "│    1: a = [",
        "│    2:   1,",
        "│    3:   1,",
        "│    4:   1,",
        "│   32: ]",
    ]
    assert "│     …" in lines


def test_an_empty_range_still_has_a_caret() -> None:
    source = Source("main.mlf.hcl", "a = \n")
    _, carets = caret_columns(shown(SourceRange(source, 4, 4)), 1)
    assert carets == " " * 10 + "^"


def test_the_end_of_the_file_can_be_shown() -> None:
    source = Source("main.mlf.hcl", "a = [\n")
    text = shown(SourceRange(source, 6, 6))
    assert "line 2:" in text
    assert "^" not in text


def test_the_context_is_shown_but_not_marked() -> None:
    source = Source("main.mlf.hcl", "a = [\n  1,\n  x,\n]\n")
    diagnostic = Diagnostic(
        summary="Wrong",
        range=SourceRange(source, 13, 14),
        context=SourceRange(source, 4, 17),
    )
    lines = render_diagnostic(diagnostic, color=False, width=0).split("\n")
    assert lines[4:-1] == [
        "│    1: a = [",
        "│    2:   1,",
        "│    3:   x,",
        "│         ^",
        "│    4: ]",
    ]


def test_indented_lines_of_the_detail_are_not_wrapped() -> None:
    detail = "Some words that are wrapped here.\n\n  these words are kept as they are"
    assert shown(None, detail, width=22).split("\n")[3:] == [
        "│ Some words that are",
        "│ wrapped here.",
        "│ ",
        "│   these words are kept as they are",
        "╵",
    ]


def test_zero_width_does_not_wrap() -> None:
    assert "│ " + "word " * 100 + "end" in shown(None, "word " * 100 + "end", width=0)


def test_control_characters_cannot_steer_the_terminal() -> None:
    text = 'a = "\x1b[31m\x9b"\n'
    diagnostic = Diagnostic(
        summary="Wrong \x1b[0m",
        detail="See \x1b]0;x\x07.",
        range=place('"', text),
        values=(ReferenceValue(traversal="a", statement='is "\x1b"'),),
    )
    rendered = render_diagnostic(diagnostic, color=False, width=0)
    assert all(character.isprintable() or character == "\n" for character in rendered)
    assert "␛[31m" in rendered


def test_colour_only_adds_escapes() -> None:
    diagnostic = Diagnostic(
        summary="Wrong",
        detail="Why.",
        range=place("max_dept"),
        values=(ReferenceValue(traversal="a", statement="is 1"),),
    )
    coloured = render_diagnostic(diagnostic, color=True, width=60)
    plain = render_diagnostic(diagnostic, color=False, width=60)
    assert coloured != plain
    stripped = coloured
    for code in ("0", "1", "31", "1;31", "4", "90"):
        stripped = stripped.replace(f"\x1b[{code}m", "")
    assert stripped == plain


def test_several_diagnostics_follow_each_other() -> None:
    one = Diagnostic(summary="One")
    two = Diagnostic(summary="Two")
    assert render_diagnostics([one, two], color=False, width=0) == (
        "╷\n│ Error: One\n╵\n╷\n│ Error: Two\n╵\n"
    )


@pytest.mark.parametrize(
    ("fragment", "header"),
    [
        ("max_dept", 'resource "model" "m"'),
        ("1,", 'resource "model" "m"'),
        ('"m"', 'resource "model" "m"'),
        ("resource", ""),
        ("top", ""),
    ],
)
def test_the_header_of_the_block_around(fragment: str, header: str) -> None:
    assert block_header(place(fragment)) == header


def test_json_counts_bytes_from_zero_and_lines_from_one() -> None:
    start = MAIN.index("x\n  items")
    diagnostic = Diagnostic(
        summary="Wrong",
        detail="Why.",
        range=SourceRange(Source("main.mlf.hcl", MAIN), start, start + 1),
        address="model.m",
        values=(ReferenceValue(traversal="x", statement="is 1"),),
    )
    byte = len(MAIN[:start].encode())
    assert json.loads(json.dumps(diagnostic_json(diagnostic))) == {
        "severity": "error",
        "summary": "Wrong",
        "detail": "Why.",
        "address": "model.m",
        "range": {
            "filename": "main.mlf.hcl",
            "start": {"line": 3, "column": 15, "byte": byte},
            "end": {"line": 3, "column": 16, "byte": byte + 1},
        },
        "snippet": {
            "context": 'resource "model" "m"',
            "code": '\ttab\t= "漢字" + x',
            "start_line": 3,
            "highlight_start_offset": 18,
            "highlight_end_offset": 19,
            "values": [{"traversal": "x", "statement": "is 1"}],
        },
    }


def test_json_of_several_lines_has_them_all() -> None:
    document = diagnostic_json(Diagnostic(summary="Wrong", range=place("[\n    1,\n  ]")))
    assert document["snippet"] == {
        "context": 'resource "model" "m"',
        "code": "  items = [\n    1,\n  ]",
        "start_line": 4,
        "highlight_start_offset": 10,
        "highlight_end_offset": 22,
        "values": [],
    }


def test_json_without_place_has_no_range() -> None:
    assert diagnostic_json(Diagnostic(severity=Severity.WARNING, summary="Careful")) == {
        "severity": "warning",
        "summary": "Careful",
        "detail": "",
    }


def test_the_document_of_validate() -> None:
    warning = Diagnostic(severity=Severity.WARNING, summary="Careful")
    document = diagnostics_json([warning, Diagnostic(summary="Wrong")])
    assert (document["valid"], document["error_count"], document["warning_count"]) == (False, 1, 1)
    assert diagnostics_json([warning])["valid"] is True


def test_a_report_says_warnings_first_and_errors_by_place() -> None:
    text = "a = 1\nb = 2\n"
    problems = [
        Diagnostic(summary="Second", range=place("b", text)),
        Diagnostic(summary="First", range=place("a", text)),
        Diagnostic(summary="Careful", severity=Severity.WARNING, range=place("b", text)),
        Diagnostic(summary="Without place"),
    ]
    shown_report = render_report(problems, color=False, width=60)
    titles = [line[2:] for line in shown_report.split("\n") if "Error: " in line or "Warn" in line]
    assert titles == ["Warning: Careful", "Error: Without place", "Error: First", "Error: Second"]


def test_what_fails_alike_for_many_instances_is_said_once() -> None:
    at = place("max_dept")
    problems = [
        Diagnostic(summary="Failed", detail="Why.", range=at, address=f"m.a[{number}]")
        for number in range(3)
    ]
    report = render_report(problems, color=False, width=60)
    assert report.count("Error: Failed") == 1
    assert "with m.a[0] and 2 more like it," in report
    apart = [replace(item, range=None) for item in problems]
    assert render_report(apart, color=False, width=60).count("Error: Failed") == 3


def test_of_a_flood_only_the_beginning_is_shown() -> None:
    errors = [Diagnostic(summary=f"Error {number}") for number in range(250)]
    warning = Diagnostic(summary="Careful", severity=Severity.WARNING)
    report = render_report([*errors, warning], color=False, width=60)
    assert report.count("╷") == 100
    assert report.endswith("150 more errors and 1 more warning not shown. Mend these first.\n")
    assert "not shown" not in render_report(errors[:100], color=False, width=60)


@pytest.mark.parametrize("begin", [0, 30, 500, 990, 999])
def test_a_long_line_is_cut_around_the_place(begin: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(1000)) + "\n"
    source = Source("main.mlf.hcl", text)
    lines = shown(SourceRange(source, begin, begin + 1), width=60).split("\n")
    code, carets = lines[4].removeprefix("│ "), lines[5].removeprefix("│ ")
    assert max(len(code), len(carets)) <= 60
    assert carets.strip() == "^"
    assert code[carets.index("^")] == text[begin]


def test_a_long_line_of_wide_characters_is_cut_to_its_columns() -> None:
    source = Source("main.mlf.hcl", "漢" * 1000 + "x")
    code, carets = caret_columns(shown(SourceRange(source, 1000, 1001), width=60), 1)
    assert code.endswith("漢x")
    assert 6 + 1 + (len(code) - 8) * 2 + 1 <= 60
    assert carets.strip() == "^"
