from __future__ import annotations

import time

import pytest

from mlform.diagnostics import Source
from mlform.hcl.ast import ForDirective, Interpolation, Literal, Splat, Template, Text
from mlform.hcl.cursor import MAX_CHAIN, MAX_DEPTH
from mlform.hcl.parser import decode_source, parse, parse_expression, parse_template
from tests.printer import print_expression


def faults(text: str) -> list[tuple[str, int, int]]:
    _, diagnostics = parse(Source("main", text))
    places = [(diagnostic.summary, diagnostic.range) for diagnostic in diagnostics]
    return [
        (summary, place.start.line, place.start.column)
        for summary, place in places
        if place is not None
    ]


def template(text: str) -> Template:
    expression, diagnostics = parse_expression(Source("main", text))
    assert diagnostics == ()
    assert isinstance(expression, Template)
    return expression


def test_body_has_arguments_and_blocks_with_their_ranges() -> None:
    body, diagnostics = parse(Source("main", 'a = 1\nb "x" y {\n  c = "d" # e\n}\n'))
    assert diagnostics == ()
    assert [attribute.name for attribute in body.attributes] == ["a"]
    (block,) = body.blocks
    assert (block.type, block.labels, block.range.text) == ("b", ("x", "y"), 'b "x" y')
    assert block.body.attributes[0].range.text == 'c = "d"'
    assert block.body.range.text == '{\n  c = "d" # e\n}'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\n\r\t\"\\\u00e9\U0001F600"', '\n\r\t"\\é😀'),
        ('"$${a} %%{b} $ % $$"', "${a} %{b} $ % $$"),
        ('"e\u0301"', "é"),
        ("<<A\n  x\n\n A\n", "  x\n\n"),
        ("<<-A\n    x\n      y\n\n    A\n", "x\n  y\n\n"),
        ("<<A\r\nx\r\nA\r\n", "x\r\n"),
        ("<<A\n\\n\nA\n", "\\n\n"),
    ],
)
def test_text_of_a_template(text: str, value: str) -> None:
    assert template(text).constant == value


def test_strip_markers_take_the_space_beside_them() -> None:
    parts = template('"a ${~ b ~} c"').parts
    assert [part.value for part in parts if isinstance(part, Text)] == ["a", "c"]


def test_strip_marker_in_a_heredoc_ends_at_the_line() -> None:
    parts = template("<<-A\n    %{ for x in y ~}\n    - ${x}\n    %{ endfor ~}\n    A\n").parts
    (loop,) = parts
    assert isinstance(loop, ForDirective)
    first, second, third = loop.body
    assert isinstance(first, Text)
    assert isinstance(second, Interpolation)
    assert isinstance(third, Text)
    assert (first.value, third.value) == ("    - ", "\n")


def test_text_stripped_to_nothing_still_makes_a_string() -> None:
    stripped = template('"${a ~} "')
    assert len(stripped.parts) == 2
    assert template(print_expression(stripped)) == stripped
    assert len(template('"${a}"').parts) == 1


def test_attribute_splat_ends_at_an_index_and_full_splat_does_not() -> None:
    attribute_only, _ = parse_expression(Source("main", "a.*.b[0]"))
    full, _ = parse_expression(Source("main", "a[*].b[0]"))
    assert not isinstance(attribute_only, Splat)
    assert isinstance(full, Splat)
    assert print_expression(full) == "a[*].b[0]"


def test_every_broken_item_is_reported_once_and_the_others_are_kept() -> None:
    text = (
        "a = [1 2]\nb = \n[1]\nc {\n  d = )\n  e = 1\n}\nf = <<A\n${x y}\nA\n"
        'g = "x\nh {\n  i = "${j"\n  k = 2\n}\nl = {\n  m = (1\n  n = 2\n}\no = 3\n'
    )
    assert [(summary, line) for summary, line, _ in faults(text)] == [
        ("Missing item separator", 1),
        ("Invalid expression", 2),
        ("Invalid expression", 5),
        ("Extra characters after interpolation expression", 9),
        ("Invalid multi-line string", 11),
        ("Unclosed template interpolation sequence", 13),
        ("Unbalanced parentheses", 18),
    ]
    body, _ = parse(Source("main", text))
    assert [attribute.name for attribute in body.attributes] == ["o"]
    assert [[item.name for item in block.body.attributes] for block in body.blocks] == [
        ["e"],
        ["k"],
    ]


def test_text_over_several_lines_in_quotes_is_one_error() -> None:
    assert faults('a = "one\ntwo"\nb = 1\n') == [("Invalid multi-line string", 1, 9)]


