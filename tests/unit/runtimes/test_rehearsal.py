from __future__ import annotations

import threading
from pathlib import Path

from mlform.digests import Digest
from mlform.runtimes.base import MADE_UP, Owner, Runtime, ServerPaths, TaskPaths
from mlform.runtimes.memory import MemoryRuntime, MemoryWork
from mlform.runtimes.rehearsal import ARTIFACT_FILE, RehearsalRuntime
from mlform.tasks import Requirements, Server, Task

OWNER = Owner(project="p", address="model.m", step="s1")


class Opening:
    """Opens an in-memory runtime and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Runtime:
        self.times += 1

        def work(given: MemoryWork) -> dict[str, object]:
            (given.artifact / "x").write_text("real")
            return {}

        return MemoryRuntime({"dataset": work})  # type: ignore[dict-item] # no attributes


def paths(folder: Path) -> TaskPaths:
    (folder / "work").mkdir()
    return TaskPaths(work=folder / "work", inputs={}, log=folder / "log")


def test_what_is_made_up_is_made_here(tmp_path: Path) -> None:
    opening = Opening()
    runtime = RehearsalRuntime("docker", {"image": "x"}, opening)
    task = Task(kind=MADE_UP, arguments={"a": 1}, requirements=Requirements())
    request = runtime.prepare(task, paths(tmp_path), OWNER)
    result = runtime.run(request, lambda event: None, threading.Event())  # noqa: ARG005
    assert result.attributes == {"address": "model.m"}
    assert (tmp_path / "work" / "output" / "artifact" / ARTIFACT_FILE).is_file()
    assert opening.times == 0


def test_anything_else_goes_to_the_declared_runtime(tmp_path: Path) -> None:
    opening = Opening()
    runtime = RehearsalRuntime("process", {}, opening)
    task = Task(kind="dataset", arguments={}, requirements=Requirements())
    request = runtime.prepare(task, paths(tmp_path), OWNER)
    runtime.run(request, lambda event: None, threading.Event())  # noqa: ARG005
    assert (tmp_path / "work" / "output" / "artifact" / "x").read_text() == "real"
    assert opening.times == 1


def test_its_environment_follows_from_the_declaration(tmp_path: Path) -> None:
    del tmp_path
    opening = Opening()
    first, same, other = (
        RehearsalRuntime("docker", {"image": image}, opening).environment.digest
        for image in ("a", "a", "b")
    )
    assert first == same != other
    assert opening.times == 0


def test_servers_that_are_made_up_only_seem_to_run(tmp_path: Path) -> None:
    opening = Opening()
    runtime = RehearsalRuntime("docker", {}, opening)
    server = Server(
        name="p",
        model=Digest("sha256:" + "1" * 64),
        host="127.0.0.1",
        port=80,
        options={MADE_UP: True},
    )
    places = ServerPaths(model=tmp_path, endpoint=tmp_path, log=tmp_path / "log")
    handle = runtime.start_server(server, places, OWNER, threading.Event())
    route = runtime.switch(server, places, OWNER, handle)
    assert runtime.observe_server(server, handle, route).healthy
    assert runtime.server_log(handle) == ""
    assert runtime.abandon(OWNER) == ()
    runtime.stop_server(handle)
    runtime.close_route(route)
    runtime.close()
    assert opening.times == 0


def test_real_servers_run_in_the_declared_runtime(tmp_path: Path) -> None:
    opening = Opening()
    runtime = RehearsalRuntime("docker", {}, opening)
    server = Server(name="p", model=Digest("sha256:" + "1" * 64), host="127.0.0.1", port=80)
    places = ServerPaths(model=tmp_path, endpoint=tmp_path, log=tmp_path / "log")
    handle = runtime.start_server(server, places, OWNER, threading.Event())
    route = runtime.switch(server, places, OWNER, handle)
    assert runtime.observe_server(server, handle, route).healthy
    runtime.stop_server(handle)
    assert not runtime.observe_server(server, handle, route).healthy
    assert opening.times == 1
