"""A real apply, killed at any instant: nothing is lost, nothing is left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess  # noqa: TID251 - a program with a limit is what is tested
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random  # noqa: TID251 - seeded

import pytest

from mlform.addresses import ResourceAddress, parse_address
from mlform.backends.local import LocalBackend
from mlform.state.snapshot import State
from tests.e2e.cli import Cli, Outcome
from tests.e2e.trainings import PREDICTED, SPLIT, STORED, TABLE
from tests.ports import free_port
from tests.waiting import wait_until

NODES = 200
"""Of the many; the pipeline has four more."""
CONVERGE_EVERY = 10
SEED = 20260102
_COMPLETE = re.compile(r"^(\S+): Creation complete after \S+( \[id=(\S+)\])?$")

MANY = f"""
variable "round" {{
  type    = number
  default = 0
}}

resource "mlform_data" "many" {{
  count = {NODES // 2}
  input = "n${{count.index}} in round ${{var.round}}"
}}

resource "mlform_data" "after" {{
  count = {NODES // 2}
  input = [mlform_data.many[count.index].output, mlform_data.many[count.index].id]
}}
"""
PIPELINE = (
    SPLIT
    + """
resource "model" "m" {
  split  = split.s
  target = "y"
  algorithm "python" {
    code   = "code"
    module = "constant"
    task   = "regression"
    params = { round = var.round }
  }
}

resource "endpoint" "p" {
  model = model.m
  port  = PORT
}
"""
)
CODE = "def fit(features, target, params):\n    return float(target.mean())\n" + PREDICTED + STORED


def project(folder: Path) -> Cli:
    """A folder with many small nodes and a real pipeline."""
    return (
        Cli(folder)
        .file("many.mlf.hcl", MANY)
        .file("pipeline.mlf.hcl", PIPELINE.replace("PORT", str(free_port())))
        .file("data.csv", TABLE)
        .file("code/constant.py", CODE)
    )


def state_of(folder: Path) -> State | None:
    """Read the state as the next run does; fails if it does not parse."""
    return LocalBackend(folder / "mlform.mlfstate").read()


def processes_of(folder: Path) -> list[int]:
    """Return the processes that have something of this folder on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                place = str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(folder) in line or place.startswith(str(folder)):
                found.append(int(entry.name))
    return found


@contextmanager
def cleaned(cli: Cli) -> Iterator[None]:
    """Destroy everything in the end, and leave no process behind even where a test fails."""
    try:
        yield
    finally:
        cli.run("destroy", "-auto-approve")
        for process in processes_of(cli.folder):
            os.kill(process, signal.SIGKILL)


def killed_after(cli: Cli, seconds: float) -> list[str]:
    """Apply for so long, kill the process, and return what it printed."""
    with cli.started("apply", "-auto-approve") as process:
        try:
            printed, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
    return printed.splitlines()


def check_recorded(folder: Path, printed: list[str]) -> int:
    """Fail if something that was said to be finished is not in the state; return how many are."""
    state = state_of(folder)
    finished = [match for line in printed if (match := _COMPLETE.match(line))]
    for match in finished:
        assert state is not None
        record = state.current(parse_address(match[1]))
        assert record is not None, f"{match[1]} was said to be complete and is not in the state"
        assert match[3] in {None, str(record.attributes.get("id"))}
    return 0 if state is None else len(state.objects)


def kill_often(cli: Cli, kills: int) -> None:
    """Apply a change to everything again and again, killing each apply at some instant of it."""
    began = time.monotonic()
    cli.run("apply", "-auto-approve").ok()
    longest = 1.2 * (time.monotonic() - began)
    random = Random(SEED)  # noqa: S311 - instants, no secrets
    for number in range(1, kills + 1):
        changed = cli.with_variables(MLF_VAR_round=str(number))
        known = current_addresses(cli.folder)
        printed = killed_after(changed, random.uniform(0.05, longest))
        check_recorded(cli.folder, printed)
        assert known == current_addresses(cli.folder), "an object was lost"
        if number % CONVERGE_EVERY == 0 or number == kills:
            check_convergence(changed)
    cli.run("destroy", "-auto-approve").ok()
    assert processes_of(cli.folder) == []


def current_addresses(folder: Path) -> set[ResourceAddress]:
    """Return the addresses of the current objects in the state."""
    state = state_of(folder)
    return set() if state is None else {record.address for record in state.records}


def check_convergence(cli: Cli) -> None:
    """Fail unless one more apply leaves everything as asked for, and nothing else."""
    done = cli.run("apply", "-auto-approve").ok()
    assert "Apply complete!" in done.stdout or "No changes." in done.stdout
    assert cli.run("plan", "-detailed-exitcode").status == 0
    state = state_of(cli.folder)
    assert state is not None
    assert not state.intents
    assert not state.deposed
    assert len(state.records) == NODES + 4
    assert not list((cli.folder / ".mlform" / "work").glob("*")), "work of a dead run was left"
    serving = processes_of(cli.folder)
    assert len(serving) <= 2, f"more than a server and its gateway run: {serving}"


def test_killed_at_random_instants(tmp_path: Path) -> None:
    cli = project(tmp_path)
    with cleaned(cli):
        kill_often(cli, kills=6)


@pytest.mark.soak
def test_killed_at_many_random_instants(tmp_path: Path) -> None:
    cli = project(tmp_path)
    with cleaned(cli):
        kill_often(cli, kills=200)


def test_killed_while_everything_is_made(tmp_path: Path) -> None:
    kill_from_nothing(tmp_path, kills=6)


@pytest.mark.soak
def test_killed_many_times_while_everything_is_made(tmp_path: Path) -> None:
    kill_from_nothing(tmp_path, kills=200)


def kill_from_nothing(folder: Path, kills: int) -> None:
    """Kill the first apply of a project at some instant, each time in a new folder."""
    random = Random(SEED)  # noqa: S311 - instants, no secrets
    longest = 0.0
    for number in range(kills + 1):
        cli = Cli(folder / str(number)).file("many.mlf.hcl", MANY)
        if not longest:
            began = time.monotonic()
            cli.run("apply", "-auto-approve").ok()
            longest = time.monotonic() - began
            continue
        check_recorded(cli.folder, killed_after(cli, random.uniform(0.05, longest)))
        cli.run("apply", "-auto-approve").ok()
        assert len(current_addresses(cli.folder)) == NODES
        assert cli.run("plan", "-detailed-exitcode").status == 0
        shutil.rmtree(cli.folder)


def run_limited(cli: Cli, blocks: int) -> Outcome:
    """Apply where no file may grow beyond so many blocks of 512 bytes, as on a full disk."""
    command = f'ulimit -f {blocks}; exec "{sys.executable}" -m mlform apply -auto-approve'
    done = subprocess.run(  # noqa: S603 - this Python below a limit
        ["/bin/sh", "-c", command],
        cwd=cli.folder,
        # Python would keep compiled modules that the limit has cut off.
        env={**cli.environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(
        status=done.returncode, stdout=done.stdout, stderr=done.stderr, folder=cli.folder
    )


@pytest.mark.parametrize("blocks", [0, 1, 8, 30])
def test_full_disk(tmp_path: Path, blocks: int) -> None:
    cli = Cli(tmp_path).file("many.mlf.hcl", MANY)
    full = run_limited(cli, blocks)
    assert full.status == 1
    assert "Error: " in full.stderr
    assert "Traceback" not in full.stderr
    assert "bug in mlform" not in full.stderr
    check_recorded(tmp_path, full.stdout.splitlines())
    cli.run("apply", "-auto-approve").ok()
    assert cli.run("plan", "-detailed-exitcode").status == 0


def test_state_replaced_meanwhile(tmp_path: Path) -> None:
    cli = project(tmp_path)
    path = tmp_path / "mlform.mlfstate"
    with cleaned(cli):
        with cli.started("apply", "-auto-approve") as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("dataset.d: Creating"):
                    break
            theirs = path.read_bytes()
            other = path.with_name("theirs")
            other.write_bytes(theirs)
            other.replace(path)
            rest, _ = process.communicate(timeout=60)
            assert process.returncode == 1
        words = " ".join(rest.replace("│", " ").split())
        assert "replaced while this run worked" in words
        assert path.read_bytes() == theirs
        kept = LocalBackend(tmp_path / "mlform.errored.mlfstate").read()
        assert kept is not None
        assert len(kept.records) >= NODES // 2
        wait_until(lambda: processes_of(tmp_path) == [], "the end of all processes", limit=10)
