"""Mistakes that show only in the real world: a clear message, exit status, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
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


READING = (
    ("validate",),
    ("plan",),
    ("apply", "-auto-approve"),
    ("init",),
    ("console",),
    ("graph",),
)
"""Commands that read the whole configuration."""
DEEP = 10_000


def broken_file(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "main.mlf.hcl").write_bytes(content)


def two_definitions(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.mlf.hcl").write_text("locals {\n  twice = 1\n}\n")


def modules_in_a_circle(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "main.mlf.hcl").write_text('module "a" {\n  source = "./inner"\n}\n')
    (folder / "inner" / "main.mlf.hcl").write_text('module "b" {\n  source = "../inner"\n}\n')


def broken_values(folder: Path) -> None:
    (folder / "main.mlf.hcl").write_text('variable "x" {\n}\n')
    (folder / "mlform.mlfvars.hcl").write_bytes(b'x = "\xff"\n')


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "invalid UTF-8": (broken_file(b'locals {\n  a = "\xff"\n}\n'), "main.mlf.hcl line 2"),
    "UTF-16": (broken_file("locals {\n}\n".encode("utf-16")), "main.mlf.hcl line 1"),
    "NUL in code": (broken_file(b"locals {\n  a = \x00 1\n}\n"), "main.mlf.hcl line 2"),
    "NUL in a name": (broken_file(b'resource "mlform_data" "a\x00" {\n}\n'), "main.mlf.hcl line 1"),
    "a line of 10 MB": (
        broken_file(b'locals {\n  a = "' + b"x" * 10_000_000 + b'" + 1\n}\n'),
        "main.mlf.hcl line 2",
    ),
    "deep brackets": (
        broken_file(b"locals {\n  a = " + b"[" * DEEP + b"]" * DEEP + b"\n}\n"),
        "main.mlf.hcl line 2",
    ),
    "brackets that stay open": (
        broken_file(b"locals {\n  a = " + b"(" * DEEP + b"\n}\n"),
        "main.mlf.hcl line 2",
    ),
    "deep templates": (
        broken_file(b"locals {\n  a = " + b'"${' * DEEP + b"1" + b'}"' * DEEP + b"\n}\n"),
        "main.mlf.hcl line 2",
    ),
    "deep blocks": (broken_file(b"a {\n" * DEEP + b"}\n" * DEEP), "main.mlf.hcl line 1"),
    "duplicate definitions": (two_definitions, "b.mlf.hcl line 2"),
    "a folder for a file": (lambda folder: (folder / "main.mlf.hcl").mkdir(), "main.mlf.hcl"),
    "a link to itself": (
        lambda folder: (folder / "main.mlf.hcl").symlink_to("main.mlf.hcl"),
        "main.mlf.hcl",
    ),
    "a link to nothing": (
        lambda folder: (folder / "main.mlf.hcl").symlink_to("nowhere"),
        "main.mlf.hcl",
    ),
    "modules in a circle": (modules_in_a_circle, "inner/main.mlf.hcl line 2"),
    "broken values": (broken_values, "mlform.mlfvars.hcl line 1"),
    "half a JSON file": (
        lambda folder: (folder / "main.mlf.json").write_text('{"locals": {"a": [[['),
        "main.mlf.json line 1",
    ),
}


EVERYWHERE = {"invalid UTF-8", "deep brackets", "a folder for a file", "broken values"}
"""Cases that all commands are asked about; for the others one of them has to do."""


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_configuration_is_told_with_its_place(case: str, cli: Cli) -> None:
    make, place = BROKEN[case]
    make(cli.folder)
    for command in READING if case in EVERYWHERE else READING[:1]:
        outcome = cli.run(*command, stdin="1\n", timeout=120)
        assert outcome.status == 1, command
        assert place in outcome.stderr, command
        assert "Error: " in outcome.stderr
        assert "bug in mlform" not in outcome.stderr
        assert "Traceback" not in outcome.stderr
        assert len(outcome.stderr) < 20_000


def test_thousands_of_problems_take_no_time_to_tell(cli: Cli) -> None:
    lines = "".join(f"  a{number} = var.x{number}\n" for number in range(3000))
    cli.file("main.mlf.hcl", f"locals {{\n{lines}}}\n")
    outcome = cli.run("validate", timeout=60)
    assert outcome.status == 1
    assert outcome.stderr.count("Error: ") == 100
    assert "2900 more errors not shown" in outcome.stderr
