"""`mlform test` as people run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cli import Cli

CONFIG = """
variable "name" {
  default = "x"
}
resource "mlform_data" "a" {
  input = var.name
}
output "name" {
  value = mlform_data.a.output
}
"""
TESTS = """
run "good" {
  assert {
    condition     = output.name == "x"
    error_message = "bad"
  }
}
run "wrong" {
  variables {
    name = "y"
  }
  assert {
    condition     = output.name == "x"
    error_message = "the name is ${output.name}"
  }
}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path).file("main.mlf.hcl", CONFIG).file("tests/a.mlftest.hcl", TESTS)


def test_lines_and_status(cli: Cli) -> None:
    outcome = cli.run("test")
    assert outcome.status == 1
    assert outcome.stdout == (
        "tests/a.mlftest.hcl... in progress\n"
        '  run "good"... pass\n'
        '  run "wrong"... fail\n'
        "tests/a.mlftest.hcl... tearing down\n"
        "tests/a.mlftest.hcl... fail\n"
        "\n"
        "Failure! 1 passed, 1 failed.\n"
    )
    assert "the name is y" in outcome.stderr
    assert sorted(path.name for path in outcome.folder.iterdir()) == ["main.mlf.hcl", "tests"]
    cli.replace("tests/a.mlftest.hcl", 'name = "y"', 'name = "x"').run("test").ok()


def test_messages_and_junit_xml(cli: Cli) -> None:
    outcome = cli.run("test", "-json", "-verbose", "-junit-xml=out.xml")
    types = [message["type"] for message in outcome.messages]
    assert types[:2] == ["version", "test_abstract"]
    assert types[-1] == "test_summary"
    assert types.count("test_state") == 2
    assert "1 of 2" not in outcome.file("out.xml").read_text()
    assert 'name="wrong"' in outcome.file("out.xml").read_text()


def test_verbose_shows_states_and_plans(cli: Cli) -> None:
    cli.file("tests/b.mlftest.hcl", 'run "p" {\n  command = plan\n}')
    text = cli.run("test", "-verbose").stdout
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in text
    assert 'name = "y"' in text


def test_without_tests_there_is_nothing_to_do(tmp_path: Path) -> None:
    outcome = Cli(tmp_path).file("main.mlf.hcl", CONFIG).run("test").ok()
    assert outcome.stdout == "\nSuccess! 0 passed, 0 failed.\n"


def test_what_is_wrong_with_files_of_tests_is_told_first(cli: Cli) -> None:
    outcome = cli.file("tests/b.mlftest.hcl", "run {}\nbaz {}").run("test")
    assert outcome.status == 1
    assert outcome.stdout == ""
    assert "Unsupported block type" in outcome.stderr


def test_an_unknown_filter_is_refused(cli: Cli) -> None:
    outcome = cli.run("test", "-filter=tests/b.mlftest.hcl")
    assert outcome.status == 1
    assert 'Did you mean "tests/a.mlftest.hcl"?' in outcome.stderr
