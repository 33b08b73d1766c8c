"""What Linux tells of processes under /proc, and how a group of them is stopped.

Fields of `/proc/PID/stat` are those of proc(5). A process is named by its number and its start
time together: numbers are used again, the pair is not.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass

_PROC: Final = Path("/proc")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_POLL: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessName:
    """One process, for good.

    Attributes:
        pid: Its number.
        started: Its start time in clock ticks since the machine was booted (field 22 of stat).
    """

    pid: int
    started: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """The fields of `/proc/PID/stat` that matter here.

    Attributes:
        pid: Number of the process.
        state: One letter; `Z` and `X` are dead.
        group: Process group.
        session: Session.
        started: Start time in clock ticks since boot.
        memory: Resident memory in bytes.
    """

    pid: int
    state: str
    group: int
    session: int
    started: int
    memory: int


def parse_status(line: str) -> ProcessStatus:
    """Read one line of `/proc/PID/stat`; the program's name in it may hold spaces and brackets."""
    head, _, tail = line.rpartition(")")
    fields = tail.split()
    return ProcessStatus(
        pid=int(head.split(" ", 1)[0]),
        state=fields[0],
        group=int(fields[2]),
        session=int(fields[3]),
        started=int(fields[19]),
        memory=int(fields[21]) * _PAGE,
    )


def status_of(pid: int) -> ProcessStatus | None:
    """Return the status of a living process, or None; a zombie is not living."""
    try:
        status = parse_status((_PROC / str(pid) / "stat").read_text())
    except (OSError, IndexError, ValueError):
        return None
    return None if status.state in {"Z", "X"} else status


def name_of(pid: int) -> ProcessName | None:
    """Return the lasting name of a living process, or None."""
    status = status_of(pid)
    return None if status is None else ProcessName(pid=pid, started=status.started)


def is_running(name: ProcessName) -> bool:
    """Whether this very process still lives."""
    return name_of(name.pid) == name


def living() -> Iterator[ProcessStatus]:
    """Yield every living process of the machine, in no order."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (status := status_of(int(entry.name))) is not None:
            yield status


def session_of(leader: int) -> list[ProcessStatus]:
    """Return the living processes of a session."""
    return [status for status in living() if status.session == leader]


def session_memory(leader: int) -> int:
    """Return the resident memory of a session's processes together, in bytes.

    Pages that several processes share count once for each of them.
    """
    return sum(status.memory for status in session_of(leader))


def memory_killings() -> int:
    """Return how many processes the system has killed for want of memory since it started."""
    try:
        lines = (_PROC / "vmstat").read_text().splitlines()
    except OSError:
        return 0
    counts = (line.partition(" ")[2] for line in lines if line.startswith("oom_kill "))
    return int(next(counts, "0"))


def running_with_argument(argument: str) -> list[ProcessName]:
    """Return the living processes that have this string among their arguments."""
    wanted = argument.encode()
    found = []
    for status in living():
        try:
            arguments = (_PROC / str(status.pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in arguments:
            found.append(ProcessName(pid=status.pid, started=status.started))
    return found


def stop(name: ProcessName, grace: float) -> bool:
    """Stop a process and what it started: ask it, wait, then kill.

    Where the process leads a session of its own, every process of the session is killed in the
    end; otherwise the process alone is.

    Args:
        name: The process; nothing happens if it is gone, whoever has its number now.
        grace: Seconds it gets to end by itself after SIGTERM.

    Returns:
        Whether it was there.
    """
    if not is_running(name):
        return False
    leads = (status := status_of(name.pid)) is not None and status.session == name.pid
    _signal(name.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while is_running(name) and time.monotonic() < deadline:
        time.sleep(_POLL)
    if leads:
        for member in session_of(name.pid):
            _signal(member.pid, signal.SIGKILL)
    elif is_running(name):
        _signal(name.pid, signal.SIGKILL)
    while is_running(name):
        time.sleep(_POLL)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
