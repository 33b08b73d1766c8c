"""Values as `terraform console` prints them, and JSON as HCL."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlform.digests import Json
from mlform.lang.encode import from_json
from mlform.lang.json_types import type_from_json
from mlform.lang.types import DYNAMIC, NUMBER, STRING, ListType, TupleType
from mlform.lang.values import EPHEMERAL, NULL, SENSITIVE, Value, null, string, unknown
from mlform.views.diff import body_rows
from mlform.views.rows import Marks
from mlform.views.values import fitting, format_type, format_value, inline, key_text, quoted
from tests.calls import calls_of, growth


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("a", "string", '"a"'),
        ('say "hi"\t\\', "string", '"say \\"hi\\"\\t\\\\"'),
        (3, "number", "3"),
        (0.25, "number", "0.25"),
        (1e21, "number", "1000000000000000000000"),
        (True, "bool", "true"),
        ([], ["list", "string"], "tolist([])"),
        (["a"], ["set", "string"], 'toset([\n  "a",\n])'),
        ([1, "x"], ["tuple", ["number", "string"]], '[\n  1,\n  "x",\n]'),
        ({}, ["object", {}], "{}"),
        ({"b": 1, "a": 2}, ["map", "number"], 'tomap({\n  "a" = 2\n  "b" = 1\n})'),
        (
            {"a": {"b": [1]}},
            ["object", {"a": ["object", {"b": ["tuple", ["number"]]}]}],
            '{\n  "a" = {\n    "b" = [\n      1,\n    ]\n  }\n}',
        ),
        ("a\nb", "string", "<<EOT\na\nb\nEOT"),
        ("EOT\n", "string", "<<EOT_\nEOT\n\nEOT_"),
        (" EOT \n", "string", "<<EOT_\n EOT \n\nEOT_"),
        (["a\n"], ["tuple", ["string"]], "[\n  <<-EOT\n  a\n  \n  EOT,\n]"),
        ("\x01\x7f\xa0\u200b\U000e0001", "string", '"\\x01\\x7f\\u00a0\\u200b\\U000e0001"'),
        ("漢é", "string", '"漢é"'),
        ({"a\n": 1}, ["object", {"a\n": "number"}], '{\n  "a\\n" = 1\n}'),
    ],
)
def test_values_as_the_console_prints_them(value: Json, type_: Json, expected: str) -> None:
    assert format_value(from_json(value, type_from_json(type_))) == expected


def test_values_without_a_value() -> None:
    assert format_value(NULL) == "null"
    assert format_value(null(STRING)) == "tostring(null)"
    assert format_value(null(ListType(NUMBER))) == "tolist(null) /* of number */"
    assert format_value(null(TupleType((NUMBER,)))) == "null /* tuple */"
    assert format_value(string("x").with_marks(EPHEMERAL)) == "(ephemeral value)"
    assert format_value(unknown(DYNAMIC)) == "(known after apply)"
    assert format_value(string("x").with_marks(SENSITIVE)) == "(sensitive value)"
    inside = Value(ListType(STRING), (unknown(STRING), string("x").with_marks(SENSITIVE)))
    assert format_value(inside) == "tolist([\n  (known after apply),\n  (sensitive value),\n])"


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("string", "string"),
        ("dynamic", "dynamic"),
        (["list", ["set", "number"]], "list(set(number))"),
        (["tuple", []], "tuple([])"),
        (["object", {}], "object({})"),
        (["object", {"b": "bool", "a": "string"}], "object({\n    a: string,\n    b: bool,\n})"),
        (
            ["map", ["tuple", [["list", ["object", {"a": "number"}]]]]],
            (
                "map(\n    tuple([\n        list(\n            object({\n"
                "                a: number,\n            }),\n        ),\n    ]),\n)"
            ),
        ),
        (
            ["list", ["list", ["tuple", ["string"]]]],
            "list(list(\n    tuple([\n        string,\n    ]),\n))",
        ),
    ],
)
def test_types_as_the_console_prints_them(type_: Json, expected: str) -> None:
    assert format_type(type_from_json(type_)) == expected


def test_json_as_hcl() -> None:
    assert inline({"a b": [1, None], "c": True}) == '{ "a b" = [1, null], c = true }'
    assert inline({"a": 1, "b": 2}, 5) == "{...}"
    assert inline([1, 2, 3], 5) == "[...]"
    assert inline({}) == "{}"
    assert quoted("${x} %{y}") == '"$${x} %%{y}"'
    assert key_text("learning_rate") == "learning_rate"
    assert key_text("1st") == '"1st"'


def test_what_does_not_fit_on_a_line_is_not_written_out() -> None:
    digest = "sha256:" + 64 * "a"
    assert fitting({"d": digest}, 30) == '{ d = "sha256:aaaaaaaaaaaa…" }'
    assert fitting([1, [2]], 8) == "[1, [2]]"
    assert fitting([1, [2]], 7) is None
    scalars = calls_of(lambda: fitting(list(range(1000)), 20))["mlform.views.values.scalar"]
    assert scalars < 20


def test_rows_of_a_deep_value_take_work_in_line_with_its_depth() -> None:
    def shown(depth: int) -> Callable[[], object]:
        value: Json = "leaf"
        for level in range(depth):
            value = {"k": value, "n": level} if level % 2 else [value, level]
        return lambda: body_rows(None, {"input": value}, marks=Marks())

    assert growth(shown, 40) < 2.2
