"""Nearly a thousand answers read off Terraform 1.11, of values as its console prints them.

The expressions refer to the locals of `tests.properties.expressions`, of which some are unknown,
sensitive or ephemeral.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from mlform.diagnostics import Diagnostics, Source
from mlform.hcl.parser import parse_expression
from mlform.lang.resolve import resolve
from mlform.lang.values import Value
from tests.language import scope
from tests.properties.console import our_scope, printed

ANSWERS: list[dict[str, str]] = json.loads(
    (Path(__file__).parent / "answers.json").read_text(encoding="utf-8")
)


@cache
def variables() -> dict[str, Value]:
    return our_scope()


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["expression"])
def test_answer(case: dict[str, str]) -> None:
    tree, problems = parse_expression(Source("case.mlf.hcl", case["expression"]))
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    value = None if tree is None else resolve(tree, scope(variables()), diagnostics)
    if "error" in case:
        assert case["error"] in {item.summary for item in diagnostics}
    else:
        assert not diagnostics.items
        assert value is not None
        assert printed(value) == case["printed"]
