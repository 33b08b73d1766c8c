"""The language gives the answers of Terraform 1.11 in the shared conformance cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlform.diagnostics import Diagnostics, Source
from mlform.hcl.parser import parse_expression
from mlform.lang.encode import json_text
from mlform.lang.functions import FunctionContext, functions
from mlform.lang.resolve import resolve
from mlform.lang.values import Value
from tests.language import locals_of, scope

CONFORMANCE = Path(__file__).parents[3].parent / "shared" / "conformance"

pytestmark = pytest.mark.skipif(
    not CONFORMANCE.is_dir(), reason="the folder shared/conformance is not beside this checkout"
)

# compressed bytes differ between implementations; the summary of an unbalanced call is the
# parser's, which is tested with it
DIFFERENT = {'base64gzip("hello")', "(1 + 2"}


def cases(name: str) -> list[dict[str, str]]:
    if not CONFORMANCE.is_dir():
        return []
    found: list[dict[str, str]] = json.loads((CONFORMANCE / name).read_text(encoding="utf-8"))
    return [
        case for case in found if "syntax_error" not in case and case["expression"] not in DIFFERENT
    ]


def outcome(expression: str, variables: dict[str, Value]) -> dict[str, str]:
    tree, problems = parse_expression(Source("case.mlf.hcl", expression))
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    if tree is not None and not problems:
        value = resolve(tree, scope(variables), diagnostics)
        if not len(diagnostics):
            return {"json": json_text(value)}
    return {"error": next(iter(diagnostics)).summary}


@pytest.mark.parametrize("case", cases("expressions.json"), ids=lambda case: case["name"])
def test_expression(case: dict[str, str]) -> None:
    context = locals_of((CONFORMANCE / "context.hcl").read_text(encoding="utf-8"))
    assert outcome(case["expression"], {"local": context}) == {"json": case["json"]}


@pytest.mark.parametrize("case", cases("functions.json"), ids=lambda case: case["expression"])
def test_function(case: dict[str, str]) -> None:
    expected = {key: case[key] for key in ("json", "error") if key in case}
    assert outcome(case["expression"], {}) == expected


def test_every_function_of_terraform_is_known() -> None:
    signatures = json.loads((CONFORMANCE / "signatures.json").read_text(encoding="utf-8"))
    names = set(signatures.get("function_signatures", signatures))
    assert names <= set(functions(FunctionContext()))


def test_parameters_are_named_as_in_terraform() -> None:
    signatures = json.loads((CONFORMANCE / "signatures.json").read_text(encoding="utf-8"))
    ours = functions(FunctionContext())
    for name, signature in signatures.get("function_signatures", signatures).items():
        if name in {"bcrypt", "rsadecrypt"}:
            continue
        expected = [parameter["name"] for parameter in signature.get("parameters", [])]
        assert [parameter.name for parameter in ours[name].parameters] == expected, name
        assert (ours[name].variadic is not None) == ("variadic_parameter" in signature), name
