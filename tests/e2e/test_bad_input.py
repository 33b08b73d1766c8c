"""Mistakes that show only in the real world: a clear message, exit status, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cli import Cli, Outcome

DATA_MISTAKES = """
resource "dataset" "schema" {
  source "file" {
    path = "data.csv"
  }
  schema {
    column "age" {
      type = "float64"
      max  = 50
    }
  }
}

resource "dataset" "fine" {
  source "file" {
    path = "data.csv"
  }
}

resource "split" "empty" {
  dataset = dataset.fine
  by_column {
    column = "sex"
    partition "train" {
      values = ["f", "m"]
    }
    partition "eval" {
      values = ["x"]
    }
  }
}

resource "split" "fine" {
  dataset = dataset.fine
  ratio {
    partitions = { train = 0.5, eval = 0.5 }
  }
}

resource "model" "missing" {
  split  = split.fine
  target = "y"
  algorithm "xgboost" {
    rounds = 2
  }
}
"""
ROWS = "age,sex,y\n" + "".join(
    f"{at},{'fm'[at % 2]},{'' if at in {3, 4, 5} else at % 2}\n" for at in range(60)
)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def words(outcome: Outcome) -> str:
    return " ".join(outcome.stderr.replace("│", " ").split())


def test_mistakes_in_the_data(cli: Cli) -> None:
    cli.file("main.mlf.hcl", DATA_MISTAKES).file("data.csv", ROWS)
    outcome = cli.run("apply", "-auto-approve")
    assert outcome.status == 6
    said = words(outcome)
    assert "with dataset.schema" in said
    assert "51" in said  # the first age that is too high
    assert "with split.empty" in said
    assert '"eval"' in said or "eval" in said
    assert "with model.missing" in said
    assert "Traceback" not in said
    assert "dataset.fine: Creation complete" in outcome.stdout
    assert cli.run("state", "list").ok().stdout.split() == ["dataset.fine", "split.fine"]


def test_corrupt_state_is_kept(cli: Cli) -> None:
    cli.file("main.mlf.hcl", 'resource "mlform_data" "a" {}\n')
    cli.run("apply", "-auto-approve").ok()
    cli.file("mlform.mlfstate", "{half")
    for command in (("plan",), ("apply", "-auto-approve"), ("show",)):
        outcome = cli.run(*command)
        assert outcome.status == 1
        assert "mlform.mlfstate" in words(outcome)
        assert "Traceback" not in outcome.stderr
    assert (cli.folder / "mlform.mlfstate").read_text() == "{half"


def test_no_docker_engine(cli: Cli) -> None:
    cli.file(
        "main.mlf.hcl",
        'runtime "docker" "default" {\n  image = "mlform-runtime:none"\n}\n'
        'resource "dataset" "d" {\n  source "file" {\n    path = "data.csv"\n  }\n}\n',
    ).file("data.csv", ROWS)
    outcome = cli.with_variables(DOCKER_HOST="unix:///nowhere/docker.sock").run("plan")
    assert outcome.status == 1
    assert "Docker" in words(outcome)
    assert "/nowhere/docker.sock" in words(outcome)
    assert sorted(path.name for path in cli.folder.iterdir() if path.name != ".mlform") == [
        "data.csv",
        "main.mlf.hcl",
    ]


def test_unreadable_source(cli: Cli) -> None:
    cli.file(
        "main.mlf.hcl",
        'resource "dataset" "d" {\n  source "file" {\n    path = "folder"\n  }\n}\n',
    ).file("folder/data.csv", ROWS)
    outcome = cli.run("plan")
    assert outcome.status == 1
    assert "folder is a folder" in words(outcome)
    assert 'path = "folder"' in words(outcome)
