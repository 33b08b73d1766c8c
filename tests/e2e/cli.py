"""A folder and a command line: files, arguments and environment in, what came out back.

Every run is a real process of `python -m mlform`, with nothing of this process's environment but
what a process needs to start.
"""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - what is tested is the program as people start it
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlform

ROOT = Path(mlform.__file__).parent.parent
_KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "DOCKER_HOST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run left behind."""

    status: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def json(self) -> object:
        """Standard output as one JSON document."""
        return json.loads(self.stdout)

    @property
    def messages(self) -> list[dict[str, object]]:
        """Standard output as a stream of JSON messages."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def file(self, name: str) -> Path:
        """A file in the folder."""
        return self.folder / name

    def ok(self) -> Outcome:
        """Fail with all that was printed unless the run succeeded."""
        assert self.status == 0, f"status {self.status}\n{self.stdout}\n{self.stderr}"
        return self


class Cli:
    """Builds a folder and runs mlform in it."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self._variables = variables

    def file(self, name: str, content: str | bytes) -> Cli:
        """Write a file; returns itself, so that calls can be chained."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def replace(self, name: str, old: str, new: str) -> Cli:
        """Change a text that occurs exactly once in a file."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return self

    def with_variables(self, **variables: str) -> Cli:
        """Return the same folder with more environment variables."""
        return Cli(self.folder, **{**self._variables, **variables})

    def environment(self) -> Mapping[str, str]:
        """The environment of a run."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}  # noqa: TID251
        return {**kept, "PYTHONPATH": str(ROOT), **self._variables}

    def run(self, *arguments: str, stdin: str = "", timeout: float = 300) -> Outcome:
        """Run mlform to its end."""
        done = subprocess.run(  # noqa: S603 - this Python
            self.command(*arguments),
            cwd=self.folder,
            env=dict(self.environment()),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Outcome(
            status=done.returncode, stdout=done.stdout, stderr=done.stderr, folder=self.folder
        )

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start mlform, for tests that interrupt or kill it; gone when the block is left."""
        with subprocess.Popen(  # noqa: S603 - this Python
            self.command(*arguments),
            cwd=self.folder,
            env=dict(self.environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def command(self, *arguments: str) -> list[str]:
        """The words of a process."""
        return [sys.executable, "-m", "mlform", *arguments]


def ended(process: subprocess.Popen[str], limit: float = 60) -> str:
    """Wait for the end, and kill what takes longer; return what was printed from now on."""
    assert process.stdout is not None
    too_long = threading.Timer(limit, process.kill)
    too_long.start()
    # Not by `communicate`, which leaves aside what lines that were read took ahead.
    printed = process.stdout.read()
    process.wait()
    too_long.cancel()
    assert "Traceback" not in printed
    assert "bug in mlform" not in printed
    return printed


def printed_until(process: subprocess.Popen[str], text: str) -> str:
    """Wait for a line in which a text stands; return what was printed up to there."""
    assert process.stdout is not None
    printed = ""
    while text not in printed:
        line = process.stdout.readline()
        assert line, f"{text!r} was not printed, but:\n{printed}"
        printed += line
    return printed
