"""Bodies to values: `dynamic` blocks, and the JSON syntax, against one small schema."""

from __future__ import annotations

import json

import pytest

from mlform.diagnostics import Diagnostic, Diagnostics, Source
from mlform.graph.arguments import BodyResolver, range_of
from mlform.graph.bodies import body_references
from mlform.hcl.ast import Body
from mlform.hcl.json_syntax import parse_json
from mlform.hcl.parser import parse
from mlform.lang.construct import object_of, unmark_deep
from mlform.lang.encode import json_text
from mlform.lang.types import DYNAMIC, NUMBER, STRING, ListType
from mlform.lang.values import EPHEMERAL, SENSITIVE, UNKNOWN, UNKNOWN_VALUE, Value, string
from mlform.schema import Attribute, BlockSchema, NestedBlock
from tests.language import scope, value_of

STRINGS = ListType(STRING)
SCHEMA = BlockSchema(
    attributes=(
        Attribute(name="size", type=NUMBER, description="."),
        Attribute(name="tags", type=DYNAMIC, description="."),
    ),
    blocks=(
        NestedBlock(
            name="column",
            description="A column.",
            label="name",
            repeated=True,
            body=BlockSchema(
                attributes=(Attribute(name="type", type=STRING, description="."),),
                blocks=(
                    NestedBlock(
                        name="rule",
                        description="A rule.",
                        repeated=True,
                        body=BlockSchema(
                            attributes=(Attribute(name="min", type=NUMBER, description="."),)
                        ),
                    ),
                ),
            ),
        ),
        NestedBlock(
            name="step",
            description="A step.",
            label="op",
            repeated=True,
            variants={
                "log": BlockSchema(
                    attributes=(
                        Attribute(name="columns", type=STRINGS, description=".", required=True),
                    )
                ),
                "drop": BlockSchema(),
            },
        ),
        NestedBlock(
            name="ratio",
            description="Shares.",
            body=BlockSchema(attributes=(Attribute(name="train", type=NUMBER, description="."),)),
        ),
        NestedBlock(name="hash", description="By hash."),
    ),
    one_of=("ratio", "hash"),
)
VARIABLES = {
    "var": object_of(
        {
            "map": value_of('{ b = "int64", a = "float64" }'),
            "set": value_of('toset(["y", "x"])'),
            "list": value_of('["p", "q"]'),
            "none": value_of("[]"),
            "unknown": UNKNOWN_VALUE,
            "secret": value_of('["s"]').with_marks(SENSITIVE),
            "short": value_of('["s"]').with_marks(EPHEMERAL),
            "word": string("w").with_marks(SENSITIVE),
        }
    )
}


def native(text: str) -> Body:
    body, problems = parse(Source("main.mlf.hcl", text))
    assert not problems, problems
    return body


def from_json(value: object) -> Body:
    body, problems = parse_json(Source("main.mlf.json", json.dumps(value)))
    assert not problems, problems
    return body


def resolved(body: Body) -> tuple[Value, list[Diagnostic]]:
    diagnostics = Diagnostics()
    resolver = BodyResolver(scope=scope(VARIABLES), diagnostics=diagnostics)
    return resolver.resolve(SCHEMA, body, body.range), list(diagnostics)


def part(body: Body, name: str) -> Value:
    value, problems = resolved(body)
    assert not problems, problems
    assert isinstance(value.payload, dict)
    return value.payload[name]


def shown(body: Body, name: str) -> object:
    return json.loads(json_text(part(body, name)))


def said(body: Body) -> list[tuple[str, str]]:
    _, problems = resolved(body)
    return [
        (problem.summary, problem.range.text if problem.range is not None else "")
        for problem in problems
    ]


def test_one_block_for_each_element_in_order_with_those_around_it() -> None:
    body = native("""
      ratio {}
      column "first" {}
      dynamic "column" {
        for_each = var.map
        labels   = [column.key]
        content {
          type = "${column.value}!"
        }
      }
      column "last" {}
    """)
    assert [(item["name"], item["type"]) for item in shown(body, "column")] == [  # type: ignore[attr-defined]
        ("first", None),
        ("a", "float64!"),
        ("b", "int64!"),
        ("last", None),
    ]


