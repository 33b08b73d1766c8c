"""What a machine has, read from a made-up file system."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.errors import UsageError
from mlform.runtimes.hardware import measure

MEMINFO = "MemTotal:       16384000 kB\nMemFree:         1000 kB\n"
TOTAL = 16_384_000 << 10


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"proc/meminfo": MEMINFO, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_memory_of_the_machine(tmp_path: Path) -> None:
    found = measure({}, machine(tmp_path, {}))
    assert found.memory == TOTAL
    assert found.cpus >= 1
    assert found.gpus == ()


def test_nobody_can_tell_the_memory(tmp_path: Path) -> None:
    assert measure({}, tmp_path).memory is None


def test_limits_of_control_groups_version_two(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/a/b\n",
        "sys/fs/cgroup/a/b/memory.max": "max\n",
        "sys/fs/cgroup/a/memory.max": "1073741824\n",
        "sys/fs/cgroup/a/b/cpu.max": "100000 100000\n",
        "sys/fs/cgroup/a/cpu.max": "max 100000\n",
    }
    found = measure({}, machine(tmp_path, files))
    assert (found.memory, found.cpus) == (1 << 30, 1.0)


def test_limits_of_control_groups_version_one(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "4:memory:/outside\n1:cpu,cpuacct:/outside\n9:name=systemd:/\n",
        # In a container the path is that of the machine, and the limit is at the root.
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    found = measure({}, machine(tmp_path, files))
    assert found.memory == 512 << 20
    assert found.cpus <= 1.5


def test_a_quota_below_one_core_is_still_a_core(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "20000 100000\n"}
    assert measure({}, machine(tmp_path, files)).cpus == 1.0


def gpus(root: Path, cards: int, devices: int) -> Path:
    files = {f"proc/driver/nvidia/gpus/0000:0{n}:00.0/information": "" for n in range(cards)}
    files |= {f"dev/nvidia{n}": "" for n in range(devices)}
    files |= {"dev/nvidiactl": "", "dev/nvidia-uvm": ""}
    return machine(root, files)


@pytest.mark.parametrize(
    ("cards", "devices", "names"),
    [(2, 2, ("0", "1")), (0, 2, ("0", "1")), (2, 0, ("0", "1")), (8, 1, ("0",)), (0, 0, ())],
)
def test_gpus(tmp_path: Path, cards: int, devices: int, names: tuple[str, ...]) -> None:
    assert measure({}, gpus(tmp_path, cards, devices)).gpus == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1,3", ("1", "3")),
        ("GPU-8932f937-d72c", ("GPU-8932f937-d72c",)),
        ("", ()),
        ("-1", ()),
        ("none", ()),
        ("0, 2,-1,3", ("0", "2")),
    ],
)
def test_gpus_by_hand(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    root = gpus(tmp_path, 4, 4)
    assert measure({"CUDA_VISIBLE_DEVICES": text}, root).gpus == names
    assert measure({"MLF_GPUS": text, "CUDA_VISIBLE_DEVICES": "7"}, root).gpus == names


def test_cores_and_memory_by_hand(tmp_path: Path) -> None:
    variables = {"MLF_CPUS": "3", "MLF_MEMORY": "2GiB"}
    found = measure(variables, machine(tmp_path, {}))
    assert (found.cpus, found.memory) == (3.0, 2 << 30)


@pytest.mark.parametrize(
    "variables", [{"MLF_CPUS": "many"}, {"MLF_CPUS": "0"}, {"MLF_MEMORY": "much"}]
)
def test_what_cannot_be_read_is_said(tmp_path: Path, variables: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(variables))):
        measure(variables, tmp_path)
