from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from mlform.config.blocks import VariableBlock
from mlform.config.folders import SavedFiles
from mlform.config.load import read_root
from mlform.config.variable_sources import (
    EnvironmentValues,
    FileValues,
    OptionFile,
    OptionValue,
    VariableSource,
    gather_sources,
    parse_values,
)
from mlform.config.variable_values import check_validation, is_checked_early
from mlform.config.variables import collect_variables
from mlform.diagnostics import Diagnostic, Diagnostics, Severity
from mlform.lang.construct import object_of
from mlform.lang.encode import to_json
from mlform.lang.functions import FunctionContext, functions
from mlform.lang.scope import Scope
from mlform.lang.values import UNKNOWN, Mark, Value, number
from mlform.views.diagnostics import render_diagnostics

FUNCTIONS = functions(FunctionContext())


def declared(text: str) -> Mapping[str, VariableBlock]:
    root = read_root(SavedFiles({"main.mlf.hcl": text.encode()}))
    assert root.problems == ()
    return root.variables


def file(text: str, name: str = "x.mlfvars.hcl") -> FileValues:
    diagnostics = Diagnostics()
    values = parse_values(name, text.encode(), diagnostics)
    assert list(diagnostics) == []
    return values


def collect(
    text: str,
    *given: VariableSource,
    ask: Callable[[VariableBlock], str] | None = None,
) -> tuple[Mapping[str, Value], list[Diagnostic]]:
    diagnostics = Diagnostics()
    values = collect_variables(
        declared(text), given, diagnostics=diagnostics, functions=FUNCTIONS, ask=ask
    )
    return values, list(diagnostics)


def value_of(text: str, *given: VariableSource) -> object:
    values, problems = collect(text, *given)
    assert problems == []
    return to_json(values["a"])


def option(text: str) -> OptionValue:
    return OptionValue(text=text)


def environment(**values: str) -> EnvironmentValues:
    return EnvironmentValues(values=values)


def test_the_default_is_used_without_anything_else() -> None:
    assert value_of('variable "a" {\n  default = [1, "x"]\n}') == [1, "x"]


def test_later_sources_win() -> None:
    declared = 'variable "a" {\n  type = number\n  default = 1\n}'
    sources: list[VariableSource] = [
        environment(MLF_VAR_a="2"),
        file("a = 3"),
        option("a=4"),
        file("a = 5"),
    ]
    for count in range(len(sources) + 1):
        assert value_of(declared, *sources[:count]) == count + 1


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        ("type = string", "a = b", "a = b"),
        ("type = string", "[1", "[1"),
        ("type = string", "", ""),
        ("type = number", "3.5", 3.5),
        ("type = bool", "true", True),
        ("type = list(number)", "[1, 2]", [1, 2]),
        ("type = any", "[1, 2]", [1, 2]),
        ("type = any", '"x"', "x"),
        ("type = map(string)", "{ a = 1 }", {"a": "1"}),
        ("", "[1, 2]", "[1, 2]"),
        ("", "3", "3"),
    ],
)
def test_text_is_a_string_for_simple_types_and_else_an_expression(
    type_: str, text: str, expected: object
) -> None:
    declared = f'variable "a" {{\n  {type_}\n}}'
    assert value_of(declared, option(f"a={text}")) == expected
    assert value_of(declared, environment(MLF_VAR_a=text)) == expected


def test_values_are_converted_and_optional_attributes_filled_in() -> None:
    declared = 'variable "a" {\n  type = list(object({ n = string, k = optional(number, 7) }))\n}'
    assert value_of(declared, file("a = [{ n = 1 }]")) == [{"k": 7, "n": "1"}]


def test_null_is_a_value_unless_it_is_not() -> None:
    assert value_of('variable "a" {\n  default = 1\n}', file("a = null")) is None
    declared = 'variable "a" {\n  default = 1\n  nullable = false\n}'
    assert value_of(declared, file("a = null")) == 1
    _, problems = collect('variable "a" {\n  nullable = false\n}', file("a = null"))
    assert [each.summary for each in problems] == ["Required variable not set"]
    assert str(problems[0].range) == "x.mlfvars.hcl:1"


def test_sensitive_values_are_marked_and_never_shown() -> None:
    declared = 'variable "a" {\n  type = number\n  sensitive = true\n}\n'
    values, _ = collect(declared, option("a=3"))
    assert values["a"].is_sensitive
    for source in (
        option("a=hunter2"),
        environment(MLF_VAR_a="hunter2"),
        file('a = "hunter2"'),
        file("a = hunter2"),
    ):
        values, problems = collect(declared, source)
        assert [each.severity for each in problems] == [Severity.ERROR]
        assert "hunter2" not in render_diagnostics(problems, color=False, width=0)
        assert values["a"].is_sensitive
    declared = 'variable "a" {\n  type = list(string)\n  sensitive = true\n}\n'
    _, problems = collect(declared, option("a=[hunter2"))
    assert len(problems) == 1
    assert "hunter2" not in render_diagnostics(problems, color=False, width=0)


