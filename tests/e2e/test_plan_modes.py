"""Kinds of plans and their options, as people give them."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlform.backends.base import LockInfo
from mlform.backends.flock import FileLock
from tests.e2e.cli import Cli, ended, printed_until

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = """\
resource "mlform_data" "a" {
  input = "one"
}
resource "mlform_data" "b" {
  input = mlform_data.a.output
}
resource "mlform_data" "c" {
  input = "one"
}
output "b" {
  value = mlform_data.b.output
}
"""
TABLE = """\
resource "dataset" "d" {
  source "file" {
    path = "data.csv"
  }
}
output "rows" {
  value = dataset.d.rows
}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path).file("main.mlf.hcl", VALUES)


@pytest.fixture
def applied(cli: Cli) -> Cli:
    cli.run("apply", "-auto-approve").ok()
    return cli


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A project of one data set; tests put back what they take away."""
    cli = Cli(tmp_path_factory.mktemp("table")).file("main.mlf.hcl", TABLE)
    cli.file("data.csv", "x,y\n1,2\n3,4\n").run("apply", "-auto-approve").ok()
    return cli


@pytest.fixture
def lost(table: Cli) -> Iterator[Cli]:
    """The same, its artifact taken away."""
    cache = table.folder / ".mlform" / "cache"
    cache.rename(table.folder / "elsewhere")
    yield table
    (table.folder / "elsewhere").rename(cache)
    table.run("apply", "-auto-approve").ok()


def test_a_refresh_only_plan_looks_and_does_nothing(lost: Cli) -> None:
    plan = lost.run("plan", "-refresh-only", "-detailed-exitcode", "-out=p")
    assert plan.status == 2, plan.stderr
    assert "Objects have changed outside of mlform" in plan.stdout
    assert "# dataset.d has been deleted" in plan.stdout
    assert "This is a refresh-only plan" in plan.stdout
    document = lost.run("show", "-json", "p").ok().json
    assert isinstance(document, dict)
    (drift,) = document["resource_drift"]
    assert (drift["address"], drift["change"]["actions"]) == ("dataset.d", ["delete"])
    assert drift["change"]["after"] is None
    assert "resource_changes" not in document
    assert (document["applyable"], document["complete"], document["errored"]) == (True, True, False)
    assert lost.run("state", "list").ok().stdout == "dataset.d\n"


def test_apply_refresh_only_asks_and_records(lost: Cli) -> None:
    declined = lost.run("apply", "-refresh-only")
    assert declined.status == 1
    assert "Approval is needed" in declined.stderr
    done = lost.run("refresh").ok()
    assert "Apply complete! Resources: 0 added, 0 changed, 0 destroyed." in done.stdout
    assert lost.run("state", "list").ok().stdout == ""
    again = lost.run("plan", "-refresh-only", "-detailed-exitcode").ok()
    assert "No changes. Everything is still as the last apply left it." in again.stdout


def test_what_is_gone_is_not_destroyed_once_more(lost: Cli) -> None:
    plan = lost.run("plan", "-destroy", "-out=p").ok()
    assert "# dataset.d has been deleted" in plan.stdout
    assert "will be destroyed" not in plan.stdout
    unseen = lost.run("plan", "-destroy", "-refresh=false").ok()
    assert "# dataset.d will be destroyed" in unseen.stdout
    done = lost.run("apply", "p").ok()
    assert "Resources: 0 added, 0 changed, 0 destroyed." in done.stdout
    assert lost.run("state", "list").ok().stdout == ""
    nothing = lost.run("destroy", "-auto-approve").ok()
    assert "No changes. No objects need to be destroyed." in nothing.stdout


def test_refresh_as_messages(lost: Cli) -> None:
    messages = lost.run("refresh", "-json").ok().messages
    assert [re.sub(r"=\w+", "=ID", str(item["@message"])) for item in messages[1:]] == [
        "dataset.d: Refreshing state... [id=ID]",
        "dataset.d: Refresh complete [id=ID]",
        "dataset.d: Drift detected (delete)",
        "Plan: 0 to add, 0 to change, 0 to destroy.",
        "Outputs: 1",
        "Apply complete! Resources: 0 added, 0 changed, 0 destroyed.",
        "Outputs: 0",
    ]


def test_excluded_objects_stay_as_they_are(applied: Cli) -> None:
    applied.file("main.mlf.hcl", VALUES.replace('"one"', '"two"'))
    done = applied.run("apply", "-auto-approve", "-exclude=mlform_data.a", "-compact-warnings")
    assert done.ok().stderr == (
        "Warning: Resource exclusion is in effect\nWarning: Applied changes may be incomplete\n"
    )
    assert "Resources: 0 added, 1 changed, 0 destroyed." in done.stdout
    rest = applied.run("destroy", "-auto-approve", "-exclude=mlform_data.b").ok()
    assert "Destroy complete! Resources: 1 destroyed." in rest.stdout
    assert applied.run("state", "list").ok().stdout == "mlform_data.a\nmlform_data.b\n"


def test_marks_come_and_go(applied: Cli) -> None:
    said = applied.run("taint", "mlform_data.a").ok().stdout
    assert said == "Resource instance mlform_data.a has been marked as tainted.\n"
    assert "# mlform_data.a is tainted, so must be replaced" in applied.run("plan").ok().stdout
    said = applied.run("untaint", "mlform_data.a").ok().stdout
    assert said == "Resource instance mlform_data.a has been successfully untainted.\n"
    assert "No changes." in applied.run("plan").ok().stdout
    assert "not tainted" in applied.run("untaint", "mlform_data.a").stderr
    missing = applied.run("taint", "mlform_data.z")
    assert (missing.status, missing.stdout) == (1, "")
    assert "No such resource instance" in missing.stderr
    allowed = applied.run("taint", "-allow-missing", "mlform_data.z").ok()
    assert "Warning: No such resource instance" in allowed.stderr


@contextmanager
def held(cli: Cli) -> Iterator[FileLock]:
    """Hold the lock of the state, until it is given back as "held" or the block ends."""
    lock = FileLock(cli.folder / ".mlform.mlfstate.lock")
    info = LockInfo(
        id="held", operation="test", who="somebody", pid=os.getpid(), created="now", version="0"
    )
    lock.take(info, timeout=0)
    try:
        yield lock
    finally:
        lock.give_back("held")


COMMANDS = (
    ("plan",),
    ("apply", "p"),
    ("destroy", "-auto-approve"),
    ("refresh",),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_waits_for_the_lock(applied: Cli, words: tuple[str, ...]) -> None:
    applied.file("main.mlf.hcl", VALUES.replace('"one"', '"two"'))
    applied.run("plan", "-out=p").ok()
    with held(applied) as lock:
        assert applied.run(*words).status == 4
        with applied.started(words[0], "-lock-timeout=10m", *words[1:]) as process:
            told = printed_until(process, "Waiting for the lock of the state")
            lock.give_back("held")
            printed = ended(process)
    assert f"state: somebody (process {os.getpid()}) holds it for test since now." in told
    assert process.returncode == 0, printed


def test_without_the_lock(applied: Cli) -> None:
    with held(applied):
        applied.run("taint", "-lock=false", "mlform_data.c").ok()
        applied.run("plan", "-lock=false", "-out=p").ok()
        done = applied.run("apply", "-lock=false", "p").ok()
    assert "Resources: 1 added, 0 changed, 1 destroyed." in done.stdout


def test_a_saved_plan_is_carried_out_as_it_is(applied: Cli) -> None:
    applied.file("main.mlf.hcl", VALUES.replace('"one"', '"two"'))
    applied.run("plan", "-out=p").ok()
    refused = applied.run("apply", "-refresh=false", "p")
    assert refused.status == 1
    assert "-refresh=false belongs to plan" in refused.stderr
    applied.run("apply", "p").ok()
    assert json.loads(applied.run("output", "-json", "b").ok().stdout) == "two"
