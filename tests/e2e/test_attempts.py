"""Attempts of real tasks: killed and tried again, too slow, asking too much; and their logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.cli import Cli
from tests.e2e.test_kill import cleaned
from tests.e2e.trainings import PREDICTED, SPLIT, STORED, TABLE

PROJECT = (
    SPLIT
    + """
resource "model" "m" {
  split  = split.s
  target = "y"
  algorithm "python" {
    code   = "code"
    module = "moody"
    task   = "regression"
    params = { mood = "MOOD", place = "PLACE" }
  }
  BLOCKS
}
"""
)
CODE = (
    """
import os, pathlib, signal, time

def fit(features, target, params):
    tries = pathlib.Path(params["place"]) / "tries"
    number = len(tries.read_text()) + 1 if tries.exists() else 1
    tries.write_text("x" * number)
    print("try", number, "\\x1b[31mred\\x1b[0m", flush=True)
    if params["mood"] == "dies" and number < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if params["mood"] == "sleeps":
        time.sleep(60)
    if params["mood"] == "raises":
        raise RuntimeError("not today")
    return float(target.mean())
"""
    + PREDICTED
    + STORED
)


def project(folder: Path, mood: str, blocks: str = "") -> Cli:
    text = PROJECT.replace("MOOD", mood).replace("PLACE", str(folder)).replace("BLOCKS", blocks)
    cli = Cli(folder).file("main.mlf.hcl", text).file("data.csv", TABLE)
    return cli.file("code/moody.py", CODE)


def test_a_killed_worker_is_tried_again(tmp_path: Path) -> None:
    cli = project(tmp_path, "dies", 'retry {\n    delay = "0.1s"\n  }')
    with cleaned(cli):
        done = cli.run("apply", "-auto-approve").ok()
        assert "model.m: Worker died, retrying (2 of 3) in 0.1s" in done.stdout
        assert "model.m: Creating... (attempt 3)" in done.stdout
        assert (tmp_path / "tries").read_text() == "xxx"
        listed = cli.run("logs", "-list", "model.m").ok().stdout.splitlines()
        assert [line.split()[0] for line in listed] == ["1", "2", "3"]
        assert "try 2" in cli.run("logs", "-attempt=2", "model.m").ok().stdout
        assert "try 3" in cli.run("logs", "model.m").ok().stdout
        missing = cli.run("logs", "-attempt=9", "model.m")
        assert missing.status == 1
        assert "attempts at model.m: 1, 2, 3" in missing.stderr
        assert list((tmp_path / ".mlform" / "work").iterdir()) == []


def test_a_failure_shows_its_log_and_is_not_tried_again(tmp_path: Path) -> None:
    cli = project(tmp_path, "raises")
    with cleaned(cli):
        failed = cli.run("apply", "-auto-approve", "-json")
        assert failed.status == 6
        (told,) = (item for item in failed.messages if item["type"] == "diagnostic")
        diagnostic = told["diagnostic"]
        assert isinstance(diagnostic, dict)
        assert diagnostic["log_tail"][0] == "try 1 red"
        assert "not today" in diagnostic["detail"] + " ".join(diagnostic["log_tail"])
        (errored,) = (item for item in failed.messages if item["type"] == "apply_errored")
        assert json.dumps(errored).count("try 1 red") == 1
        assert (tmp_path / "tries").read_text() == "x"


@pytest.mark.parametrize("retried", [False, True])
def test_a_time_limit_names_itself(tmp_path: Path, retried: bool) -> None:  # noqa: FBT001 - a parameter of the test
    blocks = 'requirements {\n    timeout = "1.5s"\n  }'
    if retried:
        blocks += '\n  retry {\n    attempts = 2\n    delay = "0s"\n    when = "failure"\n  }'
    cli = project(tmp_path, "sleeps", blocks)
    with cleaned(cli):
        failed = cli.run("apply", "-auto-approve")
        words = " ".join(failed.stderr.replace("│", " ").split())
        assert failed.status == 6
        assert "It ran longer than its limit of 1.5 s and was stopped. Raise timeout" in words
        assert "The last lines it printed: try" in words
        assert len((tmp_path / "tries").read_text()) == (2 if retried else 1)


def test_too_much_is_refused_before_anything_runs(tmp_path: Path) -> None:
    cli = project(tmp_path, "fine", 'requirements {\n    memory = "900TB"\n  }')
    refused = cli.run("apply", "-auto-approve")
    assert refused.status == 1
    assert "Machine too small" in refused.stderr
    assert not (tmp_path / ".mlform" / "logs").exists()
    told = cli.with_variables(MLF_MEMORY="999TB", MLF_CPUS="nonsense").run("plan")
    assert told.status == 1
    assert 'MLF_CPUS is "nonsense"' in told.stderr
    assert cli.with_variables(MLF_MEMORY="999TB").run("plan").status == 0
