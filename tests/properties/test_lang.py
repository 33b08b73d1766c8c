"""Properties of the language that hold for every value."""

from __future__ import annotations

import json
import re
import shutil
import subprocess  # noqa: TID251 - the oracle is a program
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.digests import Json
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.encode import equal, from_json, json_text, parse_json, to_json
from mlform.lang.numbers import add, canonical, format_number, parse_number, subtract
from mlform.lang.type_text import value_expression
from mlform.lang.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    SetType,
    TupleType,
    Type,
)
from tests.language import json_of, value_of

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=8),
)
DOCUMENTS: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdeé", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
TYPES: st.SearchStrategy[Type] = st.recursive(
    st.sampled_from([STRING, NUMBER, BOOL, DYNAMIC]),
    lambda inner: st.one_of(
        inner.map(ListType),
        inner.map(SetType),
        inner.map(MapType),
        st.lists(inner, max_size=3).map(lambda types: TupleType(tuple(types))),
    ),
    max_leaves=4,
)


@given(DOCUMENTS, TYPES)
def test_conversion_is_idempotent(document: Json, type_: Type) -> None:
    try:
        once = convert(from_json(document), type_)
    except ConversionError:
        return
    assert equal(convert(once, type_), once)


@given(DOCUMENTS)
def test_values_survive_json(document: Json) -> None:
    value = from_json(document)
    assert equal(from_json(to_json(value)), value)
    assert equal(parse_json(json_text(value)), value)


@given(DOCUMENTS)
def test_values_survive_being_written_as_expressions(document: Json) -> None:
    value = from_json(document)
    assert equal(value_of(value_expression(value)), value)


@given(DOCUMENTS)
def test_yaml_and_json_functions_are_inverses(document: Json) -> None:
    source = value_expression(from_json(document))
    assert json_of(f"jsondecode(jsonencode({source}))") == json_of(source)


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=20) | st.integers()


@given(NUMBERS)
def test_numbers_survive_being_printed(number: Decimal | int) -> None:
    amount = canonical(number)
    assert parse_number(format_number(amount)) == amount
    assert canonical(amount) == amount


@given(NUMBERS, NUMBERS)
def test_addition_commutes_and_subtraction_of_itself_is_zero(
    left: Decimal | int, right: Decimal | int
) -> None:
    mine, theirs = canonical(left), canonical(right)
    assert add(mine, theirs) == add(theirs, mine)
    assert subtract(mine, mine) == 0


TERRAFORM = shutil.which("terraform")
OPERANDS = st.one_of(
    st.integers(-100, 100).map(str),
    st.sampled_from(["0.1", "2.5", "1e3", "true", '"7"', '"x"', "null", "[1, 2]", "{ a = 1 }"]),
)
FORMULAS = st.recursive(
    OPERANDS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "==", "!=", "<", "&&"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(inner, inner, inner).map(lambda parts: "({} ? {} : {})".format(*parts)),
        inner.map(lambda part: f'"<${{{part}}}>"'),
        inner.map(lambda part: f"{part}[*]"),
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        inner.map(lambda part: f"try(tolist({part}), {part})"),
    ),
    max_leaves=5,
)


@pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not on the path")
@settings(max_examples=25, deadline=None)
@given(formula=FORMULAS)
def test_random_expressions_give_what_terraform_gives(
    formula: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    guarded = f'base64encode(try(jsonencode({formula}), "error"))'
    answer = terraform_console(guarded, tmp_path_factory.getbasetemp())
    if answer is not None:
        assert json_of(guarded) == answer


def terraform_console(expression: str, folder: Path) -> str | None:
    """Return the JSON of a string that Terraform's console prints, None if it is not known."""
    settings_file = folder / "terraform.rc"
    settings_file.touch()
    done = subprocess.run(  # noqa: S603 - a program found on the path, on text of our own
        [str(TERRAFORM), "console"],
        input=expression + "\n",
        capture_output=True,
        text=True,
        cwd=folder,
        env={"TF_CLI_CONFIG_FILE": str(settings_file), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    printed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).strip()
    return json.dumps(json.loads(printed)) if printed.startswith('"') else None
