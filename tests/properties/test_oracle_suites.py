"""The same tests run by mlform and by the `terraform` program: every run goes out the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess  # noqa: TID251 - the oracle is a program
from pathlib import Path

import pytest

from tests.suites import Project

TERRAFORM = shutil.which("terraform")
pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")

MAIN = """
variable "size" {
  type    = number
  default = 2
  validation {
    condition     = var.size > 0
    error_message = "size must be positive, not ${var.size}"
  }
}
variable "names" {
  type    = set(string)
  default = ["a", "b"]
}
variable "settings" {
  type    = object({ a = string, b = optional(number, 7) })
  default = { a = "x" }
}
variable "secret" {
  type      = string
  sensitive = true
  default   = "hush"
}
resource "terraform_data" "many" {
  for_each = var.names
  input    = "${each.key}-${var.settings.b}"
}
resource "terraform_data" "counted" {
  count            = var.size
  input            = count.index
  triggers_replace = var.settings.a
  lifecycle {
    precondition {
      condition     = var.settings.a != "pre"
      error_message = "pre"
    }
    postcondition {
      condition     = self.input < 3
      error_message = "too many"
    }
  }
}
resource "terraform_data" "secret" {
  input = var.secret
}
module "sub" {
  source   = "./sub"
  for_each = var.names
  name     = each.key
}
locals {
  total = length(var.names) + var.size
}
output "total" {
  value = local.total
  precondition {
    condition     = var.settings.a != "out"
    error_message = "out"
  }
}
output "subs" {
  value = { for key, item in module.sub : key => item.name }
}
output "secret" {
  value     = terraform_data.secret.output
  sensitive = true
}
check "small" {
  assert {
    condition     = local.total < 10
    error_message = "total ${local.total}"
  }
}
"""
SUB = """
variable "name" {
  type = string
}
resource "terraform_data" "x" {
  input = var.name
}
output "name" {
  value = terraform_data.x.output
}
"""
SETUP = """
variable "base" {
  default = ["p", "q", "r"]
}
resource "terraform_data" "names" {
  input = var.base
}
output "names" {
  value = terraform_data.names.output
}
"""


def run(name: str, *lines: str, condition: str = "") -> str:
    """A run block; `condition` becomes an assertion."""
    body = [f"  {line}" for line in "\n".join(lines).split("\n") if line]
    if condition:
        body += [
            "  assert {",
            f"    condition     = {condition}",
            '    error_message = "no"',
            "  }",
        ]
    return "\n".join([f'run "{name}" {{', *body, "}", ""])


def variables(**values: str) -> str:
    """A variables block."""
    return "\n".join(["variables {", *(f"  {name} = {text}" for name, text in values.items()), "}"])


PLAN = "command = plan"
SECOND = 'module {\n  source = "./setup"\n}'
COUNTED = "expect_failures = [terraform_data.counted]"
SMALL = "expect_failures = [check.small]"
MANY = '["a", "b", "c", "d", "e", "f", "g", "h", "i"]'
MOCK = """
mock_provider "terraform" {
  mock_resource "terraform_data" {
    defaults = { output = "made up" }
  }
}
"""
MADE_UP = 'terraform_data.secret.output == "made up"'
OVERRIDE = """
override_module {
  target  = module.sub
  outputs = { name = "given" }
}
"""
REPLACE = "plan_options {\n  replace = [terraform_data.secret]\n}"
KNOWN = 'terraform_data.secret.id != "x"'


def settings(text: str) -> str:
    """A variables block with this text as `a` of the settings."""
    return variables(settings=f'{{ a = "{text}" }}')


SUITES = {
    "values": [
        settings("file"),
        run("file", condition='terraform_data.counted[1].triggers_replace == "file"'),
        run("own", settings("own"), condition='var.settings.a == "own" && var.settings.b == 7'),
        run("text", variables(size='"3"'), condition="length(terraform_data.counted) == 3"),
        run("again", PLAN, condition="length(terraform_data.counted) == 2"),
        run("wrong", condition="output.total == 0"),
        run("secret", condition='output.secret != "hush"'),
        run("type", variables(size='"many"')),
        run("skipped"),
    ],
    "expected": [
        run("validation", PLAN, "expect_failures = [var.size]", variables(size="-1")),
        run("block", PLAN, COUNTED, variables(size="5")),
        run("instance", PLAN, COUNTED.replace("]", "[3]]"), variables(size="4")),
        run("check", SMALL, variables(size="1", names=MANY)),
        run("output", PLAN, "expect_failures = [output.total]", settings("out")),
        run("pre", PLAN, COUNTED, settings("pre")),
        run("two", PLAN, "expect_failures = [var.size, check.small]", variables(size="-1")),
    ],
    "missing": [run("none", SMALL), run("skipped")],
    "applying": [run("pre", COUNTED, settings("pre"))],
    "check": [run("check", variables(size="20")), run("skipped")],
    "unknown": [run("unknown", PLAN, condition='module.sub["a"].name == "a"')],
    "null": [run("null", PLAN, condition='var.settings.a == "x" ? null : true')],
    "later": [run("first", PLAN, condition="run.second.total == 1"), run("second", PLAN)],
    "setup": [
        run("setup", SECOND),
        run(
            "use",
            variables(names="run.setup.names", size="length(run.setup.names) - 1"),
            condition='output.total == 5 && terraform_data.many["p"].output == "p-7" '
            '&& module.sub["q"].name == "q"',
        ),
        run("fewer", variables(names='["p"]'), condition="length(terraform_data.many) == 1"),
        run(
            "more",
            SECOND,
            variables(base='concat(run.setup.names, ["s"])'),
            condition="length(output.names) == 4",
        ),
    ],
    "replacing": [run("made"), run("replaced", PLAN, REPLACE, condition=KNOWN)],
    "keyed": [run("one", 'state_key = "k"'), run("other", PLAN, condition=KNOWN)],
    "overridden": [
        OVERRIDE,
        run("plan", PLAN, condition='[module.sub["a"].name, output.subs["b"]][1] == "given"'),
        run("apply", condition='output.subs["a"] == "given"'),
    ],
    "mocked": [MOCK, run("plan", PLAN, condition=MADE_UP)],
    "mocked_apply": [
        MOCK,
        run("apply", condition=MADE_UP),
        run("changed", variables(size="1"), condition=MADE_UP),
    ],
}


@pytest.fixture(scope="module")
def initialized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    write(folder, "tf")
    for name, blocks in SUITES.items():
        (folder / "tests" / f"{name}.tftest.hcl").write_text("\n".join(blocks))
    terraform(folder, "init")
    return folder


def write(folder: Path, suffix: str) -> None:
    for name, text in (("main", MAIN), ("sub/main", SUB), ("setup/main", SETUP)):
        path = folder / f"{name}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text if suffix == "tf" else ours(text))
    (folder / "tests").mkdir(exist_ok=True)


def ours(text: str) -> str:
    """The same configuration in mlform's words."""
    renamed = text.replace("terraform_data", "mlform_data")
    return renamed.replace('mock_provider "terraform"', 'mock_provider "mlform"')


def terraform(folder: Path, *words: str) -> str:
    assert TERRAFORM is not None
    done = subprocess.run(  # noqa: S603 - the oracle
        [TERRAFORM, *words],
        cwd=folder,
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},  # noqa: TID251 - that of the test run
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("name", SUITES)
def test_every_run_goes_out_the_same(name: str, tmp_path: Path, initialized: Path) -> None:
    text = "\n".join(SUITES[name])
    output = terraform(initialized, "test", "-json", f"-filter=tests/{name}.tftest.hcl")
    theirs = {}
    for line in output.splitlines():
        message = json.loads(line)
        about = message.get("test_run", {})
        if about.get("progress") == "complete":
            theirs[about["run"]] = about["status"]
    assert theirs, output
    write(tmp_path, "mlf.hcl")
    ran = Project(tmp_path).file(f"tests/{name}.mlftest.hcl", ours(text)).run()
    assert ran.statuses == theirs, ran.problems