def test_a_value_that_does_not_fit_says_where_it_is_from() -> None:
    declared = 'variable "a" {\n  type = number\n}'
    values, problems = collect(declared, file("\na = {}"))
    assert [each.summary for each in problems] == ["Invalid value for input variable"]
    assert problems[0].detail == (
        "The value given at x.mlfvars.hcl:2 is not suitable for var.a declared at "
        "main.mlf.hcl:1: number required."
    )
    assert str(problems[0].range) == "x.mlfvars.hcl:2"
    assert values["a"].payload is UNKNOWN
    for source, said in (
        (option("a=x"), '-var="a=..."'),
        (environment(MLF_VAR_a="x"), "the environment variable MLF_VAR_a"),
    ):
        _, problems = collect(declared, source)
        assert f"set with {said} is not suitable for var.a" in problems[0].detail
        assert str(problems[0].range) == "main.mlf.hcl:1"


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("a=[1", "Unterminated tuple constructor expression"),
        ("a=[var.b]", "Variables not allowed"),
        ('a=[upper("x")]', "Function calls not allowed"),
    ],
)
def test_an_expression_in_an_option_that_cannot_be_used(text: str, summary: str) -> None:
    _, problems = collect('variable "a" {\n  type = list(string)\n}', option(text))
    assert [each.summary for each in problems] == [summary]
    assert problems[0].range is not None
    assert problems[0].range.filename == "<value for var.a>"


def test_missing_values_are_reported_all_at_once() -> None:
    values, problems = collect('variable "a" {}\nvariable "b" {}')
    assert [each.summary for each in problems] == ["No value for required variable"] * 2
    assert '-var="a=..."' in problems[0].detail
    assert "MLF_VAR_b" in problems[1].detail
    assert list(values) == ["a", "b"]


def test_a_person_is_asked_only_for_what_is_missing() -> None:
    asked: list[str] = []

    def answer(variable: VariableBlock) -> str:
        asked.append(variable.name)
        return "7"

    values, problems = collect(
        'variable "a" {\n  type = number\n}\nvariable "b" {}\nvariable "c" {\n  default = 1\n}',
        option("b=1"),
        ask=answer,
    )
    assert problems == []
    assert asked == ["a"]
    assert to_json(values["a"]) == 7


def test_undeclared_values_warn_in_files_and_fail_in_options() -> None:
    declared = 'variable "rate" {\n  default = 1\n}'
    _, problems = collect(
        declared, file("rats = 1\nb = 1\nc = 1\nd = 1"), environment(MLF_VAR_z="1")
    )
    assert [(each.severity, each.summary) for each in problems] == [
        (Severity.WARNING, "Value for undeclared variable"),
        (Severity.WARNING, "Value for undeclared variable"),
        (Severity.WARNING, "Values for undeclared variables"),
    ]
    assert 'Did you mean "rate"?' in problems[0].detail
    assert "2 other variable(s)" in problems[2].detail
    _, problems = collect(declared, option("rats=1"))
    assert [(each.severity, each.summary) for each in problems] == [
        (Severity.ERROR, "Value for undeclared variable")
    ]
    assert 'Did you mean "rate"?' in problems[0].detail


@pytest.mark.parametrize("text", ["a", "", "=1", "a =1", "1a=2"])
def test_an_ill_formed_option_is_an_error(text: str) -> None:
    _, problems = collect('variable "a" {\n  default = 1\n}', option(text))
    assert [each.summary for each in problems] == ["Invalid -var option"]


VALIDATED = """variable "a" {
  type = number
  validation {
    condition     = var.a > var.least && length(tostring(var.a)) < 5
    error_message = "Must be above ${var.least}."
  }
}
variable "least" {
  default = 3
}
"""


def test_validations_are_checked_with_all_variables() -> None:
    assert value_of(VALIDATED, option("a=4")) == 4
    _, problems = collect(VALIDATED, option("a=3"))
    assert [each.summary for each in problems] == ["Invalid value for variable"]
    assert problems[0].detail == (
        "Must be above 3.\n\nThis was checked by the validation rule at main.mlf.hcl:3."
    )
    assert {(each.traversal, each.statement) for each in problems[0].values} == {
        ("var.a", "is 3"),
        ("var.least", "is 3"),
    }


def test_a_variable_without_value_is_not_validated() -> None:
    _, problems = collect(VALIDATED)
    assert [each.summary for each in problems] == ["No value for required variable"]


