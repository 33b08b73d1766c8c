"""Plans as Markdown on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

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
