from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config
from mlform.config.load import load_config
from mlform.diagnostics import Diagnostic
from mlform.lang.types import NUMBER

FULL = """
mlform {
  required_version = ">= 0.1"
  backend "local" {
    path = "x"
  }
}

runtime "docker" "big" {
  image = "a"
}

variable "rate" {
  type        = number
  default     = 0.1
  description = "How fast."
  sensitive   = true
  nullable    = false
  validation {
    condition     = var.rate > 0
    error_message = "Not above zero."
  }
}

locals {
  b = 2
  a = 1
}

output "digest" {
  value       = model.m.digest
  description = "What was built."
  sensitive   = true
  depends_on  = [endpoint.e]
}

resource "model" "m" {
  for_each   = { a = 1 }
  runtime    = runtime.docker.big
  depends_on = [dataset.d, dataset.e["x"]]
  rounds     = 3
  algorithm "xgboost" {}
  lifecycle {
    create_before_destroy = true
    prevent_destroy       = true
    ignore_changes        = [rounds, algorithm["params"].depth]
    replace_triggered_by  = [dataset.d.digest]
    precondition {
      condition     = dataset.d.rows > 0
      error_message = "Empty."
    }
    postcondition {
      condition     = self.digest != ""
      error_message = "Nothing."
    }
  }
}

resource "endpoint" "e" {
  count = 2
  lifecycle {
    ignore_changes = all
  }
}
"""


def load(folder: Path, **files: str) -> tuple[Config, tuple[Diagnostic, ...]]:
    for name, text in files.items():
        (folder / f"{name}.mlf.hcl").write_text(text, encoding="utf-8")
    return load_config(folder)


def summaries(problems: tuple[Diagnostic, ...]) -> list[str]:
    return [problem.summary for problem in problems]


def test_settings_and_runtimes(tmp_path: Path) -> None:
    config, problems = load(tmp_path, main=FULL)
    root = config.root
    assert problems == ()
    assert config.files == {"main.mlf.hcl": FULL.encode()}
    assert root.folder == "."
    assert [each.constraint for each in root.required_versions] == [">= 0.1"]
    assert root.backend is not None
    assert root.backend.type == "local"
    assert [each.name for each in root.backend.body.attributes] == ["path"]
    assert list(root.runtimes) == ["docker.big"]
    assert [each.name for each in root.runtimes["docker.big"].body.attributes] == ["image"]


def test_variables_locals_and_outputs(tmp_path: Path) -> None:
    root = load(tmp_path, main=FULL)[0].root
    rate = root.variables["rate"]
    assert (rate.type, rate.description, rate.sensitive, rate.nullable, rate.untyped) == (
        NUMBER,
        "How fast.",
        True,
        False,
        False,
    )
    assert rate.default is not None
    assert rate.default.range.text == "0.1"
    assert [each.condition.range.text for each in rate.validations] == ["var.rate > 0"]
    assert list(root.locals) == ["b", "a"]
    output = root.outputs["digest"]
    assert (output.description, output.sensitive) == ("What was built.", True)
    assert [str(each) for each in output.depends_on] == ["endpoint.e"]


def test_resources(tmp_path: Path) -> None:
    root = load(tmp_path, main=FULL)[0].root
    model = root.resources[ResourceAddress("model", "m")]
    assert model.count is None
    assert model.for_each is not None
    assert model.runtime == "docker.big"
    assert model.runtime_range is not None
    assert model.runtime_range.text == "runtime.docker.big"
    assert [str(each) for each in model.depends_on] == ["dataset.d", "dataset.e.x"]
    assert [each.name for each in model.body.attributes] == ["rounds"]
    assert [each.type for each in model.body.blocks] == ["algorithm"]
    lifecycle = model.lifecycle
    assert lifecycle.create_before_destroy is True
    assert lifecycle.prevent_destroy is True
    assert lifecycle.ignore_changes == (("rounds",), ("algorithm", "params", "depth"))
    assert [each.range.text for each in lifecycle.replace_triggered_by] == ["dataset.d.digest"]
    assert [each.error_message.range.text for each in lifecycle.preconditions] == ['"Empty."']
    assert [each.condition.range.text for each in lifecycle.postconditions] == ['self.digest != ""']
    endpoint = root.resources[ResourceAddress("endpoint", "e")]
    assert endpoint.count is not None
    assert endpoint.lifecycle.ignore_changes == "all"
    assert endpoint.lifecycle.create_before_destroy is None


def test_files_are_read_in_order_and_only_those_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "x.mlf.hcl").write_text('variable "inner" {}')
    (tmp_path / ".hidden.mlf.hcl").write_text("broken")
    (tmp_path / "note.txt").write_text("broken")
    config, problems = load(tmp_path, b='variable "second" {}', a='variable "first" {}')
    assert problems == ()
    assert list(config.files) == ["a.mlf.hcl", "b.mlf.hcl"]
    assert list(config.root.variables) == ["first", "second"]


