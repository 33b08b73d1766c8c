"""Which process on which machine, so that whoever finds its lock can tell whether it is over.

`started` is `MACHINE:BOOT:NAMESPACE:TICKS`: identity of the machine, of its boot, of the namespace
of process numbers, and the clock ticks from boot to the start of the process, field 22 of
`/proc/PID/stat` (proc(5)). Numbers of processes are given again, clocks are set, and names of
machines stand for several of them; these four together do not. In doubt a holder lives: whoever
waits may watch it instead, or force its lock open.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from mlform.backends.base import LockInfo
from mlform.dataclass import dataclass
from mlform.digests import digest_bytes

_ROOT: Final = Path("/")
_FIRST_NAMESPACE: Final = "4026531836"
"""The namespace of process numbers of a machine itself, the same on all; containers have others."""
_STATE: Final = 0
"""Where the state of a process stands among the fields after the name of the program, from 0."""
_START: Final = 19
"""Where its start stands there."""
_OVER: Final = frozenset("ZXx")
"""States of a process that is over and only not yet asked about by its parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Here:
    """Where this process is: on which machine, in which boot, among which processes."""

    machine: str
    boot: str
    namespace: str


def host_name() -> str:
    """Return the name of this machine."""
    return os.uname().nodename


def process_start(pid: int, *, root: Path = _ROOT) -> str:
    """Return when a process started; empty where there is none, or the system does not tell.

    Args:
        pid: Its number.
        root: Where the system tells of its processes.
    """
    try:
        here, fields = _here(root), _fields(pid, root)
        return f"{here.machine}:{here.boot}:{here.namespace}:{fields[_START]}"
    except (OSError, IndexError):
        return ""


def is_dead(holder: LockInfo, *, root: Path = _ROOT) -> bool:
    """Whether a holder is known to be over; False also where that cannot be told from here.

    Args:
        holder: As it said itself.
        root: Where the system tells of its processes.
    """
    told = holder.started.split(":")
    if len(told) != len(("machine", "boot", "namespace", "ticks")) or holder.host != host_name():
        return False
    machine, boot, namespace, ticks = told
    try:
        here = _here(root)
    except OSError:
        return False
    if boot != here.boot:
        # This machine was started again since; unless it is another one of the same name, or a
        # container, whose image may bring the identity of a machine along.
        is_this = bool(machine) and machine == here.machine
        return is_this and namespace == here.namespace == _FIRST_NAMESPACE
    # The processes of another container cannot be seen.
    return namespace == here.namespace and not _lives(holder.pid, ticks, root)


def _lives(pid: int, ticks: str, root: Path) -> bool:
    """Whether a process lives, or may."""
    try:
        fields = _fields(pid, root)
    except FileNotFoundError:
        return _is_hidden(pid)
    except OSError:
        return True
    return fields[_START] == ticks and fields[_STATE] not in _OVER


def _is_hidden(pid: int) -> bool:
    """Whether a process exists of which the system does not tell, since it is somebody else's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _fields(pid: int, root: Path) -> list[str]:
    # The name of the program may hold anything, parentheses and spaces too.
    return (root / "proc" / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _here(root: Path) -> _Here:
    proc = root / "proc"
    return _Here(
        machine=_machine(root / "etc/machine-id"),
        boot=(proc / "sys/kernel/random/boot_id").read_text().strip(),
        namespace=str((proc / "self/ns/pid").readlink()).partition("[")[2].rstrip("]"),
    )


def _machine(path: Path) -> str:
    """Return what tells this machine from others, which is not for everybody to know as it is."""
    try:
        found = path.read_bytes().strip()
    except OSError:
        return ""
    return digest_bytes(b"mlform " + found)[7:19] if found else ""
