"""Unknown values, marks, types and messages of expressions."""

from __future__ import annotations

import pytest

from mlform.lang.construct import list_of, map_of, object_of, string_value
from mlform.lang.encode import marks_deep
from mlform.lang.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    TupleType,
)
from mlform.lang.values import NULL, SENSITIVE, UNKNOWN_VALUE, Value, null, number, unknown
from tests.language import attempt, json_of, problem_of, value_of

SECRET = string_value("hush").with_marks(SENSITIVE)
THINGS = {
    "any": UNKNOWN_VALUE,
    "text": unknown(STRING),
    "count": unknown(NUMBER),
    "flag": unknown(BOOL),
    "names": unknown(ListType(STRING)),
    "pair": unknown(TupleType((STRING, NUMBER))),
    "record": unknown(ObjectType.of({"a": NUMBER})),
    "table": unknown(MapType(NUMBER)),
    "secret": SECRET,
    "word": string_value("word"),
    "list": list_of([number(1), number(2)], NUMBER),
    "map": map_of({"k": number(1)}, NUMBER),
    "object": object_of({"shown": string_value("x"), "hidden": SECRET}),
    "nothing": null(STRING),
}


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("text", STRING),
        ('"a-${text}"', STRING),
        ("count + 1", NUMBER),
        ("count < 1", BOOL),
        ("!flag", BOOL),
        ("false && flag", BOOL),
        ("text == word", BOOL),
        ("text == null", BOOL),
        ("[text] == [word]", BOOL),
        ("flag ? 1 : word", STRING),
        ("flag ? [1] : [2, 3]", ListType(NUMBER)),
        ("flag ? any : 1", NUMBER),
        ("names[0]", STRING),
        ("pair[1]", NUMBER),
        ("record.a", NUMBER),
        ("table.x", NUMBER),
        ("any.x[0]", DYNAMIC),
        ("list[count]", NUMBER),
        ("[for x in names : x]", DYNAMIC),
        ("{for x in names : x => x}", DYNAMIC),
        ("[for x in list : x if flag]", DYNAMIC),
        ("{ (text) = 1 }", DYNAMIC),
        ("names[*]", ListType(STRING)),
        ("any[*]", DYNAMIC),
        ("upper(text)", STRING),
        ("length(names)", NUMBER),
        ("jsonencode([text])", STRING),
        ("tolist(any)", ListType(DYNAMIC)),
        ("tonumber(text)", NUMBER),
        ("try(text, 1)", DYNAMIC),
        ("can(text)", BOOL),
        ("timestamp()", STRING),
        ('regex("(a)(b)", text)', TupleType((STRING, STRING))),
        ('"%{ if flag }a%{ else }b%{ endif }"', STRING),
        ("max(names...)", NUMBER),
    ],
)
def test_unknown_flows_with_its_type(text: str, type_: object) -> None:
    value = value_of(text, THINGS)
    assert not value.is_known
    assert value.type == type_ or (text.startswith("max") and value.type is DYNAMIC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("length([text, 1])", "2"),
        ("[text, 1][1]", "1"),
        ("{ a = text, b = 2 }.b", "2"),
        ("merge({ a = text }, { a = 1 }).a", "1"),
        ("element([text, 7], 1)", "7"),
        ("keys({ a = text })", '["a"]'),
        ("length(record)", "1"),
        ('"a${text}" != null', "true"),
        ('startswith("ab${text}", "b")', "false"),
        ("(flag ? 1 : 3) < 4", "true"),
        ("(flag ? 1 : 3) + 1 > 1", "true"),
        ("-(flag ? 1 : 3) == 0", "false"),
        ("length(flag ? tolist([1]) : tolist([1, 2])) > 0", "true"),
        ("upper(text) == null", "false"),
        ("flag ? null : null", "null"),
        ("[1, text] == [2, text]", "false"),
        ("pair == [1]", "false"),
    ],
)
def test_known_in_spite_of_unknown_parts(text: str, expected: str) -> None:
    assert json_of(text, THINGS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "secret",
        '"${secret}!"',
        "upper(secret)",
        "secret == word",
        "secret == word ? 1 : 2",
        "true ? secret : word",
        "[secret][0]",
        "object.hidden",
        "{ (secret) = 1 }",
        'map[secret == word ? word : "k"]',
        "length(secret)",
        "jsonencode(object)",
        'join(",", [secret])',
        "sensitive(list)[0]",
        "[for x in sensitive(list) : x]",
        "sensitive(list)[*]",
        "toset([secret])",
        'format("%s", secret)',
        "concat([1], sensitive([2]))",
        "try(secret, 1)",
    ],
)
def test_secrets_stay_secret(text: str) -> None:
    assert value_of(text, THINGS).is_sensitive


