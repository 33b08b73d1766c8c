"""Properties of the formatter: it changes no meaning, and gives what `terraform fmt` gives."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlform.diagnostics import Source
from mlform.hcl.ast import (
    Attribute,
    Block,
    Body,
    Expression,
    Interpolation,
    Parentheses,
    Template,
)
from mlform.hcl.formatter import format_source
from mlform.hcl.parser import decode_source, parse, parse_expression
from mlform.operations.format_files import format_bytes
from tests.odd_files import OddFiles
from tests.printer import print_body
from tests.properties.test_hcl import soups, trees
from tests.terraform import TERRAFORM, terraform_fmt

OLD_TYPES = {
    "list": "list(any)",
    "map": "map(any)",
    "set": "set(any)",
    '"string"': "string",
    '"list"': "list(string)",
    '"map"': "map(string)",
}
FILES = 400
_NESTED = re.compile(rb'"\$\{(?:[~\s]|/\*.*?\*/)*"\$\{', re.DOTALL)


def formatted(text: str) -> str:
    result, problems = format_source(Source("main", text))
    assert not problems, problems[0]
    return result


def unwrapped(expression: Expression) -> Expression:
    """Return `x` of `"${x}"` and of `(x)`, which the formatter may make of it."""
    match expression:
        case Template((Interpolation(inner),)) | Parentheses(inner):
            return unwrapped(inner)
        case _:
            return expression


def modern_type(expression: Expression) -> Expression:
    text = OLD_TYPES.get(expression.range.text)
    if text is None:
        return expression
    modern, _ = parse_expression(Source("type", text))
    assert modern is not None
    return modern


def meaning(body: Body, *, depth: int = 0, in_variable: bool = False) -> Body:
    """Return a tree without the differences between old and new ways to write the same."""

    def attribute(item: Attribute) -> Attribute:
        is_type = in_variable and item.name == "type"
        return replace(
            item,
            expression=modern_type(item.expression) if is_type else unwrapped(item.expression),
        )

    def block(item: Block) -> Block:
        is_variable = depth == 0 and item.type == "variable"
        return replace(item, body=meaning(item.body, depth=depth + 1, in_variable=is_variable))

    return replace(
        body,
        attributes=tuple(map(attribute, body.attributes)),
        blocks=tuple(map(block, body.blocks)),
    )


def check(text: str) -> None:
    """Check that formatting a text keeps its meaning, and formatting the result changes nothing."""
    before, problems = parse(Source("before", text))
    assert not problems
    result = formatted(text)
    after, problems = parse(Source("after", result))
    assert not problems, f"{problems[0]}\n{text}\n---\n{result}"
    assert meaning(after) == meaning(before), f"{text}\n---\n{result}"
    assert formatted(result) == result


@given(trees)
def test_the_printed_form_of_every_tree_keeps_its_meaning(body: Body) -> None:
    check(print_body(body))


@given(st.integers(0, 2**32))
def test_files_written_oddly_keep_their_meaning(seed: int) -> None:
    source, _ = decode_source("odd", OddFiles(seed).file().encode())
    if not parse(source)[1]:
        check(source.text)


@given(soups)
def test_what_reads_without_errors_keeps_its_meaning(text: str) -> None:
    for prefix in ("", "a = ", 'a = "${'):
        if not parse(Source("main", prefix + text))[1]:
            check(prefix + text)


@given(st.binary(max_size=200) | soups.map(lambda text: text.encode()))
def test_no_bytes_make_the_formatter_raise(content: bytes) -> None:
    file, problems = format_bytes("main", content)
    assert (file is None) == bool(problems)


@given(soups)
def test_a_text_with_errors_comes_back_as_it_is(text: str) -> None:
    result, problems = format_source(Source("main", f"a = ) {text}"))
    assert problems
    assert result == f"a = ) {text}"


@pytest.mark.skipif(TERRAFORM is None, reason="needs the terraform program")
@pytest.mark.parametrize("seed", [1, 2])
def test_terraform_gives_the_same_bytes(seed: int, tmp_path: Path) -> None:
    """Left out are files that no longer parse as Terraform writes them, and `"${"${x}"}"`."""
    odd = OddFiles(seed)
    contents = [odd.file().encode() for _ in range(FILES)]
    compared = 0
    for content, theirs in zip(contents, terraform_fmt(tmp_path, contents), strict=True):
        ours, _ = format_bytes("odd", content)
        if ours is None or theirs is None or _NESTED.search(content):
            continue
        if ours.after != theirs and format_bytes("theirs", theirs)[1]:
            continue
        compared += 1
        assert ours.after.decode() == theirs.decode(), content.decode()
    assert compared > FILES / 2
