"""A run that is killed while its task goes on; `python left_alone.py RUNTIME FOLDER ACTION`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from mlform.runtimes.base import BoundFolder, Owner, Runtime, TaskPaths
from mlform.runtimes.docker.runtime import DockerRuntime
from mlform.runtimes.process import ProcessRuntime
from mlform.tasks import PinnedImage, Task
from tests.contracts.runtime_harness import STANDINS, docker_host, standin_programs

INSIDE = "/standins/runtime_standins.py"


def open_runtime(name: str, folder: Path) -> Runtime:
    """Return the process runtime, or the one of an image."""
    if name == "process":
        programs = standin_programs(str(STANDINS))
        return ProcessRuntime(folder / "notes", warm=False, programs=programs)
    return DockerRuntime(
        PinnedImage(name=name, reference=name),
        docker_host=docker_host(),
        programs=standin_programs(INSIDE),
        folders=(BoundFolder(source=str(STANDINS.absolute()), target=INSIDE),),
    )


def owner_of(folder: Path) -> Owner:
    """Return who the task belongs to."""
    return Owner(project=str(folder), address="dataset.a", step="s")


def main() -> None:
    """Run the task until somebody kills this."""
    name, place, action = sys.argv[1:]
    folder = Path(place)
    runtime = open_runtime(name, folder)
    paths = TaskPaths(work=folder / "work", inputs={}, log=folder / "log")
    task = Task(kind="standin", arguments={"action": action, "text": "hi"})
    request = runtime.prepare(task, paths, owner_of(folder))
    runtime.run(request, lambda event: print("running", flush=True), threading.Event())  # noqa: ARG005, T201 - told to the test


if __name__ == "__main__":
    main()
