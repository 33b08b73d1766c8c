"""Signals, closed terminals and hung-up pipes at awkward moments.

Whatever comes: mlform ends by itself with status 130, nothing it started is left, and the next run
goes on from what the state says.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import subprocess  # noqa: TID251 - a program that is interrupted is what is tested
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from mlform.backends.local import LocalBackend
from mlform.state.snapshot import State
from tests.e2e.cli import Cli, ended, printed_until
from tests.e2e.test_kill import cleaned, processes_of
from tests.e2e.trainings import SPLIT, STORED, TABLE
from tests.ports import free_port
from tests.waiting import wait_until

SLOW = (
    """
import pathlib, sys, time

def fit(features, target, params):
    pathlib.Path(params["started"]).touch()
    print("working", flush=True)
    for _ in range(600):
        if pathlib.Path(params["go"]).exists():
            break
        time.sleep(0.05)
    if params.get("dies"):
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    return float(target.mean())

def predict(model, features):
    serves = any("serving" in word for word in sys.argv)
    if serves and pathlib.Path(GO).with_name("slow-start").exists():
        pathlib.Path(GO).with_name("starting").touch()
        time.sleep(3)
    return [model] * len(features)
"""
    + STORED
)
PROJECT = (
    SPLIT
    + """
resource "model" "m" {
  split  = split.s
  target = "y"
  algorithm "python" {
    code   = "code"
    module = "slow"
    task   = "regression"
    params = { started = "STARTED", go = "GO"DIES }
  }
  retry {
    delay = "10m"
  }
}

resource "endpoint" "p" {
  model = model.m
  port  = PORT
}
"""
)


class Project:
    """A pipeline whose training waits for a file."""

    def __init__(self, folder: Path, *, dies: bool = False) -> None:
        self.folder = folder
        self.started, self.go = folder / "started", folder / "go"
        text = PROJECT.replace("PORT", str(free_port())).replace("STARTED", str(self.started))
        text = text.replace('"GO"', f'"{self.go}"').replace("DIES", ", dies = true" if dies else "")
        code = SLOW.replace("GO", repr(str(self.go)))
        self.cli = Cli(folder).file("main.mlf.hcl", text).file("data.csv", TABLE)
        self.cli.file("code/slow.py", code)

    @property
    def state(self) -> State | None:
        return LocalBackend(self.folder / "mlform.mlfstate").read()

    def names(self) -> set[str]:
        state = self.state
        return set() if state is None else {str(record.address) for record in state.records}

    def settle(self) -> None:
        """Let the next run finish what was begun, and find nothing left to do."""
        self.go.touch()
        self.cli.run("apply", "-auto-approve").ok()
        assert self.cli.run("plan", "-detailed-exitcode").status == 0
        state = self.state
        assert state is not None
        assert not state.intents
        assert self.names() == {"dataset.d", "split.s", "model.m", "endpoint.p"}
        assert len(processes_of(self.folder)) <= 2


@contextmanager
def project(folder: Path, *, dies: bool = False) -> Iterator[Project]:
    made = Project(folder, dies=dies)
    with cleaned(made.cli):
        yield made


wait_for = partial(wait_until, limit=60)


def check_nothing_runs(folder: Path) -> None:
    wait_for(lambda: processes_of(folder) == [], "the end of everything that was started")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_finish_what_runs(tmp_path: Path, number: signal.Signals) -> None:
    with project(tmp_path) as made:
        with made.cli.started("apply", "-auto-approve") as process:
            wait_for(made.started.exists, "the training")
            process.send_signal(number)
            time.sleep(0.5)
            assert process.poll() is None
            made.go.touch()
            printed = ended(process)
        assert process.returncode == 130
        assert "Interrupt received" in printed
        assert "endpoint.p: Skipped: interrupted" in printed
        assert made.names() == {"dataset.d", "split.s", "model.m"}
        check_nothing_runs(tmp_path)
        made.settle()


def test_the_second_signal_stops_what_runs_and_a_third_changes_nothing(tmp_path: Path) -> None:
    with project(tmp_path) as made:
        with made.cli.started("apply", "-auto-approve") as process:
            wait_for(made.started.exists, "the training")
            process.send_signal(signal.SIGINT)
            printed = printed_until(process, "Interrupt received")
            process.send_signal(signal.SIGINT)
            printed += printed_until(process, "Stopping at once")
            process.send_signal(signal.SIGINT)
            printed += ended(process)
        assert process.returncode == 130
        assert "Stopping at once" in printed
        assert "Task cancelled" in printed
        assert made.names() == {"dataset.d", "split.s"}
        state = made.state
        assert state is not None
        assert not state.intents
        check_nothing_runs(tmp_path)
        made.settle()


def test_a_hail_of_signals_corrupts_nothing(tmp_path: Path) -> None:
    with project(tmp_path) as made:
        made.go.touch()
        for pause in (0.2, 0.5, 0.8, 1.2, 1.8, 2.5):
            with made.cli.started("apply", "-auto-approve") as process:
                time.sleep(pause)
                for _ in range(8):
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.02)
                printed, _ = process.communicate(timeout=60)
            # One that was quick enough was done before.
            assert process.returncode in {0, 130, -signal.SIGINT}, printed
            assert "bug in mlform" not in printed
            made.names()
        made.settle()


def test_in_the_pause_before_the_next_attempt(tmp_path: Path) -> None:
    with project(tmp_path, dies=True) as made:
        made.go.touch()
        with made.cli.started("apply", "-auto-approve") as process:
            assert process.stdout is not None
            for line in process.stdout:
                if "retrying (2 of 3) in 10m00s" in line:
                    break
            process.send_signal(signal.SIGTERM)
            printed = ended(process, limit=20)
        assert process.returncode == 130
        assert "Error: Worker died" in printed
        assert made.names() == {"dataset.d", "split.s"}
        check_nothing_runs(tmp_path)


def test_while_a_server_starts(tmp_path: Path) -> None:
    with project(tmp_path) as made:
        made.go.touch()
        (tmp_path / "slow-start").touch()
        with made.cli.started("apply", "-auto-approve") as process:
            wait_for((tmp_path / "starting").exists, "the start of the server")
            process.send_signal(signal.SIGINT)
            printed_until(process, "Interrupt received")
            process.send_signal(signal.SIGINT)
            printed = ended(process)
        assert process.returncode == 130
        assert "Server cancelled" in printed
        assert "endpoint.p" not in made.names()
        check_nothing_runs(tmp_path)
        (tmp_path / "slow-start").unlink()
        made.settle()


def opened_by_reader(pipe: Path) -> int:
    """Wait until somebody reads a named pipe; return its other end, that it goes on to wait at."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):  # nobody reads yet
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    message = f"nobody reads {pipe}"
    raise AssertionError(message)


