"""Watching a worker on this machine until it ends: events, time, memory, the wish to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass, field
from mlform.errors import OutOfMemory, RuntimeFailure, TaskCancelled, TaskTimedOut
from mlform.runtimes import proc
from mlform.runtimes.base import Cancellation
from mlform.runtimes.launch import Started
from mlform.runtimes.preparation import parse_event
from mlform.runtimes.task_log import TaskLog
from mlform.tasks import Requirements, TaskEvent

_POLL: Final = 0.05
_GRACE: Final = 5.0
_MIB: Final = 1 << 20


@dataclass(slots=True)
class EventFile:
    """The growing file of a worker's standard output.

    Attributes:
        path: The file.
        log: Where lines go that are no events.
        on_event: Called with each event.
    """

    path: Path
    log: TaskLog
    on_event: Callable[[TaskEvent], None]
    _read: int = field(default=0, init=False)
    _rest: bytes = field(default=b"", init=False)

    def forward(self) -> None:
        """Hand on what was written since the last call, whole lines only."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._read)
                fresh = stream.read()
        except FileNotFoundError:
            return
        self._read += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        for line in lines:
            self._hand_on(line)

    def finish(self) -> None:
        """Hand on the rest, a last line without an end included."""
        self.forward()
        if self._rest:
            self._hand_on(self._rest)
            self._rest = b""

    def _hand_on(self, line: bytes) -> None:
        event = parse_event(line.decode(errors="replace"))
        if event is not None:
            self.on_event(event)
        elif line.strip():
            self.log.append(line + b"\n")


def supervise(
    started: Started,
    requirements: Requirements,
    events: EventFile,
    cancellation: Cancellation,
) -> int:
    """Wait until a worker ends; stop it and all it started when it must not go on.

    Returns:
        Its exit status.

    Raises:
        TaskTimedOut: It ran past `requirements.timeout`.
        TaskCancelled: `cancellation` was set.
        OutOfMemory: It and what it started held more memory than `requirements.memory`, or the
            machine had none left.
    """
    begun = time.monotonic()
    name = proc.name_of(started.pid)
    killings = proc.memory_killings()
    try:
        while True:
            status = started.wait(_POLL)
            events.forward()
            events.log.bound()
            if status == -signal.SIGKILL and proc.memory_killings() > killings:
                raise _machine_full()
            if status is not None:
                return status
            reason = _reason_to_stop(started.pid, requirements, begun, cancellation)
            if reason is not None:
                raise reason
    finally:
        if name is not None:
            proc.stop(name, _GRACE)
            _end_rest(started.pid)
        events.finish()


def _end_rest(leader: int) -> None:
    """Kill what a worker that has ended left running in its session."""
    for status in proc.session_of(leader):
        proc.stop(proc.ProcessName(pid=status.pid, started=status.started), 0)


def _reason_to_stop(
    pid: int, requirements: Requirements, begun: float, cancellation: Cancellation
) -> RuntimeFailure | None:
    if cancellation.is_set():
        return TaskCancelled("Task cancelled", "The run was interrupted; the task was stopped.")
    if requirements.timeout is not None and time.monotonic() - begun > requirements.timeout:
        return timed_out(requirements.timeout)
    if requirements.memory is not None and proc.session_memory(pid) > requirements.memory:
        return out_of_memory(requirements.memory)
    return None


def timed_out(timeout: float) -> TaskTimedOut:
    """Return the failure of a task that ran past its limit in seconds."""
    return TaskTimedOut(
        "Task timed out",
        f"It ran longer than its limit of {timeout:g} s and was stopped. Raise timeout in its "
        "block requirements, or in the block of its runtime, or give the task less to do.",
    )


def out_of_memory(memory: int) -> OutOfMemory:
    """Return the failure of a task that needed more than its limit in bytes."""
    return OutOfMemory(
        "Task ran out of memory",
        f"It needed more than its limit of {memory / _MIB:.0f} MiB and was stopped. Raise memory "
        "in its block requirements, or in the block of its runtime, or give the task less data.",
    )


def _machine_full() -> OutOfMemory:
    return OutOfMemory(
        "Task ran out of memory",
        "The machine had no memory left, and the system killed it. Set memory in its block "
        "requirements, so that less runs at the same time, or give the task less data.",
    )