@pytest.mark.parametrize(
    ("condition", "message", "summaries"),
    [
        ("var.a", '"x"', ["Invalid variable validation result"]),
        ("var.a == 1 ? null : true", '"x"', ["Invalid variable validation result"]),
        ("var.a > 1", "[1]", ["Invalid error message", "Invalid value for variable"]),
        (
            "var.a > 1",
            "var.secret",
            ["Error message refers to sensitive values", "Invalid value for variable"],
        ),
        (
            "var.a > 1",
            "var.passing",
            ["Error message refers to ephemeral values", "Invalid value for variable"],
        ),
    ],
)
def test_validations_that_are_wrong_themselves(
    condition: str, message: str, summaries: Sequence[str]
) -> None:
    declared = f"""variable "a" {{
  default = 1
  validation {{
    condition     = {condition}
    error_message = {message}
  }}
}}
variable "secret" {{
  default   = "hunter2"
  sensitive = true
}}
variable "passing" {{
  default   = "hunter2"
  ephemeral = true
}}
"""
    _, problems = collect(declared)
    assert [each.summary for each in problems] == summaries
    assert "is not displayed" not in problems[-1].summary
    assert "hunter2" not in problems[-1].detail


def gathered(
    folder: Path,
    options: Sequence[OptionValue | OptionFile] = (),
    environment_values: Mapping[str, str] | None = None,
) -> tuple[tuple[VariableSource, ...], list[Diagnostic]]:
    diagnostics = Diagnostics()
    sources = gather_sources(
        folder,
        environment=environment_values or {},
        options=options,
        diagnostics=diagnostics,
    )
    return sources, list(diagnostics)


def test_sources_come_in_terraforms_order(tmp_path: Path) -> None:
    for name in ("c.auto.mlfvars.hcl", "a.auto.mlfvars.hcl", "mlform.mlfvars.hcl", "z.mlfvars.hcl"):
        (tmp_path / name).write_text(f'a = "{name}"')
    for name in ("b.auto.mlfvars.json", "mlform.mlfvars.json"):
        (tmp_path / name).write_text(f'{{"a": "{name}"}}')
    extra = OptionFile(path=tmp_path / "z.mlfvars.hcl", shown="z.mlfvars.hcl")
    sources, problems = gathered(
        tmp_path, [option("a=1"), extra, option("a=2")], {"MLF_VAR_a": "e"}
    )
    assert problems == []
    expected = [
        "e",
        "mlform.mlfvars.hcl",
        "mlform.mlfvars.json",
        "a.auto.mlfvars.hcl",
        "b.auto.mlfvars.json",
        "c.auto.mlfvars.hcl",
        "1",
        "z.mlfvars.hcl",
        "2",
    ]
    declared = 'variable "a" {\n  type = string\n}'
    assert [value_of(declared, *sources[: n + 1]) for n in range(len(sources))] == expected


def test_files_that_cannot_be_used_are_reported(tmp_path: Path) -> None:
    (tmp_path / "mlform.mlfvars.hcl").write_text('variable "a" {}\nblock {}\nb = ]\nc = 1\n')
    (tmp_path / "x.auto.mlfvars.json").write_text('{"b": 1, "b": 2, "c": }')
    missing = OptionFile(path=tmp_path / "none.hcl", shown="none.hcl")
    folder = OptionFile(path=tmp_path, shown="folder")
    sources, problems = gathered(tmp_path, [missing, folder])
    assert [each.summary for each in problems] == [
        "Invalid expression",
        'Unexpected "variable" block',
        'Unexpected "block" block',
        "Invalid start of value",
        "Duplicate argument",
        "Failed to read variables file",
        "Failed to read file",
    ]
    assert "none.hcl" in problems[5].detail
    assert (
        value_of('variable "c" {}\nvariable "b" {}\nvariable "a" {\n  default = 0\n}', *sources)
        == 0
    )


def test_strings_of_values_in_json_syntax_are_no_templates() -> None:
    given = file('{"a": ["${var.b}", {"%{x}": null}, 1.5]}', "x.mlfvars.json")
    assert value_of('variable "a" {}', given) == ["${var.b}", {"%{x}": None}, 1.5]


def test_ephemeral_values_are_marked() -> None:
    values, problems = collect('variable "a" {\n  ephemeral = true\n}', option("a=x"))
    assert problems == []
    assert values["a"].marks == {Mark.EPHEMERAL}


def test_who_sets_a_deprecated_variable_is_warned() -> None:
    text = 'variable "a" {\n  default    = 1\n  deprecated = "Use b."\n}'
    assert collect(text)[1] == []
    _, [from_option] = collect(text, option("a=2"))
    assert from_option.severity is Severity.WARNING
    assert "Use b." in from_option.detail
    assert '-var="a=..."' in from_option.detail
    _, [from_file] = collect(text, file("a = 2"))
    assert str(from_file.range) == "x.mlfvars.hcl:1"


def test_validations_that_refer_to_more_are_left_for_later() -> None:
    text = """variable "a" {
  validation {
    condition     = var.a > local.least
    error_message = "Too small."
  }
}
"""
    values, problems = collect(text, option("a=1"))
    assert problems == []
    variable = declared(text)["a"]
    [validation] = variable.validations
    assert not is_checked_early(validation)
    scope = Scope(
        variables={"var": object_of(values), "local": object_of({"least": number(2)})},
    )
    found = Diagnostics()
    check_validation(variable, validation, scope, found, place=validation.range)
    [problem] = found
    assert problem.summary == "Invalid value for variable"
    assert problem.range == validation.range