def test_the_shown_folder_is_part_of_the_shown_path(tmp_path: Path) -> None:
    (tmp_path / "main.mlf.hcl").write_text("banana {}")
    config, problems = load_config(tmp_path, shown_folder="live/eu")
    assert list(config.files) == ["live/eu/main.mlf.hcl"]
    assert config.root.folder == "live/eu"
    assert problems[0].range is not None
    assert problems[0].range.filename == "live/eu/main.mlf.hcl"


def test_all_problems_of_all_files_are_reported_in_order(tmp_path: Path) -> None:
    _, problems = load(
        tmp_path, b="x = 1\ny = [\n", a='variable "1" {}\nbanana {}\nvariable "2" {}'
    )
    assert [str(each.range) for each in problems] == [
        "a.mlf.hcl:1",
        "a.mlf.hcl:2",
        "a.mlf.hcl:3",
        "b.mlf.hcl:1",
        "b.mlf.hcl:3",
    ]


def test_a_block_with_a_syntax_error_misses_nothing(tmp_path: Path) -> None:
    _, problems = load(tmp_path, main='output "a" {\n  value = ]\n}\noutput "b" {}\n')
    assert summaries(problems) == ["Invalid expression", "Missing required argument"]
    assert str(problems[1].range) == "main.mlf.hcl:4"


def test_an_empty_folder_says_how_to_start(tmp_path: Path) -> None:
    config, problems = load_config(tmp_path, shown_folder="here")
    assert summaries(problems) == ["No configuration files"]
    assert "The folder here has no files" in problems[0].detail
    assert "main.mlf.hcl" in problems[0].detail
    assert config.files == {}


def test_a_missing_folder_is_a_problem(tmp_path: Path) -> None:
    _, problems = load_config(tmp_path / "none", shown_folder="none")
    assert summaries(problems) == ["Failed to read configuration folder"]
    assert "No such file or directory" in problems[0].detail


def test_an_unreadable_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.mlf.hcl").mkdir()
    _, problems = load(tmp_path, b="banana {}")
    assert summaries(problems) == ["Failed to read file", "Unsupported block type"]
    assert "a.mlf.hcl" in problems[0].detail


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.mlf.hcl").write_text("")
    (tmp_path / "a.mlf.hcl").chmod(0)
    _, problems = load_config(tmp_path)
    assert summaries(problems) == ["Failed to read file"]


def test_bytes_that_are_not_text_are_a_problem_at_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.mlf.hcl").write_bytes(b'variable "a" {}\n# \xff\n')
    config, problems = load_config(tmp_path)
    assert summaries(problems) == ["Invalid character encoding"]
    assert str(problems[0].range) == "a.mlf.hcl:2"
    assert list(config.root.variables) == ["a"]


def test_files_in_json_syntax_declare_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.mlf.json").write_text(
        """{
          "variable": {"a": {"type": "number", "default": 1, "description": "literal ${a"}},
          "locals": {"b": "${var.a + 1}"},
          "resource": {"mlform_data": {"c": {
            "input": "${local.b}",
            "depends_on": ["mlform_data.d"],
            "lifecycle": {"ignore_changes": ["input"], "prevent_destroy": "${var.a > 0}"}
          }, "d": [{"count": 2}]}},
          "moved": [{"from": "mlform_data.e[0]", "to": "mlform_data.c"}],
          "module": {"f": {"source": "./f"}}
        }"""
    )
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "x.mlf.json").write_text("{}")
    config, problems = load_config(tmp_path)
    assert problems == ()
    root = config.root
    assert root.variables["a"].description == "literal ${a"
    resource = root.resources[ResourceAddress("mlform_data", "c")]
    assert [str(each) for each in resource.depends_on] == ["mlform_data.d"]
    assert resource.lifecycle.ignore_changes == (("input",),)
    assert resource.lifecycle.prevent_destroy is False
    assert root.resources[ResourceAddress("mlform_data", "d")].count is not None
    assert root.moved[0].source == ResourceAddress("mlform_data", "e", 0)
    assert [str(step) for path in config.modules for step in path] == ["module.f"]


def test_a_runtime_that_is_not_declared(tmp_path: Path) -> None:
    text = 'runtime "docker" "big" {}\nresource "model" "m" {\n  runtime = runtime.docker.bigg\n}\n'
    _, problems = load(tmp_path, main=text)
    assert summaries(problems) == ["Reference to undeclared runtime"]
    assert 'Did you mean "docker.big"?' in problems[0].detail
    assert problems[0].address == "model.m"
    assert str(problems[0].range) == "main.mlf.hcl:3"
