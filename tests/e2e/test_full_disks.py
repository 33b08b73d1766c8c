"""Disks that fill below a task: its log may suffer, what it makes is whole or clearly refused."""

from __future__ import annotations

import os
from pathlib import Path

from tests.e2e.cli import Cli
from tests.e2e.disks import mounted
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
    module = "chatty"
    task   = "regression"
    params = { lines = LINES, fills = "FILLS" }
  }
}
"""
)
CODE = (
    """
import pathlib

def fit(features, target, params):
    for number in range(params["lines"]):
        print("line", number, "x" * 100)
    if params["fills"]:
        ballast = open(pathlib.Path(params["fills"]) / "ballast", "wb", buffering=0)
        try:
            while ballast.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return float(target.mean())
"""
    + PREDICTED
    + STORED
)


def project(folder: Path, lines: int, fills: str = "") -> Cli:
    text = PROJECT.replace("LINES", str(lines)).replace("FILLS", fills)
    cli = Cli(folder).file("main.mlf.hcl", text).file("data.csv", TABLE)
    return cli.file("code/chatty.py", CODE)


def test_a_training_whose_log_does_not_fit_is_done_and_says_so(tmp_path: Path) -> None:
    with mounted(tmp_path / ".mlform" / "logs", "100k"):
        cli = project(tmp_path, 3_000)
        with cleaned(cli):
            done = cli.run("apply", "-auto-approve").ok()
            assert (
                "model.m: its log is incomplete, since it could not be written: No space left on "
                "device" in done.stdout
            )
            assert "model.m: Creation complete" in done.stdout
            assert cli.run("logs", "model.m").ok().stdout.startswith("line 0 ")


def test_a_log_that_cannot_be_made_is_told_before_anything_runs(tmp_path: Path) -> None:
    cli = project(tmp_path, 1).file(".mlform/logs", "a file in the way")
    with cleaned(cli):
        failed = cli.run("apply", "-auto-approve")
        assert failed.status == 6
        assert "Working files cannot be read or written" in failed.stderr
        assert ".mlform/logs" in failed.stderr.replace("\n│ ", "")
        (tmp_path / ".mlform" / "logs").unlink()
        cli.run("apply", "-auto-approve").ok()


def test_a_disk_that_a_task_fills(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "4m") as disk:
        cli = project(disk.folder, 0, str(disk.folder))
        with cleaned(cli):
            failed = cli.run("apply", "-auto-approve")
            assert failed.status == 6
            assert "Worker died" not in failed.stderr
            assert "No space left on device" in failed.stderr
            assert cli.run("state", "list").ok().stdout.split() == ["dataset.d", "split.s"]
            (disk.folder / "ballast").unlink()
            cli.replace("main.mlf.hcl", f'"{disk.folder}"', '""')
            cli.run("apply", "-auto-approve").ok()


def test_a_table_that_does_not_fit(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "8m") as disk:
        rows = "".join(f"{at * 7919 % 99991 * 1.000013},{at}\n" for at in range(60_000))
        cli = Cli(disk.folder).file("main.mlf.hcl", SPLIT).file("data.csv", "a,y\n" + rows)
        room = os.statvfs(disk.folder)
        cli.file("ballast", b"x" * (room.f_bavail * room.f_frsize - 300_000))
        with cleaned(cli):
            failed = cli.run("apply", "-auto-approve")
            assert failed.status == 6, failed.stdout
            said = " ".join(failed.stderr.replace("│", " ").split())
            assert "bug in mlform" not in said
            assert "No space left on device" in said
            assert "Free some space" in said
            (disk.folder / "ballast").unlink()
            cli.run("apply", "-auto-approve").ok()
