"""`provider::mlform::` functions that read and write the language itself.

They are the twins of those of Terraform's built-in provider.
"""

from __future__ import annotations

import re
from typing import Final

from mlform.diagnostics import Diagnostic, Diagnostics, Source
from mlform.hcl.parser import parse
from mlform.lang.construct import amount, entries_of, is_mapping, object_of, string_value, text
from mlform.lang.function import Function, FunctionError, Parameter
from mlform.lang.numbers import format_number
from mlform.lang.references import references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.type_text import quoted
from mlform.lang.types import STRING
from mlform.lang.values import Value

_NAMESPACE: Final = "provider::mlform::"
_IDENTIFIER: Final = re.compile(r"[^\W\d][\w-]*")


def _decode(source: Value) -> Value:
    body, problems = parse(Source("<decode_mlfvars argument>", text(source)))
    if problems:
        raise FunctionError(f"the text is no HCL: {_said(problems[0])}")
    if body.blocks:
        block = body.blocks[0]
        raise FunctionError(
            f'{block.type_range}: there is a block "{block.type}"; only values of variables may '
            "stand there, such as name = 1"
        )
    found: dict[str, Value] = {}
    for attribute in body.attributes:
        for reference in references(attribute.expression):
            raise FunctionError(
                f'{reference.range}: "{reference.root}" is a reference; only constant values may '
                "stand there"
            )
        diagnostics = Diagnostics()
        found[attribute.name] = resolve(attribute.expression, Scope(), diagnostics)
        for problem in diagnostics:
            raise FunctionError(f'the value of "{attribute.name}" is not valid: {_said(problem)}')
    return object_of(found)


def _said(problem: Diagnostic) -> str:
    place = f"{problem.range}: " if problem.range is not None else ""
    return f"{place}{problem.summary}; {problem.detail.rstrip('.')}"


def _encode(variables: Value) -> Value:
    if not is_mapping(variables.type):
        raise FunctionError("an object is required, whose attributes are the variables")
    lines: list[str] = []
    for name, item in entries_of(variables).items():
        if not _IDENTIFIER.fullmatch(name):
            raise FunctionError(f'"{name}" cannot be the name of a variable')
        lines.append(f"{name} = {_expression(item)}\n")
    return string_value(_formatted("".join(lines)))


def _encode_expression(value: Value) -> Value:
    # an expression has its form inside an argument
    return string_value(_formatted(f"v = {_expression(value)}\n").strip()[len("v = ") :])


def _formatted(written: str) -> str:
    from mlform.hcl.formatter import format_source  # which takes a while to load

    formatted, _ = format_source(Source("<generated>", written))
    return formatted if formatted.strip() else ""


def _expression(value: Value) -> str:
    payload = value.payload
    if isinstance(payload, tuple):
        return "[" + ", ".join(map(_expression, payload)) + "]"
    if isinstance(payload, dict):
        lines = [f"{_key(name)} = {_expression(item)}\n" for name, item in payload.items()]
        return "{\n" + "".join(lines) + "}" if lines else "{}"
    if payload is None:
        return "null"
    if isinstance(payload, bool):
        return "true" if payload else "false"
    return quoted(payload) if isinstance(payload, str) else format_number(amount(value))


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else quoted(name)


FUNCTIONS: Final = (
    Function(
        name=f"{_NAMESPACE}decode_mlfvars",
        description="The values in the text of an .mlfvars file, as an object.",
        parameters=(Parameter(name="src", type=STRING),),
        implementation=_decode,
    ),
    Function(
        name=f"{_NAMESPACE}encode_mlfvars",
        description="The text of an .mlfvars file that gives variables the values of an object.",
        parameters=(Parameter(name="value"),),
        returns=STRING,
        implementation=_encode,
    ),
    Function(
        name=f"{_NAMESPACE}encode_expr",
        description="A value written as an expression of the language.",
        parameters=(Parameter(name="value", nullable=True),),
        returns=STRING,
        implementation=_encode_expression,
    ),
)
