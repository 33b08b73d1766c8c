from __future__ import annotations

from pathlib import Path

import pytest

from mlform.addresses import ModuleStep, ResourceAddress
from mlform.config.suite_load import check_mocked_kinds, load_suites
from mlform.config.suites import Command, ModuleOverride, ResourceOverride, Suite
from mlform.diagnostics import Diagnostics
from mlform.wiring import KindTable


def read(folder: Path, text: str, name: str = "a.mlftest.hcl") -> Suite:
    (folder / name).write_text(text)
    suites, problems = load_suites(folder)
    assert not problems, problems
    assert len(suites) == 1
    return suites[0]


def problems_of(folder: Path, text: str) -> list[tuple[str, str]]:
    """Summaries with the text of the place of each problem."""
    (folder / "a.mlftest.hcl").write_text(text)
    _, problems = load_suites(folder)
    return [
        (item.summary, "" if item.range is None else item.range.text.split("\n")[0])
        for item in problems
    ]


def test_a_run_applies_the_module_of_the_folder_by_default(tmp_path: Path) -> None:
    (run,) = read(tmp_path, 'run "a" {}').runs
    assert (run.name, run.command, run.module, run.state_key) == ("a", Command.APPLY, None, None)
    assert run.settings.refresh
    assert not run.settings.refresh_only


def test_everything_in_a_run_is_read(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        """
        variables {
          size = 3
        }
        run "a" {
          command         = plan
          state_key       = "other"
          parallel        = true
          expect_failures = [var.size, output.x, check.y, dataset.d, mlform_data.m["k"]]
          plan_options {
            mode    = refresh-only
            refresh = false
            replace = [model.m]
            target  = [module.a, mlform_data.x[0]]
          }
          variables {
            name = run.b.name
          }
          module {
            source = "./setup"
          }
          assert {
            condition     = output.x == 1
            error_message = "x"
          }
        }
        """,
    )
    (run,) = suite.runs
    assert list(suite.variables) == ["size"]
    assert (run.command, run.state_key) == (Command.PLAN, "other")
    assert [item.name for item in run.expected] == [
        "var.size",
        "output.x",
        "check.y",
        "dataset.d",
        'mlform_data.m["k"]',
    ]
    assert run.settings.refresh_only
    assert not run.settings.refresh
    assert run.settings.replace == (ResourceAddress("model", "m"),)
    assert run.settings.targets == ((ModuleStep("a"),), ResourceAddress("mlform_data", "x", 0))
    assert list(run.variables) == ["name"]
    assert run.module is not None
    assert run.module.source == "./setup"
    assert len(run.assertions) == 1


def test_mocks_and_overrides_are_read(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        """
        mock_provider "mlform" {
          override_during = plan
          mock_resource "dataset" {
            defaults = { rows = 3 }
          }
          override_resource {
            target = model.m
          }
        }
        mock_resource "split" {}
        override_module {
          target  = module.a.module.b
          outputs = { x = 1 }
        }
        run "a" {
          override_resource {
            target          = model.m["k"]
            values          = { id = "x" }
            override_during = apply
          }
        }
        """,
    )
    mocks = suite.mocks
    assert mocks.every_kind
    assert {name: mock.during for name, mock in mocks.kinds.items()} == {
        "dataset": "plan",
        "split": "apply",
    }
    first, second = mocks.overrides
    assert isinstance(first, ResourceOverride)
    assert (first.target, first.during) == (ResourceAddress("model", "m"), "plan")
    assert isinstance(second, ModuleOverride)
    assert second.target == (ModuleStep("a"), ModuleStep("b"))
    (own,) = suite.runs[0].overrides
    assert own.target == ResourceAddress("model", "m", "k")


def test_a_folder_of_mocks_adds_to_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "mocks").mkdir()
    (tmp_path / "mocks" / "all.mlfmock.hcl").write_text(
        """
        mock_resource "dataset" {
          defaults = { rows = 1 }
        }
        mock_resource "split" {}
        override_resource {
          target = model.m
        }
        """
    )
    suite = read(
        tmp_path,
        """
        mock_provider "mlform" {
          source = "./mocks"
          mock_resource "dataset" {}
        }
        """,
    )
    assert suite.mocks.kinds["dataset"].defaults is None
    assert list(suite.mocks.kinds) == ["dataset", "split"]
    assert len(suite.mocks.overrides) == 1