@pytest.mark.parametrize(
    ("collection", "wanted"),
    [
        ("var.list", ["0=p", "1=q"]),
        ("var.set", ["x=x", "y=y"]),
        ("{ k = 1 }", ["k=1"]),
        ("tomap({ z = 2, y = 1 })", ["y=1", "z=2"]),
        ("[true]", ["0=true"]),
        ("var.none", []),
    ],
)
def test_keys_and_values_of_the_iterator(collection: str, wanted: list[str]) -> None:
    body = native(
        f'hash {{}}\ndynamic "column" {{\n for_each = {collection}\n iterator = it\n'
        ' labels = ["${it.key}=${it.value}"]\n content {}\n}\n'
    )
    items = shown(body, "column")
    assert isinstance(items, list)
    assert [item["name"] for item in items] == wanted


def test_nested_dynamic_blocks_see_the_iterators_around_them() -> None:
    body = native("""
      hash {}
      dynamic "column" {
        for_each = { a = [1, 2], b = [] }
        labels   = [column.key]
        content {
          type = "t"
          dynamic "rule" {
            for_each = column.value
            content {
              min = rule.value + length(column.key)
            }
          }
        }
      }
    """)
    assert shown(body, "column") == [
        {"name": "a", "type": "t", "rule": [{"min": 2}, {"min": 3}]},
        {"name": "b", "type": "t", "rule": []},
    ]


def test_labels_choose_variants() -> None:
    text = """
      hash {}
      dynamic "step" {
        for_each = { log = ["x"] }
        labels   = [step.key]
        content {
          columns = step.value
        }
      }
    """
    assert shown(native(text), "step") == [{"op": "log", "columns": ["x"]}]
    assert said(native(text.replace("log =", "lgo ="))) == [("Unsupported step", "step.key")]
    assert said(native(text.replace("log =", "drop ="))) == [("Unsupported argument", "columns")]


def test_a_single_block_from_a_dynamic_one_counts() -> None:
    text = 'dynamic "ratio" {\n for_each = %s\n content {\n train = ratio.value\n }\n}\n'
    assert shown(native(text % "[0.5]"), "ratio") == {"train": 0.5}
    assert said(native(text % "[0.5, 0.6]")) == [("Too many ratio blocks", 'dynamic "ratio"')]
    assert [summary for summary, _ in said(native(text % "[]"))] == ["Missing required block"]
    assert said(native(f"hash {{}}\n{text % '[1]'}")) == [("Conflicting blocks", 'dynamic "ratio"')]


def test_an_unknown_collection_makes_all_blocks_of_its_type_unknown() -> None:
    body = native("""
      dynamic "ratio" {
        for_each = var.unknown
        content {
          train = ratio.value
        }
      }
      column "known" {}
      dynamic "column" {
        for_each = var.unknown
        labels   = [column.key]
        content {}
      }
    """)
    assert part(body, "ratio").payload is UNKNOWN
    assert part(body, "column").payload is UNKNOWN


def test_what_is_wrong_in_the_content_of_an_unknown_collection_is_said() -> None:
    body = native(
        'hash {}\ndynamic "ratio" {\n for_each = var.unknown\n content {\n x = 1\n }\n}\n'
    )
    assert said(body) == [("Unsupported argument", "x")]


def test_marks_of_elements_flow_into_the_blocks() -> None:
    body = native(
        'hash {}\ndynamic "column" {\n for_each = [var.word]\n labels = ["c"]\n content {\n'
        " type = column.value\n }\n}\n"
    )
    _, marks = unmark_deep(part(body, "column"))
    assert marks == SENSITIVE


