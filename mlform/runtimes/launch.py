"""Ways to start a worker: a new Python, or a fork of a warm one that has its imports done.

The fork server is `python -m mlform.worker --warm`. It reads one JSON object a line
(`{"id", "document", "environment", "log", "events"}`) and answers with `{"id", "pid"}` when the
child runs and `{"id", "exit"}` when it has ended. It ends when its standard input is closed.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from mlform.bounded import cut_middle
from mlform.dataclass import dataclass, field
from mlform.errors import RuntimeFailure, WorkerLost
from mlform.runtimes.preparation import log_tail

if TYPE_CHECKING:
    import subprocess

_START_LIMIT: Final = 30.0
_END_LIMIT: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to start.

    Attributes:
        command: Program and arguments; the last is the task document.
        environment: All variables of the process.
        folder: Its working folder.
        events: File for its standard output.
        log: File its standard error is appended to.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    events: Path
    log: Path


class Started(Protocol):
    """A worker that was started."""

    @property
    def pid(self) -> int:
        """Its process, the leader of its own session."""
        ...

    def wait(self, timeout: float) -> int | None:
        """Wait at most so many seconds; return the exit status once it has ended."""
        ...


@dataclass(slots=True)
class ChildProcess:
    """A worker in a new process.

    Attributes:
        process: The child.
    """

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def wait(self, timeout: float) -> int | None:
        """Wait at most so many seconds; return the exit status once it has ended."""
        from subprocess import TimeoutExpired

        try:
            return self.process.wait(timeout)
        except TimeoutExpired:
            return None


def start_child(start: Start) -> ChildProcess:
    """Start a worker in a new process with a session of its own.

    Raises:
        RuntimeFailure: If the program cannot be started.
    """
    import subprocess

    try:
        with start.events.open("ab") as events, start.log.open("ab") as log:
            process = subprocess.Popen(
                start.command,
                stdin=subprocess.DEVNULL,
                stdout=events,
                stderr=log,
                env=dict(start.environment),
                cwd=start.folder,
                start_new_session=True,
            )
    except OSError as error:
        raise not_started("Worker", start.command[0], error) from error
    return ChildProcess(process)


def not_started(what: str, program: str, error: OSError) -> RuntimeFailure:
    """Return the failure to start a program, or to open the files it is started with."""
    where = error.filename or program
    advice = (
        "Check that the Python that mlform runs with is still installed."
        if str(where) == program
        else "Is the disk full, may you write there? Mend that and apply again."
    )
    return RuntimeFailure(
        f"{what} cannot be started", f"{where}: {error.strerror or error}. {advice}"
    )


@dataclass(slots=True)
class WarmChild:
    """A worker forked from a warm one.

    Attributes:
        pid: Its process.
        ended: Set once it has ended.
        status: Its exit status then.
        problem: Why it could not be started, or empty.
    """

    pid: int = 0
    status: int = -9
    problem: str = ""
    running: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout: float) -> int | None:
        """Wait at most so many seconds; return the exit status once it has ended."""
        return self.status if self.ended.wait(timeout) else None


class WarmWorkers:
    """One fork server and its children."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        """Start the fork server; does not wait until its imports are done.

        Args:
            command: Program and arguments of the fork server.
            environment: All its variables; children have them too unless a start says otherwise.
            log: File for what the fork server itself prints.

        Raises:
            RuntimeFailure: If the program cannot be started.
        """
        import subprocess

        self._children: dict[str, WarmChild] = {}
        self._lock = threading.Lock()
        self._log = log
        cut_middle(log)
        try:
            with log.open("ab") as errors:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=dict(environment),
                    cwd=log.parent,
                    start_new_session=True,
                )
        except OSError as error:
            raise not_started("Worker", command[0], error) from error
        self._reader = threading.Thread(target=self._read, name="warm-workers", daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether the fork server can take work."""
        return self._process.poll() is None

    def start(self, start: Start) -> WarmChild:
        """Fork a worker.

        Raises:
            WorkerLost: If the fork server has ended or does not answer.
        """
        child = WarmChild()
        request = {
            "document": start.command[-1],
            "environment": dict(start.environment),
            "log": str(start.log),
            "events": str(start.events),
        }
        with self._lock:
            identity = str(len(self._children))
            self._children[identity] = child
            self._send({"id": identity, **request})
        if not child.running.wait(_START_LIMIT) or not child.pid:
            raise WorkerLost(
                "Warm worker does not answer",
                f"The process that starts workers has ended or hangs. {child.problem}\n"
                f"{log_tail(self._log)}",
            )
        return child

    def close(self) -> None:
        """End the fork server; it lets no child live on."""
        import subprocess

        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                stdin.close()
        try:
            self._process.wait(_END_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_LIMIT)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _send(self, request: Mapping[str, object]) -> None:
        stdin = self._process.stdin
        if stdin is None:
            return
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise WorkerLost(
                "Warm worker does not answer",
                f"The process that starts workers has ended. Its log:\n{log_tail(self._log)}",
            ) from error

    def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        for line in stdout:
            self._take(line)
        for child in self._children.values():
            child.running.set()
            child.ended.set()

    def _take(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            return
        if not isinstance(answer, dict):
            return
        child = self._children.get(str(answer.get("id")))
        if child is None:
            return
        if isinstance(pid := answer.get("pid"), int):
            child.pid = pid
            child.running.set()
        if "error" in answer:
            child.problem = str(answer["error"])
            child.running.set()
        if isinstance(status := answer.get("exit"), int):
            child.status = status
            child.ended.set()
