"""The canonical form of HCL, rule by rule."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import pytest

from mlform.diagnostics import Source
from mlform.hcl.formatter import format_source

CONFORMANCE = Path(__file__).parents[3].parent / "shared" / "conformance" / "files.json"


def formatted(text: str) -> str:
    result, problems = format_source(Source("main.mlf.hcl", text))
    assert not problems, problems[0]
    return result


def conformance() -> list[dict[str, str]]:
    cases: list[dict[str, str]] = (
        json.loads(CONFORMANCE.read_text(encoding="utf-8")) if CONFORMANCE.is_file() else []
    )
    return [case for case in cases if "formatted" in case]


@pytest.mark.skipif(
    not CONFORMANCE.is_file(), reason=f"the conformance answers are not at {CONFORMANCE}"
)
@pytest.mark.parametrize("case", conformance(), ids=lambda case: case["name"])
def test_conformance(case: dict[str, str]) -> None:
    # The answers were read off standard output, which always ends in a line break.
    text = formatted(case["source"])
    assert (text if text.endswith("\n") else f"{text}\n") == case["formatted"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=1", "a = 1"),
        ("a=x+1*-2", "a = x + 1 * -2"),
        ("a = - 1", "a = -1"),
        ("a=x - - 1", "a = x - -1"),
        ("a=! x", "a = !x"),
        ("a=x?-1:- 2", "a = x ? -1 : -2"),
        ("a=[ 1,2 , 3,]", "a = [1, 2, 3, ]"),
        ("a={b=1,c=2}", "a = { b = 1, c = 2 }"),
        ("a={ }", "a = {}"),
        ("a=f (1 , x ...)", "a = f(1, x...)"),
        ("a=provider :: mlform :: f ( )", "a = provider::mlform::f()"),
        ("a=x . y [ 0 ] . * . z", "a = x.y[0].*.z"),
        ('a="t" [0]', 'a = "t" [0]'),
        ("a=x.0 .1", "a = x.0 .1"),
        ("a=[for x in[1]:x if(x)]", "a = [for x in [1] : x if(x)]"),
        ("a={for k,v in x:k=>v...}", "a = { for k, v in x : k => v... }"),
        ('a="x${ y }%{ if z }%{ endif }"', 'a = "x${y}%{if z}%{endif}"'),
        ('a="x${{b=1}}"', 'a = "x${ { b = 1 } }"'),
        ("a {b=1}", "a { b = 1 }"),
        ("a{}", "a {}"),
        ("a = 1   ", "a = 1   "),
        ("\ta = 1 \t\n", "a = 1\n"),
    ],
)
def test_spaces(text: str, wanted: str) -> None:
    assert formatted(text) == wanted


def test_lines_move_right_by_the_brackets_that_are_open() -> None:
    text = "a {\nb = [{\nc = f(\n1,\n2)\n}]\n# c\n\n  \nd {\n}\n}\n"
    wanted = "a {\n  b = [{\n    c = f(\n      1,\n    2)\n  }]\n  # c\n\n\n  d {\n  }\n}\n"
    assert formatted(text) == wanted


def test_equal_signs_and_comments_of_neighbours_stand_below_each_other() -> None:
    text = (
        "a = 1 # one\nlong = 22 // two\n\nb = 1 # three\nc = [\n1, # four\n22, # five\n]\nd = 1\n"
    )
    wanted = (
        "a    = 1  # one\nlong = 22 // two\n\n"
        "b = 1 # three\nc = [\n  1,  # four\n  22, # five\n]\nd = 1\n"
    )
    assert formatted(text) == wanted


def test_what_is_seen_as_one_character_counts_as_one() -> None:
    assert formatted('a = "e\u0301👨‍👩‍👧" # 1\nb = "xy" # 2\n') == (
        'a = "e\u0301👨‍👩‍👧" # 1\nb = "xy" # 2\n'
    )


def test_comments_stay_where_they_are() -> None:
    text = "/* a */ x /* b */ = /* c */ [ /* d */1 ] /* e */\n#f  \n  // g"
    wanted = "/* a */ x /* b */ = /* c */ [/* d */ 1] /* e */\n#f  \n// g"
    assert formatted(text) == wanted


def test_heredocs_are_untouched_but_for_what_is_code_in_them() -> None:
    text = "a{\nb=<<-EOT\n   x  ${ y }\n  z\n   EOT\nc=1\n}\n"
    wanted = "a {\n  b = <<-EOT\n   x  ${y}\n  z\n   EOT\n  c = 1\n}\n"
    assert formatted(text) == wanted


def test_line_breaks_stay_as_they_are() -> None:
    assert formatted("a=1\r\nbc=2 # x\r\n\r\nd=3\n") == "a  = 1\r\nbc = 2 # x\r\n\r\nd = 3\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('a = "${ x }"', "a = x"),
        ('a = "${~ x ~}"', "a = x"),
        ('a = "${\n  x\n}"', "a = x"),
        ('a = "${f(\n1)}"', "a = (f(\n1))"),
        ('a = "${(x\n)}"', "a = (x\n)"),
        ('a = "${f("${x}")}"', 'a = f("${x}")'),
        ('a = "${<<E\nx\nE\n}"\n', "a = <<E\nx\nE\n"),
        ('a = "${- 1}"', "a = -1"),
        ('a = "x${y}"', 'a = "x${y}"'),
        ('a = "${x}${y}"', 'a = "${x}${y}"'),
        ('a = ["${x}"]', 'a = ["${x}"]'),
        ('a = "%{if x}y%{endif}"', 'a = "%{if x}y%{endif}"'),
        ('variable "x" { type = "string" }', 'variable "x" { type = string }'),
        ("variable x { type = list }", 'variable "x" { type = list(any) }'),
        ('variable "x" { type = "map" }', 'variable "x" { type = map(string) }'),
        ('variable "x" { type = "number" }', 'variable "x" { type = "number" }'),
        ('variable "x" { type = "${map}" }', 'variable "x" { type = "${map}" }'),
        ('b { type = "string" }', 'b { type = "string" }'),
        ('b /* x */ c "d"/* y */{}', 'b "c" "d" /* y */ {}'),
        ('b "\\u00e9\\n\\u200b" "\u00a0" {}', 'b "é\\n\\u200b" "\\u00a0" {}'),
    ],
)
def test_old_ways_to_write_things_become_todays(text: str, wanted: str) -> None:
    assert formatted(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('b "a$b" "$${x}" {}', 'b "a$b" "$${x}" {}'),
        ('a = "${"${x}"}"', "a = x"),
        ('a = "${x # c\n  + y}"\n', "a = (x # c\n+ y)\n"),
        ('a = "${(x)\n + (y)}"\n', "a = ((x)\n+ (y))\n"),
        ('b { a = "${x # c\n}" }\n', 'b { a = "${x # c\n}" }\n'),
    ],
)
def test_where_terraform_breaks_a_text_its_meaning_is_kept(text: str, wanted: str) -> None:
    assert formatted(text) == wanted
    assert formatted(wanted) == wanted


def test_a_text_with_errors_comes_back_with_all_of_them() -> None:
    text = "a = )\nb=1\nc = ]\n"
    result, problems = format_source(Source("main.mlf.hcl", text))
    assert result == text
    assert len(problems) == 2


def test_the_time_it_takes_is_linear() -> None:
    def seconds(blocks: int) -> float:
        text = 'a "b" {\n  c = "${d}"\n  eee = [1, 2] # f\n}\n' * blocks
        begin = process_time()
        formatted(text)
        return process_time() - begin

    seconds(100)
    assert seconds(8000) < 20 * min(seconds(1000) for _ in range(3))