def test_while_it_plans(tmp_path: Path) -> None:
    with project(tmp_path) as made:
        pipe = tmp_path / "pipe.auto.mlfvars.hcl"  # a file that never ends to be read
        os.mkfifo(pipe)
        with made.cli.started("apply", "-auto-approve") as process:
            writer = opened_by_reader(pipe)
            process.send_signal(signal.SIGTERM)
            printed = ended(process)
        os.close(writer)
        pipe.unlink()
        assert process.returncode == 130
        assert "Interrupted." in printed
        assert made.state is None


def test_while_it_waits_for_the_lock(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", 'resource "mlform_data" "a" {}\n')
    cli.run("plan", "-out=saved").ok()
    lock = tmp_path / ".mlform.mlfstate.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with cli.started("apply", "-lock-timeout=10m", "saved") as process:
            printed_until(process, "Waiting for the lock of the state")
            process.send_signal(signal.SIGINT)
            printed = ended(process, limit=20)
    assert process.returncode == 130
    assert "Interrupted while it waited; nothing was done." in " ".join(
        printed.replace("│", " ").split()
    )
    lock.unlink(missing_ok=True)
    cli.run("apply", "saved").ok()


# Terminals and pipes


@contextmanager
def on_terminal(made: Project, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run mlform in a session of its own on a terminal; give its process and the other end."""
    ours, theirs = pty.openpty()
    environment = {**made.cli.environment(), "TERM": "xterm"}
    process = subprocess.Popen(  # noqa: S603 - this Python
        made.cli.command(*arguments),
        cwd=made.folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def drained(terminal: int) -> bool:
    """Read what a terminal shows by now, so that nobody waits to write there."""
    try:
        while os.read(terminal, 65536):
            pass
    except BlockingIOError:
        pass
    return True


def read_until(terminal: int, text: str) -> str:
    """Read what a terminal shows until a text comes."""
    seen = b""
    deadline = time.monotonic() + 60
    while text.encode() not in seen:
        assert time.monotonic() < deadline, seen.decode(errors="replace")
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            break
    return seen.decode(errors="replace")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_it_asks(tmp_path: Path, number: signal.Signals) -> None:
    with project(tmp_path) as made, on_terminal(made, "apply") as (process, terminal):
        read_until(terminal, "Enter a value:")
        process.send_signal(number)
        assert "Interrupted." in read_until(terminal, "Interrupted.")
        assert process.wait(20) == 130
        os.close(terminal)
        assert made.state is None


def test_a_terminal_that_is_closed_is_a_wish_to_stop(tmp_path: Path) -> None:
    with project(tmp_path) as made:
        with on_terminal(made, "apply", "-auto-approve") as (process, terminal):
            seen = read_until(terminal, "dataset.d")
            assert seen
            os.set_blocking(terminal, False)
            wait_for(lambda: drained(terminal) and made.started.exists(), "the training")
            os.close(terminal)
            time.sleep(0.5)
            made.go.touch()
            assert process.wait(60) == 130
        assert made.names() == {"dataset.d", "split.s", "model.m"}
        check_nothing_runs(tmp_path)
        made.settle()


@pytest.mark.parametrize("options", [(), ("-json",)])
def test_a_pipe_that_nobody_reads_is_a_wish_to_stop(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with project(tmp_path) as made:
        with made.cli.started("apply", "-auto-approve", *options) as process:
            assert process.stdout is not None
            wait_for(made.started.exists, "the training")
            process.stdout.close()
            time.sleep(0.5)
            made.go.touch()
            assert process.wait(60) == 130
        assert made.names() == {"dataset.d", "split.s", "model.m"}
        check_nothing_runs(tmp_path)
        made.settle()


def test_a_plan_that_nobody_reads_ends_quietly(tmp_path: Path) -> None:
    with project(tmp_path) as made:
        command = " ".join(made.cli.command("plan")) + " | head -c 1"
        done = subprocess.run(  # noqa: S602 - a pipe of this Python
            f"set -o pipefail; {command}",
            shell=True,
            executable="/bin/bash",
            cwd=tmp_path,
            env=dict(made.cli.environment()),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert done.returncode == 0


def test_nohup_goes_on_when_the_terminal_is_gone(tmp_path: Path) -> None:
    with project(tmp_path) as made:
        command = ["nohup", *made.cli.command("apply", "-auto-approve")]
        with subprocess.Popen(  # noqa: S603 - this Python
            command,
            cwd=tmp_path,
            env=dict(made.cli.environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            wait_for(made.started.exists, "the training")
            process.send_signal(signal.SIGHUP)
            made.go.touch()
            printed = ended(process)
        assert process.returncode == 0, printed
        assert re.search(r"Apply complete! Resources: 4 added", printed)