@pytest.mark.parametrize(
    ("text", "summary", "place", "detail"),
    [
        (
            'dynamic "colum" {\n for_each = []\n content {}\n}\n',
            "Unsupported block type",
            '"colum"',
            'Did you mean "column"?',
        ),
        (
            'dynamic "tags" {\n for_each = []\n content {}\n}\n',
            "Unsupported block type",
            '"tags"',
            "tags = [for",
        ),
        ("dynamic {\n}\n", "Missing type for dynamic", "dynamic", "one label"),
        ('dynamic "a" "b" {\n}\n', "Extraneous label for dynamic", '"b"', "one label"),
        (
            'dynamic "rule" {\n content {}\n}\n',
            "Unsupported block type",
            '"rule"',
            "Blocks here are: column",
        ),
        ('dynamic "hash" {\n content {}\n}\n', "Missing required argument", "", "for_each"),
        (
            'dynamic "hash" {\n for_each = []\n}\n',
            "Missing dynamic content block",
            'dynamic "hash"',
            "content {",
        ),
        (
            'dynamic "hash" {\n for_each = []\n content {}\n content {}\n}\n',
            "Extraneous dynamic content block",
            "content",
            "Join the two",
        ),
        (
            'dynamic "hash" {\n for_each = []\n labels = []\n content {}\n}\n',
            "Unsupported argument",
            "labels",
            "no labels",
        ),
        (
            'dynamic "hash" {\n foreach = []\n for_each = []\n content {}\n}\n',
            "Unsupported argument",
            "foreach",
            'Did you mean "for_each"?',
        ),
        (
            'dynamic "hash" {\n for_each = []\n iterator = a.b\n content {}\n}\n',
            "Invalid dynamic iterator name",
            "a.b",
            "one plain name",
        ),
        (
            'dynamic "column" {\n for_each = []\n content {}\n}\n',
            "Insufficient dynamic block labels",
            'dynamic "column"',
            "labels = [column.key]",
        ),
        (
            'dynamic "column" {\n for_each = []\n labels = ["a", "b"]\n content {}\n}\n',
            "Extraneous dynamic block label",
            '"b"',
            "one label, its name",
        ),
        (
            'dynamic "column" {\n for_each = [1]\n labels = var.list\n content {}\n}\n',
            "Invalid dynamic block label",
            "var.list",
            "written out in brackets",
        ),
        (
            'dynamic "column" {\n for_each = [1]\n labels = [var.unknown]\n content {}\n}\n',
            "Invalid dynamic block label",
            "var.unknown",
            "known only after apply",
        ),
        (
            'dynamic "column" {\n for_each = [1]\n labels = [var.word]\n content {}\n}\n',
            "Invalid dynamic block label",
            "var.word",
            "labels are shown",
        ),
        (
            'dynamic "column" {\n for_each = [1]\n labels = [null]\n content {}\n}\n',
            "Invalid dynamic block label",
            "null",
            "cannot be null",
        ),
        (
            'dynamic "column" {\n for_each = [1]\n labels = [[]]\n content {}\n}\n',
            "Invalid dynamic block label",
            "[]",
            "string required",
        ),
        ("for_each = null", "Invalid dynamic for_each value", "null", "empty list"),
        ("for_each = 5", "Invalid dynamic for_each value", "5", "this is number"),
        ("for_each = var.secret", "Invalid dynamic for_each value", "var.secret", "nonsensitive"),
        ("for_each = var.short", "Invalid dynamic for_each value", "var.short", "ephemeral"),
    ],
)
def test_mistakes_in_dynamic_blocks(text: str, summary: str, place: str, detail: str) -> None:
    if text.startswith("for_each"):
        text = f'dynamic "ratio" {{\n {text}\n content {{}}\n}}\n'
    _, problems = resolved(native(f"hash {{}}\n{text}"))
    (problem,) = problems
    assert problem.summary == summary
    assert problem.range is not None
    assert problem.range.text == place or not place
    assert detail in problem.detail


JSON_BODY = {
    "size": "${1 + 1}",
    "tags": {"ratio": '${upper("x")}', "//": "a key"},
    "//": "a comment",
    "ratio": {"train": 0.5},
    "column": [{"a": {"type": "t", "rule": [{"min": 1}, {"min": 2}]}}, {"b": [{}, {"type": "u"}]}],
    "step": {"drop": {}, "log": {"columns": ["x"]}},
    "hash": None,
}


