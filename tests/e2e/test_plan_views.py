"""Plans as Markdown and as JSON on the command line, and a reader of Terraform's plans."""

from __future__ import annotations

from pathlib import Path

import pytest
import tftest  # type: ignore[import-untyped]

from tests.e2e.cli import Cli
from tests.markdown import read_comment

MAIN = """\
resource "mlform_data" "a" {
  input = "x"
}
output "o" {
  value = mlform_data.a.output
}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path).file("main.mlf.hcl", MAIN)


def test_plan_prints_markdown_and_nothing_else(cli: Cli) -> None:
    done = cli.run("plan", "-markdown", "-out=ci.plan", "-detailed-exitcode")
    assert done.status == 2
    assert done.stdout.startswith("### Plan: 1 to add, 0 to change, 0 to destroy.\n\n| Action |")
    comment = read_comment(done.stdout)
    assert comment.summaries == ["+ mlform_data.a will be created", "Changes to outputs"]
    assert done.stderr == ""
    assert cli.run("show", "-markdown", "ci.plan").ok().stdout == done.stdout


def test_no_changes_come_first(cli: Cli) -> None:
    cli.run("apply", "-auto-approve").ok()
    assert cli.run("plan", "-markdown").ok().stdout == "### No changes.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "-markdown", "-json"), "Options do not go together"),
        (("show", "-markdown", "-json", "x"), "Options do not go together"),
        (("show", "-markdown"), "mlform show -markdown PLAN"),
    ],
)
def test_what_cannot_be_is_said(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli.run(*words)
    assert done.status == 1
    assert said in done.stderr + done.stdout


PARTS = """\
variable "word" {
  default = "w"
}
variable "hour" {
  default   = "now"
  ephemeral = true
}
module "m" {
  source   = "./m"
  for_each = toset(["x", "y y"])
  input    = var.word
}
resource "mlform_data" "counted" {
  count = 2
  input = module.m["x"].output
}
output "known" {
  value = { a = [1, "b"] }
}
output "partly" {
  value = [var.word, mlform_data.counted[0].id]
}
"""
INNER = """\
variable "input" {}
resource "mlform_data" "inner" {
  input = var.input
}
output "output" {
  value = mlform_data.inner.output
}
"""


def test_a_reader_of_terraforms_plans_reads_ours(cli: Cli) -> None:
    cli.file("main.mlf.hcl", PARTS).file("m/main.mlf.hcl", INNER)
    cli.run("plan", "-out=saved").ok()
    plan = tftest.TerraformPlanOutput(cli.run("show", "-json", "saved").ok().json)
    assert plan.format_version == "1.2"
    assert plan.terraform_version == "1.11.0"
    assert plan.variables == {"word": "w"}
    assert plan.outputs["known"] == {"a": [1, "b"]}
    assert sorted(plan.resources) == ["mlform_data.counted[0]", "mlform_data.counted[1]"]
    module = plan.modules['module.m["y y"]']
    assert module.resources["mlform_data.inner"]["values"]["input"] == "w"
    assert sorted(plan.resource_changes) == [
        "mlform_data.counted[0]",
        "mlform_data.counted[1]",
        'module.m["x"].mlform_data.inner',
        'module.m["y y"].mlform_data.inner',
    ]
    call = plan.configuration["root_module"]["module_calls"]["m"]
    assert call["expressions"]["input"] == {"references": ["var.word"]}


def test_ephemeral_variables_are_in_no_document(cli: Cli) -> None:
    cli.file("main.mlf.hcl", PARTS).file("m/main.mlf.hcl", INNER)
    cli.run("plan", "-out=saved").ok()
    document = cli.run("show", "-json", "saved").ok().json
    assert isinstance(document, dict)
    assert document["variables"] == {"word": {"value": "w"}}
    assert "hour" in document["configuration"]["root_module"]["variables"]
