"""Sources and code that the user in the container may not read: what, where and how to mend it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlform.tasks import PinnedImage
from tests.e2e.cli import Cli
from tests.e2e.test_kill import cleaned
from tests.e2e.trainings import PREDICTED, SPLIT, STORED, TABLE

pytest_plugins = ["tests.docker_fixtures"]
pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.getuid() != 0, reason="who is not root owns what containers read"),
]

PROJECT = (
    SPLIT.replace("data.csv", "in/data.csv")
    + """
resource "model" "m" {
  split  = split.s
  target = "y"
  algorithm "python" {
    code   = "code"
    module = "own"
    task   = "regression"
  }
}

runtime "docker" "default" {
  image = "IMAGE"
}
"""
)
CODE = "def fit(features, target, params):\n    return float(target.mean())\n" + PREDICTED + STORED


@pytest.mark.parametrize("closed", ["in", "in/data.csv", "code", "code/own.py"])
def test_what_may_not_be_read_is_named(
    tmp_path: Path, runtime_image: PinnedImage, closed: str
) -> None:
    folder = tmp_path / "project"
    text = PROJECT.replace("IMAGE", runtime_image.name)
    cli = Cli(folder).file("main.mlf.hcl", text)
    cli.file("in/data.csv", TABLE).file("code/own.py", CODE)
    path = folder / closed
    path.chmod(0o700 if path.is_dir() else 0o600)
    with cleaned(cli):
        cli.run("init").ok()
        failed = cli.run("apply", "-auto-approve")
        assert failed.status == 6
        assert "Traceback" not in failed.stderr
        assert "bug in mlform" not in failed.stderr
        said = " ".join(failed.stderr.replace("│", " ").split())
        assert "Error: Files cannot be read" in said
        assert f"{path}: permission denied. The task runs as user 10001" in said
        assert "chmod -R o+rX" in said
        path.chmod(0o755 if path.is_dir() else 0o644)
        cli.run("apply", "-auto-approve").ok()
