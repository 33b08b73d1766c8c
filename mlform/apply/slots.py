"""Cores, memory and GPUs of the machine, given out to what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mlform.dataclass import dataclass, field, replace
from mlform.machine import Machine
from mlform.tasks import Requirements

_LEAST: float = 1.0
"""Cores that must be free for something that takes what it gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a step wants of the machine while it runs.

    Attributes:
        wanted: What it asks for.
        share: Whether it takes the cores that it gets, because it names no number.
        lent: GPUs of the server that it replaces: it may have them, where none are free, for the
            moment in which there are both.
        idle: Whether no task or server is expected to run, so that it needs nothing.
    """

    wanted: Requirements = field(default_factory=Requirements)
    share: bool = False
    lent: tuple[str, ...] = ()
    idle: bool = False

    @property
    def cpus(self) -> float:
        """Cores that must be free for it to begin."""
        if self.idle:
            return 0.0
        return _LEAST if self.share else self.wanted.cpus

    @property
    def memory(self) -> int:
        """Bytes that must be free for it to begin."""
        return 0 if self.idle else self.wanted.memory or 0

    @property
    def gpus(self) -> int:
        """GPUs that must be free for it to begin."""
        return 0 if self.idle else self.wanted.gpus


NOTHING = Needs(idle=True)
"""What a step needs that only stops something."""


@dataclass(slots=True)
class Slots:
    """What is given out, and so what is free.

    Attributes:
        measure: Measures the machine; called once, and not before something wants to know.
    """

    measure: Callable[[], Machine]
    _machine: Machine | None = None
    _given: dict[str, Requirements] = field(default_factory=dict)
    _held: frozenset[str] = frozenset()

    @property
    def machine(self) -> Machine:
        """All there is."""
        if self._machine is None:
            self._machine = self.measure()
        return self._machine

    def hold(self, devices: Iterable[str]) -> None:
        """Say which GPUs servers have that run."""
        self._held = frozenset(devices)

    @property
    def held(self) -> int:
        """How many GPUs servers have."""
        return len(self._held.intersection(self.machine.gpus))

    def fits(self, needs: Needs, *, beside: Needs | None = None) -> bool:
        """Whether what is free is enough, also for `beside` afterwards where both want the same."""
        cpus, memory, gpus = needs.cpus, needs.memory, needs.gpus
        if beside is not None:
            cpus += beside.cpus if cpus else 0.0
            memory += beside.memory if memory else 0
            gpus += beside.gpus if gpus else 0
        return (
            (not cpus or cpus <= self._free_cpus())
            and (not memory or memory <= self._free_memory())
            and gpus <= len(self._free_gpus(needs))
        )

    def take(self, holder: str, needs: Needs, *, sharing: int = 1) -> Requirements:
        """Give out what a step needs; it has to fit.

        Args:
            holder: The step.
            needs: What it wants.
            sharing: Among how many that take what they get the free cores are to be divided.

        Returns:
            What it has now: a number of cores, and which GPUs.
        """
        given = needs.wanted
        if needs.share:
            given = replace(given, cpus=float(max(1, int(self._free_cpus()) // sharing)))
        if not needs.idle:
            given = replace(given, devices=self._free_gpus(needs)[: given.gpus])
            self._given[holder] = given
        return given

    def give_back(self, holder: str) -> None:
        """Take back what a step had."""
        self._given.pop(holder, None)

    def _free_cpus(self) -> float:
        return self.machine.cpus - sum(given.cpus for given in self._given.values())

    def _free_memory(self) -> float:
        if self.machine.memory is None:
            return float("inf")
        return self.machine.memory - sum(given.memory or 0 for given in self._given.values())

    def _free_gpus(self, needs: Needs) -> tuple[str, ...]:
        taken = {name for given in self._given.values() for name in given.devices}
        free = [name for name in self.machine.gpus if name not in taken and name not in self._held]
        lent = [name for name in needs.lent if name in self.machine.gpus and name not in taken]
        return (*free, *lent)