def test_json_properties_are_blocks_where_the_schema_says_so() -> None:
    body = from_json(JSON_BODY)
    same = native("""
      size = 2
      tags = { ratio = "X", "//" = "a key" }
      ratio { train = 0.5 }
      column "a" {
        type = "t"
        rule { min = 1 }
        rule { min = 2 }
      }
      column "b" {}
      column "b" { type = "u" }
      step "drop" {}
      step "log" { columns = ["x"] }
    """)
    assert resolved(body) == resolved(same)


def test_dynamic_blocks_in_json() -> None:
    body = from_json(
        {
            "hash": {},
            "dynamic": {
                "column": {
                    "for_each": "${var.map}",
                    "iterator": "each_one",
                    "labels": ["${each_one.key}"],
                    "content": {
                        "type": "${each_one.value}",
                        "dynamic": {
                            "rule": [{"for_each": [3], "content": {"min": "${rule.value}"}}]
                        },
                    },
                }
            },
        }
    )
    assert shown(body, "column") == [
        {"name": "a", "type": "float64", "rule": [{"min": 3}]},
        {"name": "b", "type": "int64", "rule": [{"min": 3}]},
    ]
    assert [str(each) for each in body_references(body, SCHEMA)] == ["var.map"]


@pytest.mark.parametrize(
    ("value", "summary", "place"),
    [
        ({"hash": {}, "size": "${1 +}"}, "Invalid expression", "}"),
        ({"hash": {}, "siez": 1}, "Extraneous JSON object property", '"siez"'),
        ({"hash": {}, "column": {}}, "Missing block label", "{}"),
        ({"hash": 1}, "Incorrect JSON value type", "1"),
        ({"hash": {}, "tags": {"a": ["%{ x }"]}}, "Invalid template control keyword", "x"),
        ({"hash": {}, "dynamic": {"column": 1}}, "Incorrect JSON value type", "1"),
    ],
)
def test_mistakes_in_json(value: object, summary: str, place: str) -> None:
    assert (summary, place) in said(from_json(value))


def test_references_leave_out_what_dynamic_blocks_bind() -> None:
    body = native("""
      size = a.b
      dynamic "column" {
        for_each = c.d
        labels   = [column.key, e.f]
        content {
          type = column.value + g.h
          dynamic "rule" {
            for_each = column.value
            iterator = r
            content {
              min = r.value + rule.x + i.j
            }
          }
        }
      }
    """)
    wanted = ["a.b", "c.d", "e.f", "g.h", "rule.x", "i.j"]
    for schema in (SCHEMA, None):
        assert [str(each) for each in body_references(body, schema)] == wanted


def test_references_in_json() -> None:
    body = from_json({**JSON_BODY, "column": {"a": {"type": "${b.c}"}, "${d.e}": {"type": "f"}}})
    assert [str(each) for each in body_references(body, SCHEMA)] == ["b.c"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("size",), '"${1 + 1}"'),
        (("ratio", "train"), "0.5"),
        (("ratio", 0, "train"), "0.5"),
        (("column", 0, "type"), '"t"'),
        (("column", 2, "type"), '"u"'),
        (("column", 0, "rule", 1, "min"), "2"),
        (("step", 1, "columns"), '"x"'),
        (("tags", "ratio"), '"${upper(\\"x\\")}"'),
    ],
)
def test_places_in_json(path: tuple[str | int, ...], text: str) -> None:
    body = from_json(JSON_BODY)
    assert range_of(body, path, body.range).text == text


def test_places_in_dynamic_blocks() -> None:
    body = native("""
      column "a" { type = "t" }
      dynamic "column" {
        for_each = var.map
        labels   = [column.key]
        content {
          type = column.value
        }
      }
    """)
    assert range_of(body, ("column", 0, "type"), body.range).text == '"t"'
    assert range_of(body, ("column", 2, "type"), body.range).text == "column.value"
