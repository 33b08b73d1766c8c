"""Properties of the HCL front end that hold for every tree and every text."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mlform.diagnostics import Source, SourceRange
from mlform.hcl.ast import (
    Attribute,
    Binary,
    BinaryOperator,
    Block,
    Body,
    Call,
    Conditional,
    Expression,
    ForDirective,
    ForObject,
    ForTuple,
    GetAttribute,
    IfDirective,
    Index,
    Interpolation,
    Literal,
    Object,
    ObjectItem,
    Parentheses,
    Splat,
    SplatItem,
    Template,
    TemplatePart,
    Text,
    Tuple,
    Unary,
    UnaryOperator,
    Variable,
)
from mlform.hcl.json_syntax import parse_json
from mlform.hcl.json_tree import JsonProperty, bare, blocks_of, json_problems, literal
from mlform.hcl.parser import decode_source, parse, parse_expression, parse_template
from tests.printer import PRECEDENCE, print_body, print_expression

NOWHERE = SourceRange(Source("nowhere", ""), 0, 0)
KEYWORDS = {"true", "false", "null", "for", "if", "in", "else", "endif", "endfor"}
FRAGMENTS = [
    *'{}[]()"=:,.?*\n\r\t \\~$%<>!+-/#&|@',
    "${", "%{", "$${", "~}", "<<EOT\n", "<<-A\n", "EOT\n", "A\n", "...", "=>", "::", "/*", "*/",
    "a", "b = 1\n", "for ", "in ", "if ", "else", "endif", "endfor", "x ", "1", "0.5", "1e9",
    "é", "e\u0301", "\u200b", "\ufeff", "“", "true", "null", '"s"', "c {\n", "\x00", "\\u00", "'",
]  # fmt: skip

names = st.from_regex(r"[a-z_][a-z0-9_-]{0,5}", fullmatch=True).filter(
    lambda name: name not in KEYWORDS
) | st.sampled_from(["π", "naïve", "é"])
texts = st.text(
    st.sampled_from('ab ${}%~"\\\n\r\té中😀#/') | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=8,
).map(lambda text: unicodedata.normalize("NFC", text))
numbers = st.integers(0, 10**30) | st.decimals(
    min_value=0, max_value=Decimal("1e20"), allow_nan=False, places=4
)


def plain(text: str) -> Template:
    return Template((Text(text, NOWHERE),) if text else (), NOWHERE)


literals = st.one_of(numbers, st.booleans(), st.none()).map(lambda value: Literal(value, NOWHERE))
leaves: st.SearchStrategy[Expression] = st.one_of(
    literals, texts.map(plain), names.map(lambda name: Variable(name, NOWHERE))
)


def strength(expression: Expression) -> int:
    match expression:
        case Conditional():
            return 0
        case Binary(operator):
            return PRECEDENCE[operator]
        case Unary():
            return 7
        case _:
            return 8


def operand(expression: Expression, wanted: int) -> Expression:
    return expression if strength(expression) >= wanted else Parentheses(expression, NOWHERE)


def target(expression: Expression) -> Expression:
    if isinstance(expression, Splat):
        return Parentheses(expression, NOWHERE)
    return operand(expression, 8)


def binary(operator: BinaryOperator, left: Expression, right: Expression) -> Expression:
    level = PRECEDENCE[operator]
    return Binary(operator, operand(left, level), operand(right, level + 1), NOWHERE)


def steps(root: Expression, path: list[str]) -> Expression:
    for name in path:
        root = GetAttribute(root, name, NOWHERE, NOWHERE)
    return root


def merged(parts: list[TemplatePart]) -> tuple[TemplatePart, ...]:
    """Leave out texts that stand beside a text: the parser joins them to one."""
    kept: list[TemplatePart] = []
    for part in parts:
        if not (isinstance(part, Text) and kept and isinstance(kept[-1], Text)):
            kept.append(part)
    return tuple(kept)


def template_parts(
    inner: st.SearchStrategy[Expression],
) -> st.SearchStrategy[tuple[TemplatePart, ...]]:
    simple: st.SearchStrategy[TemplatePart] = st.one_of(
        texts.map(lambda text: Text(text, NOWHERE)),
        inner.map(lambda expression: Interpolation(expression, NOWHERE)),
    )
    flat = st.lists(simple, max_size=3).map(merged)
    directives: st.SearchStrategy[TemplatePart] = st.one_of(
        st.builds(IfDirective, inner, flat, flat, st.just(NOWHERE)),
        st.builds(ForDirective, st.none() | names, names, inner, flat, st.just(NOWHERE)),
    )
    return st.lists(simple | directives, max_size=4).map(merged)


def keys(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        names.map(plain),
        st.just(plain("for")),
        texts.map(plain),
        inner.map(lambda expression: Parentheses(expression, NOWHERE)),
    )


def compound(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    here = st.just(NOWHERE)
    optional = st.none() | inner
    targets = inner.map(target)
    paths = st.lists(names | st.sampled_from(["0", "12"]), max_size=3)
    items = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        st.builds(binary, st.sampled_from(BinaryOperator), inner, inner),
        st.builds(
            lambda sign, operated: Unary(sign, operand(operated, 7), NOWHERE),
            st.sampled_from(UnaryOperator),
            inner,
        ),
        st.builds(
            lambda condition, then, otherwise: Conditional(
                operand(condition, 1), then, otherwise, NOWHERE
            ),
            inner,
            inner,
            inner,
        ),
        st.builds(Parentheses, inner, here),
        st.builds(Tuple, items, here),
        st.builds(
            lambda name, arguments, expand: Call(
                name, arguments, expand and bool(arguments), NOWHERE, NOWHERE
            ),
            names | st.just("provider::mlform::schema"),
            items,
            st.booleans(),
        ),
        st.builds(
            Object,
            st.lists(st.builds(ObjectItem, keys(inner), inner), max_size=3).map(tuple),
            here,
        ),
        st.builds(ForTuple, st.none() | names, names, inner, inner, optional, here),
        st.builds(
            ForObject, st.none() | names, names, inner, inner, inner, st.booleans(), optional, here
        ),
        st.builds(steps, targets, paths),
        st.builds(Index, targets, inner, here),
        st.builds(
            lambda root, path, key: Splat(
                root, Index(steps(SplatItem(NOWHERE), path), key, NOWHERE), full=True, range=NOWHERE
            ),
            targets,
            paths,
            inner,
        ),
        st.builds(
            lambda root, path: Splat(
                root, steps(SplatItem(NOWHERE), path), full=False, range=NOWHERE
            ),
            targets,
            paths,
        ),
        st.builds(Template, template_parts(inner), here),
    )


expressions = st.recursive(leaves, compound, max_leaves=12)
attributes = st.builds(Attribute, names, expressions, st.just(NOWHERE), st.just(NOWHERE))
unique_attributes = st.lists(attributes, max_size=3, unique_by=lambda item: item.name).map(tuple)


def bodies(blocks: st.SearchStrategy[tuple[Block, ...]]) -> st.SearchStrategy[Body]:
    return st.builds(Body, unique_attributes, blocks, st.just(NOWHERE))


def block_lists(inner: st.SearchStrategy[Body]) -> st.SearchStrategy[tuple[Block, ...]]:
    labels = st.lists(names | texts | st.just(""), max_size=2).map(tuple)
    block = st.builds(Block, names, labels, inner, *[st.just(NOWHERE)] * 2, st.just(()))
    return st.lists(block, max_size=2).map(tuple)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
JSON_FRAGMENTS = [
    *'{}[]:,"\\ \n', '"a"', '"b": ', '"${x}"', '"${"', '"%{ if a }"', "1", "-0.5e3", "01", "true",
    "nul", "//", '"//": 1,', '"\\u12', '"\\ud83d\\ude00"', "é", "\x00",
    '{"a": 1, "a": [2]}', "'", "=",
]  # fmt: skip
json_soups = st.lists(st.sampled_from(JSON_FRAGMENTS), max_size=30).map("".join)
trees = st.recursive(bodies(st.just(())), lambda inner: bodies(block_lists(inner)), max_leaves=4)
soups = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)


@given(expressions)
def test_parsing_a_printed_expression_gives_it_back(expression: Expression) -> None:
    source = Source("main", print_expression(expression))
    assert parse_expression(source) == (expression, ())


@given(trees)
def test_parsing_a_printed_body_gives_it_back(body: Body) -> None:
    assert parse(Source("main", print_body(body))) == (body, ())


@given(soups)
def test_printing_what_was_read_without_errors_and_reading_it_again_gives_the_same(
    text: str,
) -> None:
    for prefix in ("", "a = "):
        body, diagnostics = parse(Source("main", prefix + text))
        if not diagnostics:
            assert parse(Source("again", print_body(body))) == (body, ())


@given(st.binary(max_size=200) | soups.map(lambda text: text.encode()))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    source, _ = decode_source("main", data)
    results = (parse(source), parse_expression(source), parse_template(source))
    for _, diagnostics in results:
        for diagnostic in diagnostics:
            place = diagnostic.range
            assert place is not None
            assert 0 <= place.start_offset <= place.end_offset <= len(source.text)
            assert diagnostic.summary
            assert diagnostic.detail


@given(st.text("ab)](1=+,. ([{'", max_size=12))
def test_a_bad_line_does_not_hide_the_next(text: str) -> None:
    body, diagnostics = parse(Source("main", f'a = ) {text}\n\nlater "x" {{\n  b = 1\n}}\n'))
    assert diagnostics
    assert [block.type for block in body.blocks] == ["later"]


def plain_value(expression: Expression) -> object:
    match expression:
        case Literal():
            return expression.value
        case Template():
            return expression.constant
        case Tuple():
            return [plain_value(item) for item in expression.items]
        case Object():
            return [(plain_value(item.key), plain_value(item.value)) for item in expression.items]
        case _:
            raise TypeError(expression)


def normal(value: object) -> object:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case list():
            return [normal(item) for item in value]
        case tuple():
            return tuple(normal(item) for item in value)
        case _:
            return value


@given(json_values, st.booleans())
def test_literal_json_is_what_the_standard_library_reads(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    text = json.dumps({"a": value}, ensure_ascii=ascii_only)
    body, diagnostics = parse_json(Source("main.json", text))
    assert diagnostics == ()
    (attribute,) = body.attributes
    assert isinstance(attribute, JsonProperty)
    wanted = json.loads(json.dumps(value), parse_float=Decimal, object_pairs_hook=list)
    assert plain_value(literal(attribute.value)) == normal(wanted)


@given(expressions, st.booleans())
def test_an_expression_in_a_json_string_is_that_expression(
    expression: Expression,
    ascii_only: bool,  # noqa: FBT001 - drawn
) -> None:
    printed = print_expression(expression)
    strings = {"template": f"${{{printed}}}", "bare": printed}
    text = json.dumps(strings, ensure_ascii=ascii_only)
    body, diagnostics = parse_json(Source("main.json", text))
    assert diagnostics == ()
    template, alone = body.attributes
    assert isinstance(template, JsonProperty)
    assert isinstance(alone, JsonProperty)
    assert list(json_problems([template])) == []
    assert template.expression == Template((Interpolation(expression, NOWHERE),), NOWHERE)
    assert bare(alone.value) == (expression, ())


@given(st.binary(max_size=200) | json_soups.map(lambda text: text.encode()))
def test_no_bytes_make_the_json_parser_raise(data: bytes) -> None:
    source, _ = decode_source("main", data)
    body, problems = parse_json(source)
    found = [*problems, *json_problems(body.attributes)]
    for attribute in body.attributes:
        assert isinstance(attribute, JsonProperty)
        found += bare(attribute.value)[1]
        for labels in ((), ("a",), ("a", "b")):
            found += blocks_of(attribute, labels)[1]
    for diagnostic in found:
        place = diagnostic.range
        assert place is not None
        assert place.source is source
        assert 0 <= place.start_offset <= place.end_offset <= len(source.text)
        assert diagnostic.summary
        assert diagnostic.detail
