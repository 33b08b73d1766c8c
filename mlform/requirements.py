"""Requirements and retries as written (`"4GiB"`, `"30m"`) to numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Json
from mlform.tasks import Requirements

_MEMORY_UNITS: Final = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_TIME_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT: Final = r"^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$"


def memory_bytes(text: str) -> int:
    """Return the bytes that a text such as `512MiB` stands for.

    Raises:
        ValueError: If it is no amount of memory.
    """
    match = re.match(_AMOUNT, text)
    if match is None or match[2] not in _MEMORY_UNITS:
        message = f'"{text}" is no amount of memory: write a number and a unit, such as "4GiB".'
        raise ValueError(message)
    return int(float(match[1]) * _MEMORY_UNITS[match[2]])


def duration_seconds(text: str) -> float:
    """Return the seconds that a text such as `30m` stands for.

    Raises:
        ValueError: If it is no duration.
    """
    match = re.match(_AMOUNT, text)
    if match is None or match[2] not in _TIME_UNITS:
        message = f'"{text}" is no duration: write a number and s, m, h or d, such as "30m".'
        raise ValueError(message)
    return float(match[1]) * _TIME_UNITS[match[2]]


def requirements_of(block: Json, default: Requirements) -> Requirements:
    """Return the requirements that a block asks for; what it leaves out is as in `default`.

    Raises:
        ValueError: If memory or timeout cannot be read; `requirements_problems` tells before.
    """
    if not isinstance(block, Mapping):
        return default
    cpus, memory = block.get("cpus"), block.get("memory")
    gpus, timeout = block.get("gpus"), block.get("timeout")
    return Requirements(
        cpus=float(cpus) if isinstance(cpus, int | float) else default.cpus,
        memory=memory_bytes(memory) if isinstance(memory, str) else default.memory,
        gpus=int(gpus) if isinstance(gpus, int | float) else default.gpus,
        timeout=duration_seconds(timeout) if isinstance(timeout, str) else default.timeout,
    )


def requirements_problems(block: Json) -> tuple[tuple[str, str], ...]:
    """Return `(argument, what is wrong)` for requirements as written."""
    if not isinstance(block, Mapping):
        return ()
    found: list[tuple[str, str]] = []
    for name, read in (("memory", memory_bytes), ("timeout", duration_seconds)):
        text = block.get(name)
        if isinstance(text, str):
            try:
                if not read(text):
                    found.append((name, f'"{text}" is nothing: it must be greater than 0.'))
            except ValueError as error:
                found.append((name, str(error)))
    cpus, gpus = block.get("cpus"), block.get("gpus")
    if isinstance(cpus, int | float) and cpus <= 0:
        found.append(("cpus", f"The number of CPUs is {cpus:g}, it must be greater than 0."))
    if isinstance(gpus, int | float) and (gpus < 0 or gpus != int(gpus)):
        message = f"The number of GPUs is {gpus:g}, it must be a whole number of at least 0."
        found.append(("gpus", message))
    return tuple(found)


_LONGEST_PAUSE: Final = 300.0
TRANSIENT: Final = "transient"
FAILURE: Final = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often something that fails is tried again.

    Attributes:
        attempts: How often it is tried in all.
        delay: Seconds before the second attempt; each further one waits twice as long.
        when: `transient` for accidents alone, or `failure` for whatever the task failed of.
    """

    attempts: int = 3
    delay: float = 2.0
    when: str = TRANSIENT

    def pause_before(self, attempt: int) -> float:
        """Return the seconds to wait before an attempt, counted from 1."""
        longest = max(self.delay, _LONGEST_PAUSE)
        return min(self.delay * 2.0 ** min(attempt - 2, 30), longest)


def retry_of(block: Json) -> Retry:
    """Return what a block `retry` says; what it leaves out is as where there is none.

    Raises:
        ValueError: If the delay cannot be read; `retry_problems` tells before.
    """
    usual = Retry()
    if not isinstance(block, Mapping):
        return usual
    attempts, delay, when = block.get("attempts"), block.get("delay"), block.get("when")
    return Retry(
        attempts=int(attempts) if isinstance(attempts, int | float) else usual.attempts,
        delay=duration_seconds(delay) if isinstance(delay, str) else usual.delay,
        when=when if isinstance(when, str) else usual.when,
    )


def retry_problems(block: Json) -> tuple[tuple[str, str], ...]:
    """Return `(argument, what is wrong)` for a block `retry` as written."""
    if not isinstance(block, Mapping):
        return ()
    found: list[tuple[str, str]] = []
    attempts, delay = block.get("attempts"), block.get("delay")
    if isinstance(attempts, int | float) and (attempts < 1 or attempts != int(attempts)):
        message = (
            f"The number of attempts is {attempts:g}, it must be a whole number of at least 1."
        )
        found.append(("attempts", message))
    if isinstance(delay, str):
        try:
            duration_seconds(delay)
        except ValueError as error:
            found.append(("delay", str(error)))
    return tuple(found)
