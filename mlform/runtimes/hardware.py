"""What this machine has for tasks: cores, memory and GPUs, with the limits of a container around.

`MLF_CPUS`, `MLF_MEMORY` and `MLF_GPUS` say something else, for who shares a machine with others;
`CUDA_VISIBLE_DEVICES` says which GPUs there are, as it does for every program that uses them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mlform.errors import UsageError
from mlform.machine import Machine
from mlform.requirements import memory_bytes

_ROOT: Final = Path("/")
_DEVICE: Final = re.compile(r"nvidia\d+")
_NONE: Final = frozenset({"", "none", "-1"})


def measure(variables: Mapping[str, str], root: Path = _ROOT) -> Machine:
    """Return what this machine has.

    Args:
        variables: The process environment.
        root: Of the file system that says so.

    Raises:
        UsageError: If a variable cannot be read.
    """
    return Machine(
        cpus=_cpus(variables, root), memory=_memory(variables, root), gpus=_gpus(variables, root)
    )


def _cpus(variables: Mapping[str, str], root: Path) -> float:
    told = variables.get("MLF_CPUS")
    if told:
        try:
            found = float(told)
        except ValueError:
            found = 0.0
        if found <= 0:
            raise _unreadable("MLF_CPUS", told, "a number of cores, such as 4")
        return found
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quotas = [*_quotas(root), float(usable or 1)]
    # Less than one core is still one thread.
    return max(1.0, min(quotas))


def _quotas(root: Path) -> Iterator[float]:
    for folder in _groups(root, "cpu"):
        words = _read(folder / "cpu.max").split()
        if not words:
            words = [_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):  # noqa: PLR2004 - quota and period
            yield int(words[0]) / int(words[1])


def _memory(variables: Mapping[str, str], root: Path) -> int | None:
    told = variables.get("MLF_MEMORY")
    if told:
        try:
            return memory_bytes(told)
        except ValueError:
            raise _unreadable("MLF_MEMORY", told, "an amount of memory, such as 16GiB") from None
    found = [int(text) for text in _memory_limits(root) if text.isdigit()]
    return min(found, default=None)


def _memory_limits(root: Path) -> Iterator[str]:
    for line in _read(root / "proc" / "meminfo").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemTotal":
            kibibytes = amount.split()[0]
            yield str(int(kibibytes) << 10) if kibibytes.isdigit() else ""
    for folder in _groups(root, "memory"):
        yield _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes")


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the control groups that this process is in, from its own up to the outermost one."""
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        _, names, path = (*line.split(":", 2), "", "")[:3]
        if names and controller not in names.split(","):
            continue
        base = root / "sys" / "fs" / "cgroup" / (controller if names else "")
        inner = base / path.lstrip("/")
        yield inner
        for folder in inner.parents:
            if folder.is_relative_to(base):
                yield folder


def _gpus(variables: Mapping[str, str], root: Path) -> tuple[str, ...]:
    for name in ("MLF_GPUS", "CUDA_VISIBLE_DEVICES"):
        told = variables.get(name)
        if told is not None:
            return _listed(told)
    cards = _entries(root / "proc" / "driver" / "nvidia" / "gpus")
    devices = [name for name in _entries(root / "dev") if _DEVICE.fullmatch(name)]
    # A container sees the driver of the whole machine, but only its own device files.
    count = min(len(cards), len(devices)) if cards and devices else len(cards or devices)
    return tuple(str(number) for number in range(count))


def _listed(text: str) -> tuple[str, ...]:
    """Return the GPUs in a list; as for CUDA, what follows on one that is none does not count."""
    found: list[str] = []
    for item in text.split(","):
        name = item.strip()
        if name.lower() in _NONE:
            break
        found.append(name)
    return tuple(found)


def _entries(folder: Path) -> list[str]:
    try:
        return [item.name for item in folder.iterdir()]
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


def _unreadable(name: str, text: str, wanted: str) -> UsageError:
    detail = f'The environment variable {name} is "{text}". It takes {wanted}.'
    return UsageError("Invalid environment variable", detail)
