"""Who may begin: room, order, fairness, and no waiting for ever."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mlform.apply.scheduler import OVERTAKEN_AT_MOST, Scheduler
from mlform.apply.slots import NOTHING, Needs, Slots
from mlform.machine import Machine, memory_text, shortage
from mlform.tasks import Requirements

GIB = 1 << 30


def needs(cpus: float = 1.0, memory: int | None = None, gpus: int = 0) -> Needs:
    return Needs(wanted=Requirements(cpus=cpus, memory=memory, gpus=gpus))


SHARE = Needs(share=True)


@dataclass
class Queue:
    """A scheduler whose steps are added in the order of the plan."""

    machine: Machine
    parallelism: int = 100
    added: int = 0
    scheduler: Scheduler = field(init=False)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(Slots(lambda: self.machine), self.parallelism)

    def add(self, name: str, wanted: Needs) -> None:
        self.added += 1
        self.scheduler.add(name, self.added, wanted)

    def begun(self) -> dict[str, Requirements]:
        """Begin all that fits."""
        found = {}
        while (begun := self.scheduler.begin_next()) is not None:
            found[begun[0]] = begun[1]
        return found


def test_no_more_than_there_is() -> None:
    queue = Queue(Machine(cpus=4, memory=8 * GIB, gpus=("0", "1")))
    queue.add("big", needs(2, 6 * GIB, 1))
    queue.add("memory", needs(1, 3 * GIB))
    queue.add("gpus", needs(1, None, 2))
    queue.add("small", needs(1, 2 * GIB, 1))
    queue.add("cores", needs(2))
    begun = queue.begun()
    assert list(begun) == ["big", "small"]
    assert (begun["big"].devices, begun["small"].devices) == (("0",), ("1",))
    queue.scheduler.end("big")
    assert list(queue.begun()) == ["memory", "cores"]
    queue.scheduler.end("small")
    assert queue.begun()["gpus"].devices == ("0", "1")


def test_two_trainings_on_two_cores_run_one_after_the_other() -> None:
    queue = Queue(Machine(cpus=2))
    queue.add("a", needs(2))
    queue.add("b", needs(2))
    assert list(queue.begun()) == ["a"]
    queue.scheduler.end("a")
    assert list(queue.begun()) == ["b"]


@pytest.mark.parametrize(("count", "cores"), [(1, [4.0]), (2, [2.0, 2.0]), (3, [1.0, 1.0, 2.0])])
def test_who_asks_for_nothing_shares_what_is_free(count: int, cores: list[float]) -> None:
    queue = Queue(Machine(cpus=4))
    for number in range(count):
        queue.add(str(number), SHARE)
    assert [given.cpus for given in queue.begun().values()] == cores


def test_a_share_is_at_least_a_core_that_is_free() -> None:
    queue = Queue(Machine(cpus=2))
    for number in range(4):
        queue.add(str(number), SHARE)
    assert [given.cpus for given in queue.begun().values()] == [1.0, 1.0]


def test_parallelism_counts_steps() -> None:
    queue = Queue(Machine(cpus=100), parallelism=2)
    for number in range(3):
        queue.add(str(number), NOTHING)
    assert list(queue.begun()) == ["0", "1"]


def test_a_big_step_is_not_overtaken_for_ever() -> None:
    queue = Queue(Machine(cpus=2))
    queue.add("first", needs(1))
    queue.add("big", needs(2))
    for number in range(50):
        queue.add(str(number), needs(1))
    running = list(queue.begun())
    order = list(running)
    while running:
        queue.scheduler.end(running.pop(0))
        begun = list(queue.begun())
        running += begun
        order += begun
    assert order.index("big") == 1 + OVERTAKEN_AT_MOST
    assert len(order) == 52


def test_what_is_kept_for_a_big_step_holds_nobody_back_that_it_does_not_need() -> None:
    queue = Queue(Machine(cpus=4, gpus=("0",)))
    queue.add("trains", needs(1, None, 1))
    queue.add("wants the gpu", needs(1, None, 1))
    for number in range(40):
        queue.add(str(number), needs(1))
    order: list[str] = list(queue.begun())
    running = order[1:]
    while running:
        queue.scheduler.end(running.pop(0))
        begun = list(queue.begun())
        running += begun
        order += begun
    # All small ones ran beside the training: two cores were enough for them and the one kept.
    assert len(order) == 41
    assert "wants the gpu" not in order
    queue.scheduler.end("trains")
    assert list(queue.begun()) == ["wants the gpu"]


def test_gpus_of_running_servers_are_nobody_elses() -> None:
    queue = Queue(Machine(cpus=4, gpus=("0", "1")))
    queue.scheduler.slots.hold(["0"])
    queue.add("both", needs(1, None, 2))
    queue.add("one", needs(1, None, 1))
    assert queue.begun()["one"].devices == ("1",)
    assert queue.scheduler.stuck() is None
    queue.scheduler.end("one")
    assert queue.scheduler.stuck() == "both"
    assert queue.scheduler.is_idle


def test_a_new_server_may_have_the_gpus_of_the_one_it_replaces() -> None:
    queue = Queue(Machine(cpus=4, gpus=("0",)))
    queue.scheduler.slots.hold(["0"])
    queue.add("server", Needs(wanted=Requirements(gpus=1), lent=("0",)))
    assert queue.begun()["server"].devices == ("0",)


def test_free_gpus_come_before_lent_ones() -> None:
    queue = Queue(Machine(cpus=4, gpus=("0", "1")))
    queue.scheduler.slots.hold(["0"])
    queue.add("server", Needs(wanted=Requirements(gpus=1), lent=("0",)))
    assert queue.begun()["server"].devices == ("1",)


def test_pauses_hold_nothing_and_end() -> None:
    queue = Queue(Machine(cpus=1))
    queue.scheduler.pause("later", 1, needs(1), due=5.0)
    assert not queue.scheduler.is_idle
    assert queue.scheduler.paused == ["later"]
    queue.scheduler.wake(4.9)
    queue.add("now", needs(1))
    assert list(queue.begun()) == ["now"]
    queue.scheduler.end("now")
    queue.scheduler.wake(5.0)
    assert list(queue.begun()) == ["later"]


def test_what_is_lost_keeps_what_it_has() -> None:
    queue = Queue(Machine(cpus=1))
    queue.add("hangs", needs(1))
    queue.begun()
    queue.scheduler.lose("hangs")
    queue.add("next", needs(1))
    assert queue.begun() == {}
    assert queue.scheduler.stuck() == "next"


def test_a_step_that_needs_nothing_gets_its_limits_all_the_same() -> None:
    queue = Queue(Machine(cpus=1))
    queue.add("a", needs(1))
    queue.add("reused", Needs(wanted=Requirements(cpus=1, memory=GIB), idle=True))
    assert queue.begun()["reused"].memory == GIB


MACHINE = Machine(cpus=2, memory=4 * GIB, gpus=("0",))


@pytest.mark.parametrize(
    ("wanted", "name", "sentence"),
    [
        (Requirements(cpus=3), "cpus", "It asks for 3 cores, this machine has 2."),
        (
            Requirements(memory=5 * GIB),
            "memory",
            "It asks for 5 GiB of memory, this machine has 4 GiB.",
        ),
        (Requirements(gpus=2), "gpus", "It asks for 2 GPUs, this machine has 1."),
    ],
)
def test_too_much_is_said(wanted: Requirements, name: str, sentence: str) -> None:
    assert shortage(wanted, MACHINE) == (name, sentence)


def test_what_fits_is_no_shortage() -> None:
    assert shortage(Requirements(cpus=2, memory=4 * GIB, gpus=1), MACHINE) is None
    assert shortage(Requirements(memory=1 << 60), Machine(cpus=1)) is None
    held = shortage(Requirements(gpus=1), MACHINE, 1)
    assert held is not None
    assert held[1].endswith("this machine has 1, 1 of which running endpoints hold.")


def test_a_lenient_machine_gives_what_it_has() -> None:
    from mlform.dataclass import replace

    cut = replace(MACHINE, lenient=True).cut(Requirements(cpus=9, memory=9 * GIB, gpus=9))
    assert cut == Requirements(cpus=2, memory=4 * GIB, gpus=1)
    assert MACHINE.cut(Requirements(cpus=9)) == Requirements(cpus=9)


@pytest.mark.parametrize(
    ("size", "text"),
    [(512, "512 B"), (2048, "2 KiB"), (3 << 20, "3 MiB"), (int(3.5 * GIB), "3.5 GiB")],
)
def test_memory_for_people(size: int, text: str) -> None:
    assert memory_text(size) == text
