"""What is left of an interrupted run, and the environment's digest."""

from __future__ import annotations

import subprocess  # noqa: TID251 - real processes are what is tested
import sys
import threading
import time
from pathlib import Path

import pytest

from mlform.errors import RuntimeFailure
from mlform.runtimes.base import Owner, TaskPaths
from mlform.runtimes.launch import Start, WarmWorkers
from mlform.runtimes.process import ProcessRuntime, environment_of, installed_packages
from mlform.tasks import Requirements, Task

ROOT = Path(__file__).parents[3]

RUN = """
import sys, threading
from pathlib import Path
from mlform.runtimes.base import Owner, TaskPaths
from mlform.runtimes.process import ProcessRuntime
from mlform.tasks import Requirements, Task
from tests.contracts.runtime_harness import STANDINS, standin_programs
folder = Path(sys.argv[1])
runtime = ProcessRuntime(folder / "p", warm=False, programs=standin_programs(str(STANDINS)))
owner = Owner(project="l", address="dataset.a", step="s")
paths = TaskPaths(work=folder / "work", inputs={}, log=folder / "log")
request = runtime.prepare(Task(kind="k", arguments={"action": "sleep"}), paths, owner)
runtime.run(request, lambda event: print("running", flush=True), threading.Event())
"""


def test_a_later_run_stops_what_a_killed_one_left(tmp_path: Path) -> None:
    run = subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert run.stdout is not None
    assert run.stdout.readline() == b"running\n"
    run.kill()
    run.wait()
    run.stdout.close()
    later = ProcessRuntime(tmp_path / "p", warm=False)
    owner = Owner(project="l", address="dataset.a", step="s")
    assert later.abandon(Owner(project="l", address="dataset.a", step="other")) == ()
    told = later.abandon(owner)
    assert len(told) == 1
    assert "task of dataset.a" in told[0]
    assert later.abandon(owner) == ()
    assert list((tmp_path / "p").iterdir()) == []


def test_the_environment_follows_the_packages() -> None:
    packages = installed_packages()
    assert {"mlform", "numpy", "polars"} <= set(packages)
    first = environment_of(packages)
    assert first.digest == environment_of(dict(reversed(packages.items()))).digest
    assert first.digest != environment_of({**packages, "polars": "0"}).digest
    assert "Python 3" in first.description


def test_an_interpreter_that_is_gone_is_told(tmp_path: Path) -> None:
    runtime = ProcessRuntime(tmp_path / "p", python="/no/python", warm=False)
    owner = Owner(project="l", address="dataset.a", step="s")
    paths = TaskPaths(work=tmp_path / "work", inputs={}, log=tmp_path / "log")
    request = runtime.prepare(Task(kind="k", arguments={}), paths, owner)
    with pytest.raises(RuntimeFailure, match="/no/python"):
        runtime.run(request, lambda _: None, threading.Event())
    assert list((tmp_path / "p").iterdir()) == []


def test_a_warm_worker_that_dies_is_told(tmp_path: Path) -> None:
    workers = WarmWorkers((sys.executable, "-c", "1/0"), {}, tmp_path / "warm.log")
    start = Start(
        command=("x",), environment={}, folder=tmp_path, events=tmp_path / "e", log=tmp_path / "l"
    )
    while workers.alive:
        time.sleep(0.01)
    with pytest.raises(RuntimeFailure, match="ZeroDivisionError"):
        workers.start(start)
    workers.close()


@pytest.mark.parametrize(("devices", "visible"), [(("1", "3"), "1,3"), ((), "")])
def test_a_process_sees_its_gpus_alone(
    tmp_path: Path, devices: tuple[str, ...], visible: str
) -> None:
    runtime = ProcessRuntime(tmp_path / "p", inherited={"CUDA_VISIBLE_DEVICES": "0,1,2,3"})
    owner = Owner(project="l", address="model.a", step="s")
    paths = TaskPaths(work=tmp_path / "work", inputs={}, log=tmp_path / "log")
    needs = Requirements(gpus=len(devices), devices=devices)
    request = runtime.prepare(Task(kind="k", arguments={}, requirements=needs), paths, owner)
    assert request.environment["CUDA_VISIBLE_DEVICES"] == visible
    assert request.environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
