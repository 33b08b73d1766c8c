"""What the tests of the language share: resolving text."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.diagnostics import Diagnostic, Diagnostics, Source
from mlform.hcl.ast import Expression
from mlform.hcl.parser import parse, parse_expression
from mlform.lang.construct import object_of
from mlform.lang.encode import json_text
from mlform.lang.functions import FunctionContext, functions
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.values import Value

FUNCTIONS = functions(FunctionContext())


def expression(text: str) -> Expression:
    tree, problems = parse_expression(Source("test.mlf.hcl", text))
    assert not problems, problems
    assert tree is not None
    return tree


def scope(variables: Mapping[str, Value] | None = None) -> Scope:
    return Scope(variables=variables or {}, functions=FUNCTIONS)


def attempt(
    text: str, variables: Mapping[str, Value] | None = None
) -> tuple[Value, list[Diagnostic]]:
    diagnostics = Diagnostics()
    value = resolve(expression(text), scope(variables), diagnostics)
    return value, list(diagnostics)


def value_of(text: str, variables: Mapping[str, Value] | None = None) -> Value:
    value, problems = attempt(text, variables)
    assert not problems, problems
    return value


def json_of(text: str, variables: Mapping[str, Value] | None = None) -> str:
    return json_text(value_of(text, variables))


def problem_of(text: str, variables: Mapping[str, Value] | None = None) -> Diagnostic:
    _, problems = attempt(text, variables)
    assert len(problems) == 1, problems
    return problems[0]


def locals_of(text: str) -> Value:
    body, problems = parse(Source("context.hcl", text))
    assert not problems, problems
    return object_of(
        {
            attribute.name: resolve(attribute.expression, scope(), Diagnostics())
            for attribute in body.blocks[0].body.attributes
        }
    )
