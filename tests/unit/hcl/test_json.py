"""The JSON syntax: trees, places, what is a block, and what is wrong."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from mlform.diagnostics import Diagnostic, Source
from mlform.hcl.ast import Block, Body, Expression, Literal
from mlform.hcl.cursor import MAX_DEPTH
from mlform.hcl.json_syntax import parse_json
from mlform.hcl.json_tree import JsonProperty, bare, blocks_of, json_problems, literal, with_blocks
from mlform.hcl.parser import parse_expression
from tests.printer import print_expression


def read(text: str) -> Body:
    body, problems = parse_json(Source("main.mlf.json", text))
    assert not problems, problems
    return body


def only(text: str) -> JsonProperty:
    (attribute,) = read(text).attributes
    assert isinstance(attribute, JsonProperty)
    return attribute


def blocks(text: str, *labels: str) -> tuple[Block, ...]:
    found, problems = blocks_of(only(text), labels)
    assert not problems, problems
    return found


def expression(text: str) -> Expression:
    tree, problems = parse_expression(Source("x", text))
    assert tree is not None, problems
    return tree


def faults(text: str) -> list[tuple[str, str]]:
    _, problems = parse_json(Source("main.mlf.json", text))
    return [said(problem) for problem in problems]


def said(problem: Diagnostic) -> tuple[str, str]:
    assert problem.range is not None
    return problem.summary, problem.range.text


def test_properties_are_attributes_with_their_places() -> None:
    first, second = read('{"a": 1,\n  "b": ["x", {"y": null}]}').attributes
    assert (first.name, first.range.text, first.name_range.text) == ("a", '"a": 1', '"a"')
    assert (second.name_range.start.line, second.name_range.start.column) == (2, 3)
    assert second.expression.range.text == '["x", {"y": null}]'
    assert second.expression == expression('["x", { y = null }]')


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('"${var.a}"', '"${var.a}"'),
        ('"a ${b.c[0]} %{ if d }e%{ endif }"', '"a ${b.c[0]} %{ if d }e%{ endif }"'),
        (r'"${a[\"k\"]}\n"', r'"${a["k"]}\n"'),
        (r'"\u00e9\ud83d\ude00\/"', '"é😀/"'),
        (r'"\ud83d x"', '"\ufffd x"'),
        ('"e\u0301"', '"é"'),
        ('"$${a} $ %"', '"$${a} $ %"'),
        ('{"${a}": 1, "b-c": true}', '{ "${a}" = 1, b-c = true }'),
        ("[]", "[]"),
        ('""', '""'),
    ],
)
def test_strings_are_templates(text: str, same: str) -> None:
    assert only(f'{{"x": {text}}}').expression == expression(same)


@pytest.mark.parametrize("text", ["0", "-7", "12345678901234567890123", "0.1", "-1.5e-7", "1E3"])
def test_numbers_are_exact(text: str) -> None:
    found = only(f'{{"x": {text}}}').expression
    assert isinstance(found, Literal)
    assert not isinstance(found.value, (bool, type(None)))
    assert Decimal(found.value) == Decimal(text)


def test_places_inside_strings_are_those_of_the_file() -> None:
    text = '{\n  "x": "a \\"q\\" ${upper(var.name)}"\n}'
    template = only(text).expression
    call = print_expression(template)
    assert call == '"a \\"q\\" ${upper(var.name)}"'
    assert [part.range.text for part in getattr(template, "parts", ())][1] == "${upper(var.name)}"


def test_what_is_wrong_in_a_template_is_said_when_it_is_wanted_as_one() -> None:
    attribute = only('{\n  "x": {"a": ["\\t ${1 +}"]}}')
    (problem,) = json_problems([attribute])
    assert said(problem) == ("Invalid expression", "}")
    assert problem.range is not None
    assert problem.range.start.line == 2
    assert list(json_problems([attribute], no_templates=("x",))) == []
    assert literal(attribute.value) == expression('{ a = ["\\t $${1 +}"] }')


def test_strings_that_hold_expressions() -> None:
    attribute = only('{"x": ["a.b[\\"c\\"]", {"k": "list(string)"}, 1]}')
    assert bare(attribute.value) == (expression('[a.b["c"], { k = list(string) }, 1]'), ())
    found, problems = bare(only('{"x": "a b"}').value)
    assert found is None
    assert [said(problem) for problem in problems] == [("Extra characters after expression", "b")]


def test_labels_are_levels_of_objects_and_arrays_are_several_blocks() -> None:
    text = (
        """{"resource": [{"kind": {"a": {"x": 1}, "b": [{}, {"y": 2}]}}, {"other": {"c": {}}}]}"""
    )
    found = blocks(text, "kind", "name")
    assert [block.labels for block in found] == [
        ("kind", "a"),
        ("kind", "b"),
        ("kind", "b"),
        ("other", "c"),
    ]
    assert [[item.name for item in block.body.attributes] for block in found] == [
        ["x"],
        [],
        ["y"],
        [],
    ]
    assert found[0].range.text == '"a"'
    assert [place.text for place in found[0].label_ranges] == ['"kind"', '"a"']
    assert found[0].type_range.text == '"resource"'


def test_null_is_no_block_and_bodies_may_be_split() -> None:
    assert blocks('{"lifecycle": null}') == ()
    assert blocks('{"a": {"x": null}}', "name") == ()
    (block,) = blocks('{"a": {"n": [[{"x": 1}, {"y": 2}]]}}', "name")
    assert [item.name for item in block.body.attributes] == ["x", "y"]


def test_a_file_may_be_an_array_and_comments_are_left_out() -> None:
    body = read('[{"//": "c", "a": 1}, {"b": {"//": 1, "n": {"//": [], "c": 2}}}]')
    assert [item.name for item in body.attributes] == ["a", "b"]
    sorted_, problems = with_blocks(body, {"b": ("name",)})
    assert problems == ()
    assert [item.name for item in sorted_.attributes] == ["a"]
    (block,) = sorted_.blocks
    assert block.labels == ("n",)
    assert [item.name for item in block.body.attributes] == ["c"]


@pytest.mark.parametrize(
    ("text", "labels", "wanted"),
    [
        ('{"a": 1}', (), ("Incorrect JSON value type", "1")),
        ('{"a": [1]}', (), ("Incorrect JSON value type", "1")),
        ('{"a": "x"}', ("name",), ("Incorrect JSON value type", '"x"')),
        ('{"a": {}}', ("name",), ("Missing block label", "{}")),
        ('{"a": null}', ("name",), ("Missing block label", "null")),
        ('{"a": {"n": "x"}}', ("name",), ("Incorrect JSON value type", '"x"')),
    ],
)
def test_what_is_no_block(text: str, labels: tuple[str, ...], wanted: tuple[str, str]) -> None:
    _, problems = blocks_of(only(text), labels)
    assert [said(problem) for problem in problems] == [wanted]


def test_names_given_twice() -> None:
    body = read('{"a": 1, "b": {"k": 1, "k": 2}, "a": 2}')
    assert [said(problem) for problem in json_problems(body.attributes)] == [
        ("Duplicate object attribute", '"k"'),
        ("Duplicate argument", '"a"'),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", [("Missing value", "")]),
        ('{"a": }', [("Invalid start of value", "}")]),
        ('{"a": 1', [("Unclosed object", "{")]),
        ('{"a": [1', [("Unclosed array", "[")]),
        ('{"a": 1} x', [("Extraneous data after value", "x")]),
        ('{"a": [1 2], "b": 01}', [
            ("Missing attribute separator comma", "2"),
            ("Invalid JSON number", "01"),
        ]),
        ('{"a": [1, 2}', [("Mismatched brackets", "}")]),
        ('{"a": {"b": 1]}', [("Mismatched braces", "]")]),
        ('{"a": 1,}', [("Trailing comma in object", ",")]),
        ('{"a": [1,]}', [("Trailing comma in array", ",")]),
        ('{"a" 1, "b" = 2, c: 3}', [
            ("Missing property value colon", "1"),
            ("Missing property value colon", "="),
            ("Invalid object property name", "c"),
        ]),
        ('{"a": True, "b": nul, "c": NaN}', [
            ("Invalid JSON keyword", "True"),
            ("Invalid JSON keyword", "nul"),
            ("Invalid JSON keyword", "NaN"),
        ]),
        ('{"a": "x\ny", "b": 1}', [("Invalid JSON string", '"x')]),
        (r'{"a": "\q \u00"}', [("Invalid JSON string", r"\q"), ("Invalid JSON string", r"\u")]),
        ("{'a': 1}", [("Invalid character", "'")]),
        ('{"a": \0}', [("Invalid character", "\0")]),
        ('{\n// c\n"a": 1}', [("Invalid JSON comment", "//")]),
        ('{"a": 1e999999999999999999999}', [
            ("Invalid JSON number", "1e999999999999999999999"),
        ]),
        ("1", [("Root value must be object", "1")]),
        ("null", [("Root value must be object", "null")]),
        ("[null]", [("Incorrect JSON value type", "null")]),
    ],
)  # fmt: skip
def test_errors_of_syntax(text: str, wanted: list[tuple[str, str]]) -> None:
    assert faults(text) == wanted


def test_what_stands_beside_an_error_is_kept() -> None:
    body, problems = parse_json(Source("x", '{"a": [1 2, 3], "b": {"c": tru}, "d": 4}'))
    assert len(problems) == 2
    assert [item.name for item in body.attributes] == ["a", "b", "d"]


@pytest.mark.parametrize("part", ["[", '{"a":', '[{"a":', '{"a": [{"b": 1}, '])
def test_deep_nesting_is_one_error(part: str) -> None:
    assert [summary for summary, _ in faults(part * 10_000)] == ["Nesting too deep"]


def test_nesting_up_to_the_limit_is_read() -> None:
    deep = MAX_DEPTH - 1
    assert faults('{"a": ' + "[" * deep + "]" * deep + "}") == []


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "' + "x" * 10_000_000,
        '{"a": "' + "\\n" * 2_000_000 + '", "b": 1 1}',
        '{"a": [' + "1 1, " * 300_000 + "]}",
        '{"a": [' + "]" * 1_000_000,
        '{"a": ' + "9" * 1_000_000 + "}",
        "[" + "{}" * 300_000 + "]",
        '{"a": "' + "${" * 100_000 + '"}',
    ],
    ids=range(7),
)
def test_long_lines_end_in_time(text: str) -> None:
    begin = time.perf_counter()
    body, problems = parse_json(Source("main.mlf.json", text))
    assert len(problems) <= 201
    assert time.perf_counter() - begin < 20
    assert body.range.end_offset == len(text)