@pytest.mark.parametrize(
    "text",
    [
        "[secret]",
        "length([secret])",
        "object.shown",
        "keys(object)",
        "merge(object, {}).shown",
        "concat([secret], [1])[1]",
        "nonsensitive(secret)",
        "issensitive(secret)",
        "[for x in [secret] : 1]",
    ],
)
def test_marks_stay_where_they_are(text: str) -> None:
    assert not value_of(text, THINGS).is_sensitive


def test_parts_keep_their_marks() -> None:
    assert marks_deep(value_of("[secret]", THINGS)) == SENSITIVE
    assert marks_deep(value_of("merge(object, {})", THINGS)) == SENSITIVE


@pytest.mark.parametrize(
    ("text", "summary", "detail", "place"),
    [
        (
            '"a" + 1',
            "Invalid operand",
            "Unsuitable value for left operand: a number is required",
            '"a"',
        ),
        ("1 + nothing", "Operation failed", "argument must not be null", "1 + nothing"),
        ("list[5]", "Invalid index", "the last index is 1", "5"),
        ("list[-1]", "Invalid index", "a negative number", "-1"),
        ("list[0.5]", "Invalid index", "fractional part", "0.5"),
        ('map["q"]', "Invalid index", 'There are "k".', '"q"'),
        ("object.showm", "Unsupported attribute", 'Did you mean "shown"?', "showm"),
        ("word.x", "Unsupported attribute", "primitive-typed value (string)", "x"),
        ("nothing.x", "Attempt to get attribute from null value", "try(", "x"),
        ("nothing[0]", "Attempt to index null value", "try(", "0"),
        ("wrod", "Invalid reference", 'Did you mean "word"?', "wrod"),
        ("upperr(word)", "Call to unknown function", 'Did you mean "upper"?', "upperr"),
        ("upper()", "Not enough function arguments", 'Missing value for "str"', "upper()"),
        ("upper(word, 2, 3)", "Too many function arguments", "expects only 1", "2, 3"),
        ("upper([])", "Invalid function argument", "string required", "[]"),
        ("upper(nothing)", "Invalid function argument", "must not be null", "nothing"),
        ("max()", "Error in function call", "at least one number", "max()"),
        ("1 ? 2 : 3", "Incorrect condition type", "must be of type bool", "1"),
        ("null ? 2 : 3", "Null condition", "true or false", "null"),
        (
            "true ? {} : []",
            "Inconsistent conditional result types",
            "'true' value is object",
            "true ? {} : []",
        ),
        ('"a${nothing}"', "Invalid template interpolation value", "is null", "nothing"),
        ('"a${list}"', "Invalid template interpolation value", "jsonencode", "list"),
        ("[for x in 5 : x]", "Iteration over non-iterable value", "type number", "5"),
        ("[for x in null : x]", "Iteration over null value", "null value", "null"),
        ("[for x in [1] : x if 5]", "Invalid 'for' condition", "bool required", "5"),
        ('{for x in ["a", "a"] : x => 1}', "Duplicate object key", '"a"', "x"),
        ("{ (null) = 1 }", "Null value as key", "null value as a key", "(null)"),
        ("0 / 0", "Operation failed", "can't divide zero by zero", "0 / 0"),
        ("max(5...)", "Invalid expanding argument value", "tuple, list, or set", "5"),
        ("abs(list)", "Invalid function argument", "a list of number is given", "list"),
    ],
)
def test_problems_are_narrow_and_say_how_to_fix(
    text: str, summary: str, detail: str, place: str
) -> None:
    problem = problem_of(text, THINGS)
    assert problem.summary == summary
    assert detail in problem.detail
    assert problem.range is not None
    assert problem.range.text == place


def test_one_run_finds_several_problems() -> None:
    value, problems = attempt("[list[9], wrod + 1, upper(word), nothing.x]", THINGS)
    assert [problem.summary for problem in problems] == [
        "Invalid index",
        "Invalid reference",
        "Attempt to get attribute from null value",
    ]
    assert value.payload[2] == string_value("WORD")  # type: ignore[index]


def test_the_values_of_references_are_shown_but_no_secret() -> None:
    problem = problem_of(
        "[word, object.hidden, text, any, names, list] + NULL", THINGS | {"NULL": NULL}
    )
    assert {each.traversal: each.statement for each in problem.values} == {
        "word": 'is "word"',
        "object.hidden": "has a sensitive value",
        "text": "is a string, known only after apply",
        "any": "will be known only after apply",
        "names": "is a list of string, known only after apply",
        "list": "is a list of number with 2 elements",
        "NULL": "is null",
    }


def test_problems_of_the_branch_not_taken_do_not_count() -> None:
    assert json_of("true ? 1 : word.x", THINGS) == "1"


def test_logical_operators_do_not_stop_early() -> None:
    assert problem_of("false && word.x", THINGS).summary == "Unsupported attribute"


def test_undeclared_variables_are_named_as_such() -> None:
    variables: dict[str, Value] = {"var": object_of({"rate": number(1)})}
    problem = problem_of("var.rat", variables)
    assert problem.summary == "Reference to undeclared input variable"
    assert 'Did you mean "rate"?' in problem.detail
