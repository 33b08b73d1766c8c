"""Whether the holder of a lock is over: known for sure, or taken to live."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - a real process is asked about
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from mlform.backends.base import LockInfo
from mlform.backends.holders import host_name, is_dead, process_start
from mlform.dataclass import replace
from tests.contracts.state_samples import lock_info

FIRST = "4026531836"
OTHER = "4026532999"
OURS = os.getpid()


def holder(pid: int, started: str) -> LockInfo:
    return replace(lock_info("id-1"), host=host_name(), pid=pid, started=started)


def system(
    root: Path,
    *,
    machine: str = "m1",
    boot: str = "b1",
    namespace: str = FIRST,
    processes: Mapping[int, str] = MappingProxyType({}),
) -> Path:
    """A system that tells of itself and of some processes; machine is empty where it has none."""
    proc = root / "proc"
    (proc / "sys/kernel/random").mkdir(parents=True)
    (proc / "sys/kernel/random/boot_id").write_text(f"{boot}\n")
    (proc / "self/ns").mkdir(parents=True)
    (proc / "self/ns/pid").symlink_to(f"pid:[{namespace}]")
    (root / "etc").mkdir()
    (root / "etc/machine-id").write_text(machine)
    for pid, told in processes.items():
        (proc / str(pid)).mkdir()
        (proc / str(pid) / "stat").write_text(told)
    return root


def stat(ticks: int, state: str = "S") -> str:
    return f"4711 (a (b) c) {state} " + " ".join(["0"] * 18) + f" {ticks} 0 0"


def held_in(folder: Path, *, machine: str = "m1", boot: str = "b1", of: str = FIRST) -> LockInfo:
    """The lock of process 4711 of a system, which began at tick 100."""
    told = {4711: stat(100)}
    root = system(folder / "before", machine=machine, boot=boot, namespace=of, processes=told)
    return holder(4711, process_start(4711, root=root))


def test_a_process_lives_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    held = holder(child.pid, process_start(child.pid))
    assert held.started
    assert not is_dead(held)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(held)  # also while nobody has asked yet how it ended
    child.communicate()
    assert is_dead(held)


def test_a_number_that_was_given_again_is_another_process() -> None:
    ours = holder(OURS, process_start(OURS))
    assert not is_dead(ours)
    assert is_dead(replace(ours, started=f"{ours.started}1"))


@pytest.mark.parametrize("started", ["", "boot:1:2", "a:b:c:d:e"])
def test_who_does_not_tell_lives(started: str) -> None:
    assert not is_dead(holder(OURS, started))


@pytest.mark.parametrize(
    ("told", "dead"), [(stat(100), False), (stat(101), True), (stat(100, "Z"), True)]
)
def test_what_the_system_tells_of_a_process(tmp_path: Path, told: str, *, dead: bool) -> None:
    held = held_in(tmp_path)
    now = system(tmp_path / "now", processes={4711: told})
    assert is_dead(held, root=now) is dead
    assert not is_dead(replace(held, host="elsewhere"), root=now)


def test_a_machine_that_was_started_again_has_no_process_of_before(tmp_path: Path) -> None:
    now = system(tmp_path / "now", boot="b2", processes={4711: stat(100)})
    assert is_dead(held_in(tmp_path), root=now)


@pytest.mark.parametrize(("one", "other"), [("m1", "m2"), ("", ""), ("", "m1"), ("m1", "")])
def test_machines_of_one_name_are_not_taken_for_one(tmp_path: Path, one: str, other: str) -> None:
    now = system(tmp_path / "now", boot="b2", machine=other)
    assert not is_dead(held_in(tmp_path, machine=one), root=now)


@pytest.mark.parametrize("boot", ["b1", "b2"])
@pytest.mark.parametrize(("one", "other"), [(OTHER, FIRST), (FIRST, OTHER)])
def test_processes_of_another_container_cannot_be_seen(
    tmp_path: Path, boot: str, one: str, other: str
) -> None:
    now = system(tmp_path / "now", boot=boot, namespace=other)
    assert not is_dead(held_in(tmp_path, of=one), root=now)


def test_containers_of_one_image_and_name_are_not_taken_for_one(tmp_path: Path) -> None:
    """Both say that they are the machine that stands in their image."""
    now = system(tmp_path / "now", boot="b2", namespace=OTHER)
    assert not is_dead(held_in(tmp_path, of=OTHER), root=now)


def test_a_process_that_the_system_hides_lives(tmp_path: Path) -> None:
    """As where /proc shows everybody their own processes only (hidepid)."""
    held = held_in(tmp_path)
    now = system(tmp_path / "now")
    assert not is_dead(replace(held, pid=OURS), root=now)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert is_dead(replace(held, pid=child.pid), root=now)


@pytest.mark.parametrize("pid", [1 << 80, -(1 << 80)])
def test_a_number_that_is_none_is_taken_to_live(tmp_path: Path, pid: int) -> None:
    assert not is_dead(replace(held_in(tmp_path), pid=pid), root=system(tmp_path / "now"))


def test_where_nothing_is_told_nobody_is_dead(tmp_path: Path) -> None:
    assert not is_dead(held_in(tmp_path), root=tmp_path / "nowhere")
    assert process_start(4711, root=tmp_path / "nowhere") == ""
