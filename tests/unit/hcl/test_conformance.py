"""The answers of Terraform, read off it for expressions and files written for this project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlform.diagnostics import Source
from mlform.hcl.parser import parse

FOLDER = Path(__file__).parents[3].parent / "shared" / "conformance"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the conformance answers are not at {FOLDER}"
)


def cases(name: str) -> list[dict[str, str]]:
    path = FOLDER / f"{name}.json"
    loaded: list[dict[str, str]] = json.loads(path.read_text()) if path.is_file() else []
    return loaded


def summaries(text: str) -> list[str]:
    _, diagnostics = parse(Source("main.tf", text))
    return [diagnostic.summary for diagnostic in diagnostics]


@pytest.mark.parametrize("case", cases("expressions"), ids=lambda case: case["name"])
def test_expression(case: dict[str, str]) -> None:
    found = summaries(f"x = {case['expression']}\n")
    wanted = [case["syntax_error"]] if "syntax_error" in case else []
    assert found[:1] == wanted


@pytest.mark.parametrize("case", cases("functions"), ids=lambda case: case["expression"])
def test_function_call(case: dict[str, str]) -> None:
    # These were read off inside a call, which shows in the summary of an open parenthesis.
    found = summaries(f"x = jsonencode({case['expression']}\n)\n")
    # An error that is none of syntax is found when the expression is resolved.
    assert found[:1] in ([], [case.get("error")])


@pytest.mark.parametrize("case", cases("files"), ids=lambda case: case["name"])
def test_file(case: dict[str, str]) -> None:
    _, diagnostics = parse(Source("main.tf", case["source"]))
    found = [
        (diagnostic.summary, str(diagnostic.range.start.line) if diagnostic.range else None)
        for diagnostic in diagnostics
    ]
    assert found[:1] == ([(case["error"], str(case["line"]))] if "error" in case else [])
