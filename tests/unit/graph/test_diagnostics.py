"""What people are told about a configuration that cannot be planned, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.diagnostics import Diagnostic
from tests.engine import Engine, actions

DATASET = """
resource "dataset" "d" {
  columns = ["x", "y"]
  source "file" {
    path = "data.csv"
  }
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path).with_pipeline()


def place(problem: Diagnostic) -> str:
    assert problem.range is not None
    return problem.range.text


@pytest.mark.parametrize(
    ("old", "new", "summary", "where", "said"),
    [
        ('target = "y"', 'targt = "y"', "Unsupported argument", "targt", 'Did you mean "target"?'),
        ("  ratio {", "  ratoi {", "Unsupported block type", "ratoi", 'Did you mean "ratio"?'),
        ('"xgboost"', '"xgbost"', "Unsupported algorithm", '"xgbost"', 'Did you mean "xgboost"?'),
        (
            "rounds = 10",
            'rounds = "ten"',
            "Incorrect attribute value type",
            '"ten"',
            "a number is required",
        ),
        (
            "min    = 0.5",
            "min    = [1]",
            "Incorrect attribute value type",
            "[1]",
            "number required",
        ),
        (
            "split  = split.s",
            "split  = dataset.d",
            "Incorrect attribute value type",
            "dataset.d",
            "takes a whole split resource, such as split.NAME, but this is a dataset resource",
        ),
        (
            "requires = [evaluation.e]",
            "requires = [evaluation.e, model.m]",
            "Incorrect attribute value type",
            "model.m",
            "takes a whole evaluation resource",
        ),
        (
            "split  = split.s",
            "split  = split.t",
            "Reference to undeclared resource",
            "split.t",
            "Declared are: s.",
        ),
        (
            "port     = 8080",
            "port     = var.prot",
            "Reference to undeclared input variable",
            "var.prot",
            'variable "prot"',
        ),
        ("port     = 8080", "port     = 80800", "Invalid port", "80800", "from 1 to 65535"),
        (
            'metric = "score"',
            'metric = "scor"',
            "Unknown metric",
            '"scor"',
            'Did you mean "score"?',
        ),
        (
            "train = 0.5, eval = 0.5",
            "train = 0.5, eval = 0.6",
            "Invalid partition",
            "{ train = 0.5, eval = 0.6 }",
            "add up to 1.1",
        ),
        ('  target = "y"\n', "", "Missing required argument", 'resource "model" "m"', '"target"'),
        (
            'path = "data.csv"',
            'path = "dat.csv"',
            "Unreadable source",
            '"dat.csv"',
            'Did you mean "data.csv"?',
        ),
        (
            'path = "data.csv"',
            'path = "sub/*.csv"',
            "Unreadable source",
            '"sub/*.csv"',
            "No file matches",
        ),
        (
            "dataset = dataset.d",
            'dataset = dataset.d\n  transform "reticulate" {}',
            "Unsupported transform",
            '"reticulate"',
            "Known are:",
        ),
        (
            "dataset = dataset.d",
            'dataset = dataset.d\n  transform "rank" { columns = ["x"] }',
            "Unsupported transform",
            '"rank"',
            "cannot run on one live row, because it needs all other rows",
        ),
        (
            "port     = 8080",
            'port     = 8080\n  url = "x"',
            "Value for unconfigurable attribute",
            "url",
            "is set by apply",
        ),
        (
            "  ratio {",
            '  hash {\n    key = "x"\n    partitions = { train = 1 }\n  }\n  ratio {',
            "Conflicting blocks",
            "ratio",
            "Exactly one of these blocks",
        ),
    ],
)
def test_mistakes(engine: Engine, old: str, new: str, summary: str, where: str, said: str) -> None:
    engine.edit(old, new)
    problem = next(item for item in engine.problems() if item.summary == summary)
    assert place(problem).startswith(where)
    assert said in problem.detail