def test_unclosed_block_is_reported_at_its_brace() -> None:
    assert faults("a {\n  b = 1\n") == [("Unclosed configuration block", 1, 3)]


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "(" * 5000,
        "a = " + '"${' * 5000,
        "a {\n" * 5000,
        "a = " + "-" * 5000 + "1\n",
        "a = " + "[for x in " * 5000,
        "a = b" + "[0" * 5000,
    ],
)
def test_deep_nesting_is_an_error_of_its_own(text: str) -> None:
    assert [summary for summary, _, _ in faults(text)] == ["Nesting too deep"]


def test_nesting_and_rows_up_to_the_limits_are_read() -> None:
    assert faults("a = " + "(" * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1) + "\n") == []
    assert faults("a = 1" + " + 1" * MAX_CHAIN + "\n") == []
    assert [summary for summary, *_ in faults("a = 1" + "+1" * (MAX_CHAIN + 1) + "\n")] == [
        "Expression too long"
    ]


@pytest.mark.parametrize("text", ['a = "${x\n', "a = (\n", "}\n a = (\n", "a = 1\n"])
def test_very_many_errors_end_in_time(text: str) -> None:
    assert len(faults(text * 3000)) <= 3000


def test_a_reference_as_key_is_ambiguous() -> None:
    assert faults("a = { b.c = 1 }\n") == [("Ambiguous attribute key", 1, 7)]
    assert faults("a = { (b.c) = 1, d = 2 }\n") == []


def test_bare_template_has_no_quotes_and_no_escapes() -> None:
    parsed, diagnostics = parse_template(Source("motd", 'say "${name}"\\n\n'))
    assert diagnostics == ()
    first, second, third = parsed.parts
    assert isinstance(first, Text)
    assert isinstance(second, Interpolation)
    assert isinstance(third, Text)
    assert (first.value, third.value) == ('say "', '"\\n\n')


def test_expression_alone_may_have_line_breaks_around_it_and_nothing_else() -> None:
    assert parse_expression(Source("main", "\n1\n"))[0] == parse_expression(Source("m", "1"))[0]
    _, diagnostics = parse_expression(Source("main", "1 2"))
    assert [diagnostic.summary for diagnostic in diagnostics] == [
        "Extra characters after expression"
    ]


def test_numbers_are_exact() -> None:
    for text, wanted in (("9" * 5000, "9" * 5000), ("0.1", "0.1"), ("1e3", "1E+3")):
        expression, diagnostics = parse_expression(Source("main", text))
        assert diagnostics == ()
        assert isinstance(expression, Literal)
        assert str(expression.value) == wanted


def test_byte_order_mark_is_dropped() -> None:
    source, diagnostics = decode_source("main", b"\xef\xbb\xbfa = 1\n")
    assert (source.text, diagnostics) == ("a = 1\n", ())


def test_bytes_that_are_not_utf8_are_reported_where_they_are() -> None:
    _, (diagnostic,) = decode_source("main", "é = 1\nb = ".encode() + b"\xff\n")
    assert diagnostic.summary == "Invalid character encoding"
    assert diagnostic.range is not None
    assert (diagnostic.range.start.line, diagnostic.range.start.column) == (2, 5)


def test_a_nul_is_text_in_strings_only() -> None:
    assert faults('a = "x\0y"\n') == []
    assert faults("a = \0\n") == [("Invalid character", 1, 5)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a = 1,\n", ("Unexpected comma after argument", 1, 6)),
        ("a = { b, c }\n", ("Missing attribute value", 1, 8)),
        ("a = 1e5.5\n", ("Invalid number literal", 1, 5)),
        ("a = 1.5.5\n", ("Invalid number literal", 1, 5)),
    ],
)
def test_summaries_are_those_of_terraform(text: str, wanted: tuple[str, int, int]) -> None:
    assert faults(text) == [wanted]


def test_closing_marker_of_a_heredoc_may_have_space_on_both_sides() -> None:
    assert template("<<A\nx\n  A \t\n").constant == "x\n"
    assert faults("a = <<A\nx\n A \nb = 1\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "x" * 10_000_000,
        'a = "' + "x" * 10_000_000,
        "a = [" + "1, " * 200_000,
        "a = " + "1." * 2_000_000,
        'a = "' + "\\n" * 2_000_000 + '"\n',
        "a = " + '"' * 1_000_000,
        "# " + "x" * 10_000_000,
        "/* " + "*" * 10_000_000,
    ],
    ids=range(8),
)
def test_long_lines_end_in_time(text: str) -> None:
    begin = time.perf_counter()
    _, diagnostics = parse(Source("main", text))
    assert len(diagnostics) <= 201
    assert time.perf_counter() - begin < 30