def test_files_of_both_folders_are_found_in_order(tmp_path: Path) -> None:
    for name in ("b.mlftest.hcl", "tests/a.mlftest.hcl", "tests/deep/no.mlftest.hcl", "no.mlf.hcl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('run "x" {}')
    suites, problems = load_suites(tmp_path)
    assert not problems
    assert [suite.path for suite in suites] == ["b.mlftest.hcl", "tests/a.mlftest.hcl"]


def test_another_folder_of_tests_must_be_there(tmp_path: Path) -> None:
    _, problems = load_suites(tmp_path, tests_folder="spec")
    assert [item.summary for item in problems] == ["Test directory does not exist"]


def test_json_is_read_too(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        """
        {
          "variables": {"size": 2},
          "run": {
            "a": {
              "command": "plan",
              "expect_failures": ["var.size"],
              "assert": {"condition": "${var.size == 2}", "error_message": "no"}
            }
          }
        }
        """,
        "a.mlftest.json",
    )
    (run,) = suite.runs
    assert run.command is Command.PLAN
    assert [item.name for item in run.expected] == ["var.size"]
    assert len(run.assertions) == 1


@pytest.mark.parametrize(
    ("text", "summary", "place"),
    [
        ('baz "y" {}', "Unsupported block type", "baz"),
        ('run "x" {}\nrun "x" {}', 'Duplicate "run" block names', '"x"'),
        ('run "a b" {}', "Invalid run block name", '"a b"'),
        ('run "x" {\n command = destroy\n}', 'Invalid "command" keyword', "destroy"),
        ('run "x" {\n command = "plan"\n}', 'Invalid "command" keyword', '"plan"'),
        ('run "x" {\n foo = 1\n}', "Unsupported argument", "foo"),
        ('run "x" {\n module {}\n}', "Missing required argument", "module"),
        ('run "x" {\n providers = {}\n}', "Unsupported argument", "providers"),
        (
            'run "x" {\n assert {\n condition = true\n error_message = "e"\n}\n}',
            "Invalid assert expression",
            "true",
        ),
        (
            'run "x" {\n expect_failures = [local.z]\n}',
            'Invalid "expect_failures" reference',
            "local.z",
        ),
        (
            'run "x" {\n expect_failures = [model.m.digest]\n}',
            'Invalid "expect_failures" reference',
            "model.m.digest",
        ),
        (
            'run "x" {\n plan_options {\n mode = what\n}\n}',
            'Invalid "mode" keyword',
            "what",
        ),
        (
            'run "x" {\n plan_options {\n replace = [module.a]\n}\n}',
            "Invalid address",
            "module.a",
        ),
        ('mock_provider "aws" {}', "Unknown provider", '"aws"'),
        (
            'mock_provider "mlform" {}\nmock_provider "mlform" {}',
            "Duplicate mock_provider block",
            'mock_provider "mlform"',
        ),
        (
            'mock_resource "model" {}\nmock_resource "model" {}',
            "Duplicate mock_resource block",
            'mock_resource "model"',
        ),
        (
            "override_resource {\n target = model.m\n}\noverride_resource {\n target = model.m\n}",
            "Duplicate override_resource block",
            "model.m",
        ),
        ("override_resource {\n target = module.m\n}", "Invalid override target", "module.m"),
        ("override_module {\n target = model.m\n}", "Invalid override target", "model.m"),
        ("variables {}\nvariables {}", "Duplicate variables block", "variables"),
        (
            'mock_provider "mlform" {\n source = "./nowhere"\n}',
            "Mock folder does not exist",
            '"./nowhere"',
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(
    tmp_path: Path, text: str, summary: str, place: str
) -> None:
    assert problems_of(tmp_path, text) == [(summary, place)]


def test_problems_of_all_files_are_found_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.mlftest.hcl").write_text("run {")
    (tmp_path / "b.mlftest.hcl").write_text("baz {}")
    _, problems = load_suites(tmp_path)
    assert {item.range.filename for item in problems if item.range is not None} == {
        "a.mlftest.hcl",
        "b.mlftest.hcl",
    }


def test_a_mock_of_a_kind_that_there_is_not(tmp_path: Path) -> None:
    suite = read(tmp_path, 'mock_resource "modle" {}')
    diagnostics = Diagnostics()
    check_mocked_kinds(suite, KindTable(), diagnostics)
    (problem,) = diagnostics
    assert problem.summary == "Invalid resource kind"
    assert 'Did you mean "model"?' in problem.detail
