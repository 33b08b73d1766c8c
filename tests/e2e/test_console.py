"""`mlform console`, piped and on a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest

from tests.e2e.cli import Cli

CONFIG = """
variable "rate" {
  type    = number
  default = 0.5
}

variable "password" {
  type      = string
  default   = "hunter2"
  sensitive = true
}

variable "needed" {
  type = string
}

locals {
  names = ["ada", "grace"]
}

resource "mlform_data" "first" {
  input = { size = 3 }
}

resource "mlform_data" "many" {
  count = 2
  input = "n-${count.index}"
}
"""
PATIENCE = 60


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path).file("main.mlf.hcl", CONFIG)


class Terminal:
    """A person at a terminal, who waits for what is printed before typing on."""

    def __init__(self, process: int, descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._seen = ""
        self.ended = False

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def wait_for(self, text: str) -> str:
        """Return everything up to and with a text; what follows is kept for the next time."""
        assert self._comes(text, PATIENCE), f"{text!r} was not printed, but:\n{self._seen}"
        before, _, self._seen = self._seen.partition(text)
        return before + text

    def interrupt_until(self, text: str) -> None:
        """Press Ctrl-C until a text is printed.

        Python's `input` acts on a signal only while it waits for a key. One that comes while it
        still echoes the last key is left lying, and a person presses again.
        """
        deadline = monotonic() + PATIENCE
        self.type("\x03")
        while not self._comes(text, 2) and monotonic() < deadline:
            self.type("\x03")
        self.wait_for(text)

    def _comes(self, text: str, patience: float) -> bool:
        deadline = monotonic() + patience
        while text not in self._seen:
            waiting = max(0.0, deadline - monotonic())
            if not select.select([self._descriptor], [], [], waiting)[0]:
                return False
            self._seen += os.read(self._descriptor, 65536).decode()
        return True

    def end(self) -> int:
        """Wait until the program has ended; return its exit status."""
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            if select.select([self._descriptor], [], [], 0.05)[0]:
                with suppress(OSError):  # nobody is at the other end any more
                    self._seen += os.read(self._descriptor, 65536).decode()
            done, status = os.waitpid(self._process, os.WNOHANG)
            if done:
                self.ended = True
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it has not ended, but printed:\n{self._seen}")

    def close(self) -> None:
        """Leave, whatever the program does."""
        if not self.ended:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self._descriptor)


@contextmanager
def at_terminal(cli: Cli, *arguments: str) -> Iterator[Terminal]:
    command = cli.command("console", *arguments)
    variables = {**cli.environment(), "TERM": "xterm", "NO_COLOR": "1", "INPUTRC": os.devnull}
    process, descriptor = pty.fork()
    if process == 0:
        os.chdir(cli.folder)
        os.execve(command[0], command, variables)  # noqa: S606 - this Python
    terminal = Terminal(process, descriptor)
    try:
        yield terminal
    finally:
        terminal.close()


def test_a_conversation(cli: Cli) -> None:
    with at_terminal(cli) as terminal:
        terminal.wait_for("> ")
        terminal.type("1 + 2\n")
        terminal.wait_for("3\r\n")
        terminal.wait_for("> ")
        terminal.type("[\n")
        terminal.wait_for(": ")
        terminal.type("var.rate]\n")
        terminal.wait_for("[\r\n  0.5,\r\n]\r\n")
        terminal.type("var.nope\n")
        terminal.wait_for("Reference to undeclared input variable")
        terminal.wait_for("╵")
        terminal.wait_for("> ")
        terminal.type("(1 +")
        terminal.wait_for("(1 +")
        terminal.interrupt_until("> ")  # forgets the line, not the session
        terminal.type("var.password\n")
        terminal.wait_for("(sensitive value)")
        terminal.type("local.names[1]\n")
        terminal.wait_for('"grace"\r\n')
        terminal.wait_for("> ")  # a key that comes before is the terminal's, not the program's
        terminal.type("\x04")
        assert terminal.end() == 0
    history = cli.folder / ".mlform" / "console_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert "local.names[1]" in history.read_text()


def test_names_are_completed(cli: Cli) -> None:
    with at_terminal(cli) as terminal:
        terminal.wait_for("> ")
        terminal.type("var.ra\t\n")
        terminal.wait_for("0.5\r\n")
        terminal.type('upp\t"a")\n')
        terminal.wait_for('"A"\r\n')
        terminal.type("length(loc\tnam\t)\n")
        terminal.wait_for("2\r\n")
        terminal.type("exit\n")
        assert terminal.end() == 0


def test_history_lasts_and_can_be_refused(cli: Cli) -> None:
    with at_terminal(cli) as terminal:
        terminal.wait_for("> ")
        terminal.type("41 + 1\n")
        terminal.wait_for("42\r\n")
        terminal.type("exit\n")
        assert terminal.end() == 0
    with at_terminal(cli) as terminal:
        terminal.wait_for("> ")
        terminal.type("\x1b[A\x1b[A\n")  # up twice, past "exit"
        terminal.wait_for("42\r\n")
        terminal.type("exit\n")
        assert terminal.end() == 0
    (cli.folder / ".mlform" / "console_history").unlink()
    with at_terminal(cli.with_variables(MLF_CONSOLE_HISTORY="off")) as terminal:
        terminal.wait_for("> ")
        terminal.type("7\nexit\n")
        assert terminal.end() == 0
    assert not (cli.folder / ".mlform" / "console_history").exists()


def test_piped(cli: Cli) -> None:
    said = cli.run("console", stdin='1\n\n{\na = "x"\n}\nexit\n2\n').ok()
    assert said.stdout == '1\n{\n  "a" = "x"\n}\n'
    failed = cli.run("console", stdin="1\nnope(1)\n2\n")
    assert failed.status == 1
    assert failed.stdout == "1\n"
    assert "Call to unknown function" in failed.stderr
    unfinished = cli.run("console", stdin="[1,\n")
    assert unfinished.status == 1


def test_values_before_and_after_apply(cli: Cli) -> None:
    asked = "mlform_data.first\nmlform_data.many[*].input\nmlform_data.many[1].output\nvar.needed\n"
    assert cli.run("console", stdin=asked).ok().stdout == "(known after apply)\n" * 4
    planned = cli.run("console", "-plan", "-var", "needed=x", stdin=asked).ok().stdout
    assert planned == (
        '{\n  "id" = (known after apply)\n  "input" = {\n    "size" = 3\n  }\n'
        '  "output" = (known after apply)\n  "triggers_replace" = null\n}\n'
        '[\n  "n-0",\n  "n-1",\n]\n(known after apply)\n"x"\n'
    )
    cli.run("apply", "-auto-approve", "-var", "needed=x").ok()
    applied = cli.run("console", "-var", "needed=x", stdin="mlform_data.many[1].output\n").ok()
    assert applied.stdout == '"n-1"\n'
    assert cli.run("console", stdin="type(mlform_data.first.input)\n").ok().stdout == (
        "object({\n    size: number,\n})\n"
    )


def test_a_plan_needs_every_variable(cli: Cli) -> None:
    outcome = cli.run("console", "-plan", stdin="1\n")
    assert outcome.status == 1
    assert "No value for required variable" in outcome.stderr
