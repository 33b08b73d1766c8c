"""The command line in this process: much faster than starting one, for what needs none of its own.

Everything is real but the process: words, environment and standard input go in, what was printed
and the exit status come out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlform.cli.dispatch import Streams, dispatch


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    def ok(self) -> Said:
        """Fail with all that was printed unless the command succeeded."""
        assert self.status == 0, f"status {self.status}\n{self.out}\n{self.err}"
        return self

    @property
    def lines(self) -> list[str]:
        """Lines of standard output."""
        return self.out.splitlines()

    @property
    def json(self) -> object:
        """Standard output as one JSON document."""
        return json.loads(self.out)

    @property
    def problem(self) -> str:
        """What stands on standard error, on one line and without the box around it."""
        return " ".join(self.err.replace("│", " ").replace("╷", " ").replace("╵", " ").split())

    def refused(self, *words: str, status: int = 1) -> Said:
        """Fail unless the command failed and said these words on standard error alone."""
        assert self.status == status, f"status {self.status}\n{self.out}\n{self.err}"
        assert self.err.lstrip().startswith(("╷", "Error")), self.err
        for each in words:
            assert each in self.problem, self.problem
        return self


class _Keyboard(io.StringIO):
    """Standard input of a person at a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(slots=True)
class Commands:
    """A folder and what is typed in it."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def file(self, name: str, content: str) -> Commands:
        """Write a file; returns itself, so that calls can be chained."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return self

    def __call__(self, *words: str, stdin: str | None = None, typed: str | None = None) -> Said:
        """Run one command.

        Args:
            words: What stands after `mlform`.
            stdin: What comes from a pipe.
            typed: What a person types who can be asked; nobody can where this is None.
        """
        source = io.StringIO(stdin or "") if typed is None else _Keyboard(typed)
        out, err = io.StringIO(), io.StringIO()
        streams = Streams(source, out, err)
        status = dispatch([f"-chdir={self.folder}", *words], dict(self.variables), streams)
        return Said(status, out.getvalue(), err.getvalue())

    @contextmanager
    def with_variables(self, **variables: str) -> Iterator[Commands]:
        """The same folder with more variables in the environment."""
        yield Commands(self.folder, {**self.variables, **variables})
