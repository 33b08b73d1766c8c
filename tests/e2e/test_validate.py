"""`mlform validate`: what it looks at, and its JSON beside Terraform's."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - what is tested is the program as people start it
from pathlib import Path

import pytest

from tests.e2e.cli import Cli

REUSABLE = """
variable "size" {
  type    = number
  default = null
}

variable "names" {
  type = set(string)
}

resource "mlform_data" "many" {
  count = var.size
  input = count.index + length(var.names)
}

resource "mlform_data" "named" {
  for_each = var.names
  input    = mlform_data.many[*].id
}

module "part" {
  source   = "./part"
  for_each = var.names
  name     = each.key
}

output "parts" {
  value = module.part["x"].name
}
"""
PART = """
variable "name" {
  type = string
}

output "name" {
  value = upper(var.name)
}
"""
BROKEN = """
variable "password" {
  sensitive = true
  default   = "x"
}

locals {
  é = var.nope
  l = [1, 2]
  a = max("a",
  2)
  b = local.l[5]
}

resource "KIND" "a" {
  inputs = 1
}

resource "KIND" "b" {
  count = 2
  input = {
    x = 1
  } + 1
}

output "o" {
  value = var.password
}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_values_of_variables_do_not_matter(cli: Cli) -> None:
    cli.file("main.mlf.hcl", REUSABLE).file("part/main.mlf.hcl", PART)
    assert "Success! The configuration is valid." in cli.run("validate").ok().stdout
    assert sorted(path.name for path in cli.folder.iterdir()) == ["main.mlf.hcl", "part"]


def test_mistakes_in_modules_and_behind_repetition_are_found(cli: Cli) -> None:
    cli.file("main.mlf.hcl", REUSABLE).file("part/main.mlf.hcl", PART)
    cli.replace("part/main.mlf.hcl", "upper(var.name)", "upper(var.name, 1)")
    cli.replace("main.mlf.hcl", "count.index + length", "count.index + lenght")
    outcome = cli.run("validate")
    assert outcome.status == 1
    assert "part/main.mlf.hcl line 7" in outcome.stderr
    assert 'no function named "lenght". Did you mean "length"?' in outcome.stderr


GUARDED = """\
variable "serve" {
  type    = object({ port = number })
  default = null
}

resource "mlform_data" "counted" {
  count = var.serve != null ? 1 : 0
  input = var.serve.port
}

resource "mlform_data" "keyed" {
  for_each = var.serve == null ? {} : { a = 1 }
  input    = var.serve.port
}

resource "mlform_data" "optional" {
  input = var.serve.port

  lifecycle {
    enabled = var.serve != null
  }
}
"""


def test_what_is_switched_off_need_not_have_values(cli: Cli) -> None:
    cli.file("main.mlf.hcl", 'module "part" {\n  source = "./part"\n}\n')
    cli.file("part/main.mlf.hcl", GUARDED)
    cli.run("validate").ok()
    cli.replace("part/main.mlf.hcl", "count = var.serve != null ? 1 : 0", "count = 0\n  inptu = 1")
    assert 'Did you mean "input"?' in cli.run("validate").stderr


def test_files_of_tests_are_checked_too(cli: Cli) -> None:
    cli.file("main.mlf.hcl", "locals {\n  a = 1\n}\n").file("tests/a.mlftest.hcl", "rnu {\n}\n")
    outcome = cli.run("validate")
    assert outcome.status == 1
    assert "tests/a.mlftest.hcl line 1" in outcome.stderr
    cli.run("validate", "-no-tests").ok()
    cli.run("validate", "-test-directory=other").ok()


def test_its_json_has_terraforms_shape(cli: Cli, tmp_path: Path) -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not here")
    cli.file("ours/main.mlf.hcl", BROKEN.replace("KIND", "mlform_data"))
    cli.file("theirs/main.tf", BROKEN.replace("KIND", "terraform_data"))
    ours = cli.run("-chdir=ours", "validate", "-json")
    where = tmp_path / "theirs"
    subprocess.run([terraform, "init"], cwd=where, capture_output=True, check=True)  # noqa: S603
    done = subprocess.run(  # noqa: S603
        [terraform, "validate", "-json"], cwd=where, capture_output=True, text=True, check=False
    )
    assert ours.status == done.returncode == 1
    mine, peer = json.loads(ours.stdout), json.loads(done.stdout)
    assert shape(mine) == shape(peer)
    said = {item["summary"] for item in mine["diagnostics"]}
    assert {item["summary"] for item in peer["diagnostics"]} <= said


def shape(document: dict[str, object]) -> tuple[set[str], set[str], set[str]]:
    items = document["diagnostics"]
    assert isinstance(items, list)
    located = [item for item in items if "range" in item]
    fields = {name for item in located for name in item}
    positions = {name for item in located for name in item["range"]["start"]}
    ranges = {name for item in located for name in item["range"]} | positions
    snippets = {name for item in located for name in item["snippet"]} - {"function_call"}
    return set(document) | ranges, fields - {"address"}, snippets
