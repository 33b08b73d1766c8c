"""Which process on which machine, so that whoever finds its lock can tell whether it is over.

`started` is `BOOT:NAMESPACE:TICKS`: identity of the boot, of the namespace of process numbers, and
the clock ticks from boot to the start of the process, field 22 of `/proc/PID/stat` (proc(5)).
Numbers of processes are given again, and clocks are set; these three together are not.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from mlform.backends.base import LockInfo

_PROC: Final = Path("/proc")
_BOOT: Final = _PROC / "sys/kernel/random/boot_id"
_AFTER_NAME: Final = 19
"""Where the start stands among the fields after the name of the program, from 0."""


def host_name() -> str:
    """Return the name of this machine."""
    return os.uname().nodename


def process_start(pid: int) -> str:
    """Return when a process started; empty where there is none, or the system does not tell."""
    try:
        # The name of the program may hold anything, parentheses and spaces too.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return f"{_boot_and_namespace()}:{fields[_AFTER_NAME]}"
    except (OSError, IndexError):
        return ""


def is_dead(holder: LockInfo) -> bool:
    """Whether a holder is known to be over; False also where that cannot be told from here."""
    if not holder.started or holder.host != host_name():
        return False
    try:
        boot, namespace = _boot_and_namespace().split(":")
    except (OSError, ValueError):
        return False
    told_boot, _, rest = holder.started.partition(":")
    if told_boot != boot:
        return True  # this machine was started again since
    if rest.partition(":")[0] != namespace:
        return False  # another container: its processes cannot be seen
    return process_start(holder.pid) != holder.started


def _boot_and_namespace() -> str:
    namespace = str((_PROC / "self/ns/pid").readlink()).partition("[")[2].rstrip("]")
    return f"{_BOOT.read_text().strip()}:{namespace}"