def test_unknown_kind(engine: Engine) -> None:
    engine.hcl = 'resource "datset" "d" {}\n'
    problem = engine.problem()
    assert problem.summary == "Invalid resource kind"
    assert 'Did you mean "dataset"?' in problem.detail


def test_unknown_column_lists_the_known_ones(engine: Engine) -> None:
    engine.ok()
    engine.edit('target = "y"', 'target = "z"')
    problem = engine.problem()
    assert (problem.summary, place(problem)) == ("Unknown column", '"z"')
    assert "Known are: x, y." in problem.detail
    assert problem.address == "model.m"


def test_unknown_column_of_a_data_set_that_was_never_made(engine: Engine) -> None:
    engine.edit('resource "dataset" "d" {', 'resource "dataset" "d" {\n  columns = ["x", "y"]')
    engine.edit(
        "partitions = { train = 0.5, eval = 0.5 }",
        'partitions = { train = 0.5, eval = 0.5 }\n    stratify = "yy"',
    )
    problem = engine.problem()
    assert (problem.summary, place(problem)) == ("Unknown column", '"yy"')
    assert 'Known are: x, y. Did you mean "y"?' in problem.detail


def test_cycle_is_a_path_with_the_line_of_each_reference(engine: Engine) -> None:
    engine.hcl = """
locals {
  name = mlform_data.b.output
}
resource "mlform_data" "a" {
  input = local.name
}
resource "mlform_data" "b" {
  input = [1, mlform_data.a.output]
}
"""
    problem = engine.problem()
    assert problem.summary == "Cycle"
    assert problem.detail.splitlines()[0] == (
        "local.name → mlform_data.b → mlform_data.a → local.name"
    )
    assert "mlform_data.b refers to mlform_data.a at main.mlf.hcl:9" in problem.detail
    assert "mlform_data.a refers to local.name at main.mlf.hcl:6" in problem.detail
    assert place(problem) == "mlform_data.b.output"


def test_a_resource_that_needs_itself(engine: Engine) -> None:
    engine.hcl = 'resource "mlform_data" "a" {\n  input = mlform_data.a.id\n}\n'
    assert engine.problem().summary == "Cycle"


def test_several_mistakes_at_once(engine: Engine) -> None:
    engine.edit('target = "y"', 'targt = "y"').edit("8080", "0").edit("0.5, eval", "0.4, eval")
    assert {item.summary for item in engine.problems()} == {
        "Unsupported argument",
        "Missing required argument",
        "Invalid port",
        "Invalid partition",
    }


@pytest.mark.parametrize(
    ("repeats", "where", "said"),
    [
        ("count = mlform_data.x.output", "mlform_data.x.output", "known only after apply"),
        ("count = -1", "-1", "at least 0"),
        ("count = 1.5", "1.5", "whole number"),
        ('count = "some"', '"some"', "number"),
        ("count = null", "null", "whole number"),
        ("count = var.secret", "var.secret", "Sensitive"),
        ('for_each = ["a"]', '["a"]', "toset()"),
        ("for_each = toset([mlform_data.x.output])", "toset(", "known"),
        ("for_each = toset([var.secret])", "toset(", "Sensitive"),
        ("for_each = null", "null", "map or a set"),
    ],
)
def test_repetition_that_cannot_be_planned(
    engine: Engine, repeats: str, where: str, said: str
) -> None:
    engine.hcl = f"""
variable "secret" {{
  default   = 2
  sensitive = true
}}
resource "mlform_data" "x" {{
  input = 1
}}
resource "mlform_data" "n" {{
  {repeats}
}}
"""
    problem = engine.problem()
    assert problem.summary.startswith("Invalid")
    assert place(problem).startswith(where)
    assert said in problem.detail


def test_broken_configuration_does_not_plan_to_destroy(engine: Engine) -> None:
    engine.hcl = 'resource "mlform_data" "n" {\n  count = 2\n}\n'
    engine.ok()
    engine.edit("count = 2", "count = 1.5")
    assert len(engine.problems()) == 1
    engine.edit("count = 1.5", "count = 2")
    assert actions(engine.plan().plan) == {}
