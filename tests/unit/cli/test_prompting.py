"""Expressions that are typed or piped in."""

from __future__ import annotations

import io
from time import process_time

import pytest

from mlform.cli.continuation import is_open
from mlform.cli.prompting import expressions, typed_path


@pytest.mark.parametrize(
    "text",
    [
        "[1,",
        "f(",
        "{ a = (1",
        '"${f(',
        '"${\nf("x"',
        "<<EOT\nx\n",
        "<<-EOT\n  ${\n[",
        "<<EOT\nEOTX",
        "[ # ]",
        "( // )",
        "/* 1",
        '["]"',
        '"$${" + (',
        "(<<EOT\n)\nEOT\n",
    ],
)
def test_open(text: str) -> None:
    assert is_open(text)


@pytest.mark.parametrize(
    "text",
    ["1", "[1]", '"["', '"\\"["', '"$${"', '"${f("]")}"', "<<EOT\n[\nEOT", ")", '"{"', "a[0]"],
)
def test_closed(text: str) -> None:
    assert not is_open(text)


def test_expressions_go_on_until_brackets_close() -> None:
    stream = io.StringIO("1 + 1\n\n[for x in y :\n  x]\n<<EOT\na\nEOT\nunfinished(\n")
    assert list(expressions(stream.readline)) == [
        "1 + 1",
        "[for x in y :\n  x]",
        "<<EOT\na\nEOT",
        "unfinished(",
    ]


def test_a_very_long_expression_is_followed_in_linear_time() -> None:
    lines = ["[\n", *("1,\n" for _ in range(50_000)), "]\n"]
    begin = process_time()
    found = list(expressions(iter([*lines, ""]).__next__))
    assert len(found) == 1
    assert process_time() - begin < 5


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("", ""),
        ("up", "up"),
        ("upper(var.re", "var.re"),
        ("1 + local.", "local."),
        ("[mlform_data.a.out", "mlform_data.a.out"),
        ('mlform_data.f["a b"].inp', 'mlform_data.f["a b"].inp'),
        ("mlform_data.c[0].", "mlform_data.c[0]."),
        ("mlform_data.c[*].o", "mlform_data.c[*].o"),
        ("x ? y :var.a", "var.a"),
        ("provider::mlform::f", "provider::mlform::f"),
        ("f(1) ", ""),
    ],
)
def test_what_is_completed(line: str, path: str) -> None:
    assert typed_path(line) == path
