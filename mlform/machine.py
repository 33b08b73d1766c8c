"""What a machine has for tasks and servers, and whether that is enough for what one asks for."""

from __future__ import annotations

from typing import Final

from mlform.dataclass import dataclass, replace
from mlform.tasks import Requirements

_UNITS: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What tasks and servers share.

    Attributes:
        cpus: Cores.
        memory: Bytes, or None where nobody can tell.
        gpus: Every GPU, as its driver names it: `0`, `1` or a UUID.
        lenient: Whether more may be asked for than there is, and less is given then: in tests,
            whose tasks are made up.
    """

    cpus: float = 1.0
    memory: int | None = None
    gpus: tuple[str, ...] = ()
    lenient: bool = False

    def cut(self, wanted: Requirements) -> Requirements:
        """Return what is given to something that asks for this: no more than there is, if lenient.

        What is too much stays too much on a machine that is not lenient.
        """
        if not self.lenient:
            return wanted
        return replace(
            wanted,
            cpus=min(wanted.cpus, self.cpus),
            memory=None if wanted.memory is None else min(wanted.memory, self.memory or 0) or None,
            gpus=min(wanted.gpus, len(self.gpus)),
        )


def shortage(wanted: Requirements, machine: Machine, taken: int = 0) -> tuple[str, str] | None:
    """Return which requirement a machine can never fulfil, and the sentence that says so.

    Args:
        wanted: What something asks for.
        machine: All there is.
        taken: How many of the GPUs servers hold that go on running.
    """
    if wanted.cpus > machine.cpus:
        return "cpus", f"It asks for {_cores(wanted.cpus)}, this machine has {machine.cpus:g}."
    if wanted.memory is not None and machine.memory is not None and wanted.memory > machine.memory:
        has = memory_text(machine.memory)
        return (
            "memory",
            f"It asks for {memory_text(wanted.memory)} of memory, this machine has {has}.",
        )
    if wanted.gpus > len(machine.gpus) - taken:
        has = str(len(machine.gpus)) if machine.gpus else "none"
        held = f", {taken} of which running endpoints hold" if taken else ""
        return "gpus", f"It asks for {_devices(wanted.gpus)}, this machine has {has}{held}."
    return None


def remedy(name: str) -> str:
    """Return what to do about too little of a requirement."""
    ways = (
        f"Ask for less ({name} in its block requirements, or in the block of its runtime), or run "
        "mlform on a machine that has it."
    )
    if name == "gpus":
        return f"{ways} MLF_GPUS says which GPUs mlform may use, where it does not see them."
    return ways


def memory_text(size: int) -> str:
    """Return an amount of memory for people, such as `3.5 GiB`."""
    for unit, name in _UNITS:
        if size >= unit:
            return f"{round(size / unit, 1):g} {name}"
    return f"{size} B"


def _cores(amount: float) -> str:
    return "1 core" if amount == 1 else f"{amount:g} cores"


def _devices(amount: int) -> str:
    return "1 GPU" if amount == 1 else f"{amount} GPUs"
