"""Properties of the language that hold for every value."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
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
    ObjectType,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.values import Value
from tests.language import attempt, json_of, value_of
from tests.properties.console import TERRAFORM, Answer, Console, our_scope, printed
from tests.properties.expressions import Expressions

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=8)
JSON_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False, width=32)
SCALARS = st.one_of(st.none(), st.booleans(), JSON_NUMBERS, TEXTS)
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
        st.builds(
            lambda types, optional: ObjectType(
                tuple(sorted(types.items())), optional & types.keys()
            ),
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.frozensets(st.sampled_from("abc")),
        ),
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


@given(st.data())
def test_json_is_read_as_a_type_as_it_is_converted_to_it(data: st.DataObject) -> None:
    type_ = data.draw(TYPES)
    document = data.draw(_documents_of(type_))
    try:
        wanted = convert(from_json(document), type_)
    except ConversionError as error:
        with pytest.raises(ConversionError, match=re.escape(str(error))):
            from_json(document, type_)
    else:
        assert from_json(document, type_) == wanted


def _documents_of(type_: Type) -> st.SearchStrategy[Json]:
    """Documents that are of a type for the most part."""
    fitting: st.SearchStrategy[Json]
    match type_:
        case ListType() | SetType():
            fitting = st.lists(_documents_of(type_.element), max_size=3)
        case MapType():
            fitting = st.dictionaries(st.text("ab", max_size=2), _documents_of(type_.element))
        case TupleType():
            fitting = st.tuples(*map(_documents_of, type_.elements)).map(list)
        case ObjectType():
            members = {name: _documents_of(each) for name, each in type_.attributes}
            needed = {name: each for name, each in members.items() if name not in type_.optional}
            others = {name: members[name] for name in type_.optional} | {"z": DOCUMENTS}
            fitting = st.fixed_dictionaries(needed, optional=others)
        case _:
            fitting = {STRING: TEXTS, NUMBER: JSON_NUMBERS, BOOL: st.booleans()}.get(
                type_, DOCUMENTS
            )
    return st.one_of(fitting, fitting, fitting, st.none(), DOCUMENTS)


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


@pytest.fixture
def console(tmp_path: Path) -> Console:
    if TERRAFORM is None:
        pytest.skip("the terraform program is not on the path")
    return Console(tmp_path)


# what Terraform only finds out at apply, mlform finds out at plan; `null` without a type makes
# functions of Terraform give up; -0 is 0
EARLIER = {
    "Invalid index",
    "Incorrect condition type",
    "Invalid 'for' condition",
    "Invalid object key",
    "Incorrect key type",
    "Invalid template interpolation value",
}


def check_expressions(seed: int, count: int, depth: int, console: Console) -> None:
    draw, variables = Expressions(seed), our_scope()
    wrong: list[str] = []
    texts: list[str] = []
    values: list[Value] = []
    for _ in range(count):
        text = draw.draw(depth)
        value, problems = attempt(text, variables)
        if not problems:
            texts.append(text)
            values.append(value)
            continue
        theirs = console.answer(text)
        said = {problem.summary for problem in problems}
        unsettled = theirs.printed == "(known after apply)" and (said & EARLIER or "null" in text)
        # of several errors in one expression Terraform may name another one first
        same = theirs.error in said or (depth > 1 and theirs.error)
        if not same and not unsettled:
            wrong.append(f"{text}\n  ours: {said}\n  theirs: {theirs}")
    for at in range(0, len(texts), 40):
        for text in console.differing(texts[at : at + 40], values[at : at + 40]):
            theirs = console.answer(f"[{text}]")
            ours = printed(values[texts.index(text)])
            if not agrees(ours, theirs):
                wrong.append(f"{text}\n  ours: {ours}\n  theirs: {theirs}")
    assert not wrong, f"seed {seed}:\n" + "\n".join(wrong)


def agrees(ours: str, theirs: Answer) -> bool:
    """Whether mlform knows what Terraform knows, or more."""
    pattern = re.escape(theirs.printed.removeprefix("[\n  ").removesuffix(",\n]"))
    pattern = pattern.replace(re.escape("(known after apply)"), ".*")
    lines = re.sub(r"\s+", " ", ours)
    return re.fullmatch(re.sub(r"(\\\s|\s)+", " ", pattern).replace("-0", "-?0"), lines) is not None


@pytest.mark.parametrize("seed", range(3))
def test_random_expressions_give_what_terraform_gives(seed: int, console: Console) -> None:
    check_expressions(seed, 60, 1, console)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_many_random_expressions_give_what_terraform_gives(seed: int, console: Console) -> None:
    check_expressions(seed, 300, 1 + seed % 2, console)
