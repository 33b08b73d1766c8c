"""Addresses with keys of any text: written as Terraform writes them, read back as they were."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlform.addresses import ModuleStep, ResourceAddress, parse_address, parse_target, print_key
from mlform.diagnostics import Source
from mlform.hcl import ast
from mlform.hcl.parser import parse_expression

_KEYS = st.text(st.characters(exclude_categories=["Cs"])).map(
    lambda text: unicodedata.normalize("NFC", text)
)


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("", '[""]'),
        ("a b", '["a b"]'),
        ("ключ 😀", '["ключ 😀"]'),
        ('q"uote', r'["q\"uote"]'),
        ("back\\slash", r'["back\\slash"]'),
        ("new\nline\r\ttab", r'["new\nline\r\ttab"]'),
        ("${x} %{if} $5 100%", '["$${x} %%{if} $5 100%"]'),
        ("esc\x1b[31m\x00\x07\b", r'["esc\u001b[31m\u0000\u0007\u0008"]'),
        ("\u202eevil", r'["\u202eevil"]'),
        ("\U000e0001", r'["\U000e0001"]'),
    ],
)
def test_keys_are_written_as_terraform_writes_them(key: str, printed: str) -> None:
    assert print_key(key) == printed


@given(_KEYS)
def test_an_address_is_read_as_what_it_was_printed_from(key: str) -> None:
    address = ResourceAddress("model", "a", key, (ModuleStep("m", key),))
    text = str(address)
    assert text.isprintable()
    assert parse_address(text) == address


@given(_KEYS)
def test_what_is_printed_is_an_expression_of_the_language(key: str) -> None:
    if "$${" in key or "%%{" in key:
        return  # HCL itself has no unambiguous form for these
    expression, problems = parse_expression(Source("test", f"a.b{print_key(key)}"))
    assert not problems
    assert isinstance(expression, ast.Index)
    template = expression.key
    assert isinstance(template, ast.Template)
    assert template.constant == key


@given(_KEYS)
def test_keys_as_programs_write_them_in_json_are_read_too(key: str) -> None:
    if "${" in key or "%{" in key:
        return  # doubled or not, both are one text
    assert parse_address(f"model.a[{json.dumps(key)}]") == ResourceAddress("model", "a", key)


def test_what_a_template_would_be_is_text_in_a_key() -> None:
    assert parse_target('a.b["${x}"]') == parse_target('a.b["$${x}"]')


@pytest.mark.parametrize("key", [r"\x", r"\ud83d", r"\U99999999", r"\u12"])
def test_an_escape_that_stands_for_nothing_is_told(key: str) -> None:
    with pytest.raises(ValueError, match="stands for no character"):
        parse_address(f'model.a["{key}"]')
