"""Type constraints, conversion, unification and defaults."""

from __future__ import annotations

import pytest

from mlform.diagnostics import Diagnostics
from mlform.lang.convert import (
    ConversionError,
    apply_defaults,
    convert,
    type_expression,
    type_from_expression,
    type_name,
    unify,
)
from mlform.lang.encode import from_json, json_text, type_from_json, type_to_json
from mlform.lang.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    TupleType,
    Type,
)
from mlform.lang.values import UNKNOWN_VALUE, Value, null, unknown
from tests.language import expression, value_of


def constraint(text: str) -> Type:
    diagnostics = Diagnostics()
    type_ = type_from_expression(expression(text), diagnostics)
    assert not len(diagnostics), diagnostics
    return type_


CONSTRAINTS = [
    "string",
    "any",
    "list(number)",
    "set(map(bool))",
    "tuple([string, list(any)])",
    'object({a = string, b = optional(number), c = optional(list(string), ["x"])})',
]


@pytest.mark.parametrize("text", CONSTRAINTS)
def test_constraints_are_printed_as_they_are_read(text: str) -> None:
    assert type_expression(constraint(text)) == text


@pytest.mark.parametrize("text", CONSTRAINTS[:-1])
def test_types_survive_json(text: str) -> None:
    assert type_from_json(type_to_json(constraint(text))) == constraint(text)


def test_json_of_an_object_type() -> None:
    type_ = constraint("object({ a = string, b = optional(number) })")
    assert type_to_json(type_) == ["object", {"a": "string", "b": "number"}, ["b"]]
    with pytest.raises(ValueError, match="not a type"):
        type_from_json(["lists", "string"])


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("strin", 'Did you mean "string"?'),
        ("list", "such as list(string)"),
        ("lists(string)", 'Did you mean "list"?'),
        ('"string"', "without quotes"),
        ("list(string, number)", "exactly one argument"),
        ("object([string])", "object({ a = string })"),
        ("optional(string)", "only as a modifier"),
    ],
)
def test_wrong_constraints(text: str, detail: str) -> None:
    diagnostics = Diagnostics()
    assert type_from_expression(expression(text), diagnostics) is DYNAMIC
    (problem,) = diagnostics
    assert problem.summary == "Invalid type specification"
    assert detail in problem.detail


def test_a_default_must_fit_its_attribute() -> None:
    diagnostics = Diagnostics()
    type_from_expression(expression('object({ a = optional(number, "x") })'), diagnostics)
    (problem,) = diagnostics
    assert problem.summary == "Invalid default value for optional attribute"
    assert problem.range is not None
    assert problem.range.text == '"x"'


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ('"5"', "number", "5"),
        ("1.50", "string", '"1.5"'),
        ('"1"', "bool", "true"),
        ('[1, "a", true]', "list(any)", '["1","a","true"]'),
        ("[3, 1, 3]", "set(number)", "[1,3]"),
        ("{ b = 1, a = 2 }", "map(string)", '{"a":"2","b":"1"}'),
        ("{ a = 1, b = 2 }", "object({ a = string })", '{"a":"1"}'),
        ("{ a = 1 }", "object({ a = number, b = optional(string) })", '{"a":1,"b":null}'),
        ("tomap({ a = 1 })", "object({ a = string })", '{"a":"1"}'),
        ('[1, "2"]', "tuple([string, number])", '["1",2]'),
        ("null", "list(string)", "null"),
        ("toset([2, 1])", "list(string)", '["1","2"]'),
    ],
)
def test_conversion(value: str, type_: str, expected: str) -> None:
    assert json_text(convert(value_of(value), constraint(type_))) == expected


@pytest.mark.parametrize(
    ("value", "type_", "path", "message"),
    [
        ('"x"', "number", (), "a number is required"),
        ('"True"', "bool", (), 'use lowercase "true"'),
        ("true", "number", (), "number required"),
        ('["1", "x"]', "list(number)", (1,), "a number is required"),
        ('{ a = { b = ["x"] } }', "map(map(list(number)))", ("a", "b", 0), "a number is required"),
        ("[[]]", "list(string)", (), "element 0: string required"),
        ("{ a = [] }", "map(string)", (), 'element "a": string required'),
        ("{}", "object({ a = string })", (), 'attribute "a" is required'),
        ("{}", "object({ a = any, b = any, c = any })", (), '"a", "b", and "c" are required'),
        ("{ a = [] }", "object({ a = string })", (), 'attribute "a": string required'),
        ("[1, []]", "list(any)", (), "all list elements must have the same type"),
        ('"x"', "list(string)", (), "list of string required"),
        (
            "tolist([tolist([1])])",
            "list(string)",
            (),
            "incorrect list element type: string required",
        ),
    ],
)
def test_refused_conversion(value: str, type_: str, path: tuple[object, ...], message: str) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(value_of(value), constraint(type_))
    assert caught.value.path == path
    assert message in caught.value.message


def test_unknown_and_null_take_the_type() -> None:
    assert convert(UNKNOWN_VALUE, NUMBER) == unknown(NUMBER)
    assert convert(unknown(TupleType((NUMBER,))), ListType(STRING)) == unknown(ListType(STRING))
    assert convert(null(NUMBER), STRING) == null(STRING)
    with pytest.raises(ConversionError):
        convert(unknown(BOOL), ListType(DYNAMIC))


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((STRING, NUMBER), STRING),
        ((NUMBER, BOOL), None),
        ((NUMBER, DYNAMIC), NUMBER),
        (
            (ObjectType.of({"a": NUMBER}), ObjectType.of({"a": STRING})),
            ObjectType.of({"a": STRING}),
        ),
        ((ObjectType.of({"a": NUMBER}), ObjectType.of({"b": NUMBER})), MapType(NUMBER)),
        ((TupleType((NUMBER,)), TupleType((NUMBER, STRING))), ListType(STRING)),
        ((TupleType(()), ObjectType(())), None),
        ((ListType(NUMBER), TupleType((STRING,))), ListType(STRING)),
        ((ListType(NUMBER), DYNAMIC), DYNAMIC),
        ((MapType(NUMBER), ObjectType(())), MapType(NUMBER)),
        ((), None),
    ],
)
def test_unification(types: tuple[Type, ...], expected: Type | None) -> None:
    assert unify(types) == expected


def test_defaults_fill_in_at_any_depth() -> None:
    type_ = constraint(
        """object({
          name  = string
          rules = optional(list(object({ port = optional(number, 80), open = optional(bool) })), [])
        })"""
    )
    given = value_of('{ name = "x", rules = [{}, { port = null }, { port = 1 }] }')
    filled = convert(apply_defaults(given, type_), type_)
    assert json_text(filled) == (
        '{"name":"x","rules":[{"open":null,"port":80},{"open":null,"port":80},'
        '{"open":null,"port":1}]}'
    )
    bare = convert(apply_defaults(value_of('{ name = "x" }'), type_), type_)
    assert json_text(bare) == '{"name":"x","rules":[]}'


def test_marks_survive_conversion() -> None:
    value = convert(value_of('[sensitive("1"), "2"]'), ListType(NUMBER))
    assert isinstance(value.payload, tuple)
    assert [item.is_sensitive for item in value.payload] == [True, False]
    assert convert(value_of('[sensitive("1")]'), constraint("set(number)")).is_sensitive


def test_names_of_types() -> None:
    assert type_name(constraint("list(map(number))")) == "list of map of number"


def test_from_json_takes_a_type() -> None:
    value: Value = from_json({"a": [1, 2.5]}, MapType(ListType(STRING)))
    assert json_text(value) == '{"a":["1","2.5"]}'
