"""Paths of unknown and marked parts, JSON, equality, references, numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mlform.lang.construct import object_of, string_value, tuple_of
from mlform.lang.encode import (
    equal,
    from_json,
    has_unknown,
    json_text,
    mark_paths,
    sensitive_paths,
    strip_marks,
    to_json,
    unknown_paths,
)
from mlform.lang.numbers import canonical, divide, format_number, multiply, parse_number
from mlform.lang.references import references
from mlform.lang.types import NUMBER, STRING
from mlform.lang.values import SENSITIVE, number, unknown
from tests.language import expression

SECRET = string_value("s").with_marks(SENSITIVE)
TREE = object_of({"a": tuple_of([unknown(NUMBER), SECRET]), "b": object_of({"c": unknown(STRING)})})


def test_paths() -> None:
    assert unknown_paths(TREE) == (("a", 0), ("b", "c"))
    assert sensitive_paths(TREE) == (("a", 1),)
    assert unknown_paths(unknown(NUMBER)) == ((),)
    assert has_unknown(TREE)
    assert not has_unknown(SECRET)


def test_marks_come_off_and_go_back() -> None:
    bare, marks = strip_marks(TREE)
    assert sensitive_paths(bare) == ()
    assert marks == {("a", 1): SENSITIVE}
    assert mark_paths(bare, marks) == TREE
    assert equal(bare, TREE)
    assert sensitive_paths(mark_paths(bare, [("b",), ("a", 9)], SENSITIVE)) == (("a",), ("b",))


def test_json_numbers() -> None:
    assert to_json(from_json([1, 2.5, 10**30, 1e3])) == [1, 2.5, 10**30, 1000]
    assert json_text(number(Decimal("0.1"))) == "0.1"
    with pytest.raises(ValueError, match="known only after apply"):
        to_json(TREE)
    with pytest.raises(ValueError, match="infinity"):
        to_json(from_json(Decimal("Infinity")))


def test_equality_looks_at_types() -> None:
    assert not equal(number(1), string_value("1"))
    assert not equal(from_json([True]), from_json([1]))
    assert equal(unknown(STRING), unknown(STRING))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dataset.titanic.rows + 1", ["dataset.titanic.rows"]),
        ("a.b[0].c[d.e].f", ["a.b[0].c", "d.e"]),
        ('a["k x"]', ['a["k x"]']),
        ("[for x in a.list : x.y + b.z if x != c]", ["a.list", "b.z", "c"]),
        ("{for k, v in a : k => v...}", ["a"]),
        ("a.b[*].c[d]", ["a.b", "d"]),
        ('"${a.b} %{ for x in c }${x}${y}%{ endfor }"', ["a.b", "c", "y"]),
        ("f(a.b, [c], { k = d, (e) = g })", ["a.b", "c", "d", "e", "g"]),
        ("(a.b).c", ["a.b"]),
        ("a.0.b", ["a[0].b"]),
        ("1 + 2", []),
    ],
)
def test_references(text: str, found: list[str]) -> None:
    assert [str(reference) for reference in references(expression(text))] == found


def test_the_range_of_a_reference_covers_its_steps() -> None:
    (first, second) = references(expression("a.b[c].d"))
    assert first.range.text == "a.b"
    assert second.range.text == "c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("1e-7", "0.0000001"),
        ("-0.0", "0"),
        ("1p3", "8"),
        ("inf", "+Inf"),
        ("1e400", "1" + "0" * 400),
    ],
)
def test_numbers_are_printed_in_decimal(text: str, expected: str) -> None:
    parsed = parse_number(text)
    assert parsed is not None
    assert format_number(parsed) == expected


@pytest.mark.parametrize("text", ["", "0x10", "1_0", " 1", "1e", "nan", "٣"])
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


def test_arithmetic_rounds_to_512_bits() -> None:
    # the digits are those of Terraform 1.11
    assert format_number(multiply(Decimal("1.1"), Decimal("1.1"))) == (
        "1.21000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000001"
    )
    assert multiply(divide(1, 3), 3) == 1
    assert canonical(Decimal("2.0")) == 2
