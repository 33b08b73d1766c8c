"""What every runtime must do, asked of each adapter."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlform.dataclass import replace
from mlform.digests import Digest, Json, digest_tree
from mlform.errors import (
    MlformError,
    OutOfMemory,
    ServerFailed,
    TaskCancelled,
    TaskFailed,
    TaskTimedOut,
)
from mlform.runtimes.base import Owner, Runtime, ServerPaths, TaskPaths
from mlform.tasks import (
    ArtifactInput,
    FolderInput,
    Requirements,
    Server,
    Task,
    TaskEvent,
    TaskInput,
    TaskResult,
)
from tests.contracts.runtime_harness import Adapter, memory_adapter, process_adapter
from tests.ports import free_port
from tests.waiting import wait_until

pytest_plugins = ["tests.docker_fixtures"]

NO_DIGEST = Digest("sha256:" + "0" * 64)


@dataclass
class Bench:
    """An adapter with folders of its own and short ways to ask it for things."""

    adapter: Adapter
    runtime: Runtime
    folder: Path
    events: list[TaskEvent] = field(default_factory=list)
    steps: int = 0
    handles: list[Mapping[str, Json]] = field(default_factory=list)
    routes: list[Mapping[str, Json]] = field(default_factory=list)

    def owner(self, step: str) -> Owner:
        return Owner(project=str(self.folder), address="dataset.a", step=step)

    def paths(self, step: str, inputs: Mapping[str, Path]) -> TaskPaths:
        work = self.folder / "work" / step
        work.mkdir(parents=True)
        return TaskPaths(work=work, inputs=inputs, log=self.folder / "logs" / f"{step}.log")

    def run(
        self,
        arguments: Mapping[str, Json],
        *,
        inputs: Mapping[str, Path] | None = None,
        requirements: Requirements | None = None,
        cancellation: threading.Event | None = None,
        step: str = "",
    ) -> tuple[TaskResult, Path]:
        """Run the stand-in; return its result and the folder of its attempt."""
        self.steps += 1
        step = step or f"step-{self.steps}"
        task = self.task(arguments, inputs or {}, requirements or Requirements(cpus=1.0))
        paths = self.paths(step, inputs or {})
        request = self.runtime.prepare(task, paths, self.owner(step))
        result = self.runtime.run(request, self.events.append, cancellation or threading.Event())
        return result, paths.work

    @staticmethod
    def task(
        arguments: Mapping[str, Json], inputs: Mapping[str, Path], requirements: Requirements
    ) -> Task:
        named: dict[str, TaskInput] = {
            name: FolderInput(path=str(path)) for name, path in inputs.items()
        }
        return Task(kind="standin", arguments=arguments, inputs=named, requirements=requirements)

    def log(self, step: str) -> str:
        return (self.folder / "logs" / f"{step}.log").read_text()

    def server(self, port: int, options: Mapping[str, Json] | None = None) -> Server:
        return Server(
            name="survival",
            model=NO_DIGEST,
            host="127.0.0.1",
            port=port,
            options=options or {},
            requirements=Requirements(cpus=1, timeout=30),
        )

    def server_paths(self, text: str) -> ServerPaths:
        model = self.folder / f"model-{text}"
        model.mkdir(exist_ok=True)
        (model / "model.txt").write_text(text)
        return ServerPaths(
            model=model,
            endpoint=self.folder / "endpoint",
            log=self.folder / "logs" / f"server-{text}.log",
        )

    def start(self, server: Server, text: str) -> Mapping[str, Json]:
        handle = self.runtime.start_server(
            server, self.server_paths(text), self.owner(f"serve-{text}"), threading.Event()
        )
        self.handles.append(handle)
        return handle

    def switch(self, server: Server, text: str, handle: Mapping[str, Json]) -> Mapping[str, Json]:
        route = self.runtime.switch(
            server, self.server_paths(text), self.owner(f"serve-{text}"), handle
        )
        self.routes.append(route)
        return route

    def close(self) -> None:
        for handle in self.handles:
            self.runtime.stop_server(handle)
        for route in self.routes:
            self.runtime.close_route(route)
        self.runtime.close()


@pytest.fixture(
    params=["process", pytest.param("docker", marks=pytest.mark.docker), "memory"],
)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "process":
        adapter = process_adapter(tmp_path)
    elif request.param == "memory":
        adapter = memory_adapter()
    else:
        adapter = request.getfixturevalue("docker_adapter")
    made = Bench(adapter, adapter.make(), tmp_path)
    yield made
    made.close()


def test_task_leaves_result_and_artifact(bench: Bench) -> None:
    source = bench.folder / "source"
    source.mkdir()
    (source / "rows.csv").write_text("a\n1\n2\n")
    result, work = bench.run({"text": "hi"}, inputs={"source": source})
    assert result.attributes["lines"] == 3
    assert (work / "output/artifact/source-rows.csv").read_text() == "a\n1\n2\n"
    assert (work / "output/artifact/empty-folder-is-not").read_text() == "hi"


def test_same_task_gives_same_artifact(bench: Bench) -> None:
    source = bench.folder / "source"
    source.mkdir()
    (source / "rows.csv").write_text("a\n1\n2\n")
    first, work = bench.run({}, inputs={"source": source})
    second, again = bench.run({}, inputs={"source": source})
    assert first == second
    assert digest_tree(work / "output/artifact") == digest_tree(again / "output/artifact")


def test_events_arrive_in_order(bench: Bench) -> None:
    bench.run({})
    assert bench.events == [
        TaskEvent(message="counting", done=1, total=2),
        TaskEvent(message="counting", done=2, total=2),
    ]


def test_what_is_no_event_goes_to_the_log(bench: Bench) -> None:
    bench.run({}, step="talks")
    assert "said on standard error\n" in bench.log("talks")
    assert "said on standard output, no event\n" in bench.log("talks")
    assert "counting" not in bench.log("talks")


def test_threads_follow_the_cores_rounded_up(bench: Bench) -> None:
    result, _ = bench.run({}, requirements=Requirements(cpus=1.5))
    assert result.attributes["threads"] == 2
    if bench.adapter.measures:
        assert result.attributes["variables"] == {
            "OMP_NUM_THREADS": "2",
            "POLARS_MAX_THREADS": "2",
            "PYTHONHASHSEED": "0",
            "SECRET_OF_HOST": None,
        }


def test_the_environment_of_the_host_stays_outside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_HOST", "swordfish")
    result, _ = bench.run({})
    if bench.adapter.measures:
        variables = result.attributes["variables"]
        assert isinstance(variables, dict)
        assert variables["SECRET_OF_HOST"] is None


def test_prepare_touches_nothing_and_is_the_same_twice(bench: Bench) -> None:
    source = bench.folder / "source"
    source.mkdir()
    task = bench.task({"text": "hi"}, {"source": source}, Requirements())
    paths = bench.paths("prepared", {"source": source})
    before = sorted(bench.folder.rglob("*"))
    first = bench.runtime.prepare(task, paths, bench.owner("prepared"))
    assert first == bench.runtime.prepare(task, paths, bench.owner("prepared"))
    assert sorted(bench.folder.rglob("*")) == before
    assert [bound.writable for bound in first.folders].count(True) == 1


def test_prepare_refuses_folders_that_the_task_does_not_name(bench: Bench) -> None:
    task = Task(kind="standin", arguments={}, inputs={"data": ArtifactInput(digest=NO_DIGEST)})
    with pytest.raises(ValueError, match="data"):
        bench.runtime.prepare(task, bench.paths("wrong", {}), bench.owner("wrong"))


def test_a_problem_names_the_argument(bench: Bench) -> None:
    with pytest.raises(TaskFailed) as failure:
        bench.run({"action": "problem"})
    assert failure.value.summary == "Unknown column"
    assert failure.value.detail == "no column `age`"
    assert failure.value.argument == "columns"
    assert "said on standard error" in failure.value.log_tail


def test_a_death_tells_how(bench: Bench) -> None:
    with pytest.raises(TaskFailed, match="SIGSEGV") as failure:
        bench.run({"action": "die", "signal": "SIGSEGV"})
    assert "said on standard error" in failure.value.log_tail


def test_an_exit_status_is_told(bench: Bench) -> None:
    with pytest.raises(TaskFailed, match="status 7"):
        bench.run({"action": "exit", "status": 7})


def test_success_without_result_is_a_failure(bench: Bench) -> None:
    with pytest.raises(TaskFailed, match="no result"):
        bench.run({"action": "silent"})


def test_time_limit(bench: Bench) -> None:
    begun = time.monotonic()
    with pytest.raises(TaskTimedOut, match="limit of 1 s"):
        bench.run({"action": "sleep", "child": True}, requirements=Requirements(timeout=1.0))
    assert time.monotonic() - begun < 20


def test_cancellation_stops_a_running_task(bench: Bench) -> None:
    wish = threading.Event()
    threading.Timer(0.7, wish.set).start()
    begun = time.monotonic()
    with pytest.raises(TaskCancelled):
        bench.run({"action": "sleep", "child": True}, cancellation=wish)
    assert time.monotonic() - begun < 20


def test_memory_limit(bench: Bench) -> None:
    with pytest.raises(OutOfMemory, match="128 MiB"):
        bench.run(
            {"action": "memory", "mebibytes": 300},
            requirements=Requirements(memory=128 << 20, timeout=60),
        )


def test_the_environment_is_the_same_in_a_later_run(bench: Bench) -> None:
    environment = bench.runtime.environment
    assert environment.digest == bench.adapter.make().environment.digest
    assert environment.digest.startswith("sha256:")
    assert environment.description


def test_a_server_serves_and_can_be_replaced_at_one_address(bench: Bench) -> None:
    server = bench.server(free_port())
    first = bench.start(server, "one")
    route = bench.switch(server, "one", first)
    assert bench.adapter.instance_at(server.port) == first["instance"]
    assert bench.runtime.observe_server(server, first, route).problems == ()

    second = bench.start(server, "two")
    assert bench.adapter.instance_at(server.port) == first["instance"]
    route = bench.switch(server, "two", second)
    bench.runtime.stop_server(first)
    assert bench.adapter.instance_at(server.port) == second["instance"]
    assert first["instance"] != second["instance"]
    assert bench.runtime.observe_server(server, second, route).healthy


def test_a_server_outlives_the_run_that_started_it(bench: Bench) -> None:
    server = bench.server(free_port())
    handle = bench.start(server, "one")
    route = bench.switch(server, "one", handle)
    bench.runtime.close()
    later = bench.adapter.make()
    assert later.observe_server(server, handle, route).healthy
    assert later.server_log(handle)
    later.stop_server(handle)
    later.close_route(route)
    later.close()
    assert bench.adapter.instance_at(server.port) is None


def test_a_stopped_server_is_seen(bench: Bench) -> None:
    server = bench.server(free_port())
    handle = bench.start(server, "one")
    route = bench.switch(server, "one", handle)
    bench.runtime.stop_server(handle)
    bench.runtime.stop_server(handle)
    observation = bench.runtime.observe_server(server, handle, route)
    assert not observation.healthy
    assert "not running" in observation.problems[0] or "was removed" in observation.problems[0]
    assert not observation.gone
    bench.runtime.close_route(route)
    assert bench.runtime.observe_server(server, handle, route).gone


def test_a_closed_route_is_seen(bench: Bench) -> None:
    server = bench.server(free_port())
    handle = bench.start(server, "one")
    route = bench.switch(server, "one", handle)
    bench.runtime.close_route(route)
    bench.runtime.close_route(route)
    observation = bench.runtime.observe_server(server, handle, route)
    assert not observation.healthy
    assert not observation.gone


def test_a_server_that_fails_its_test_never_serves(bench: Bench) -> None:
    server = bench.server(free_port())
    first = bench.start(server, "one")
    bench.switch(server, "one", first)
    with pytest.raises(ServerFailed) as failure:
        bench.start(bench.server(server.port, {"fail": True}), "two")
    assert "stored rows" in failure.value.log_tail
    assert bench.adapter.instance_at(server.port) == first["instance"]


def test_a_server_that_hangs_is_given_up(bench: Bench) -> None:
    server = Server(
        name="survival",
        model=NO_DIGEST,
        host="127.0.0.1",
        port=free_port(),
        options={"hang": True},
        requirements=Requirements(timeout=2),
    )
    with pytest.raises(ServerFailed, match="ready"):
        bench.start(server, "one")


def test_an_abandoned_server_gives_the_address_back(bench: Bench) -> None:
    server = bench.server(free_port())
    first = bench.start(server, "one")
    bench.switch(server, "one", first)
    second = bench.start(server, "two")
    bench.switch(server, "two", second)
    told = bench.adapter.make().abandon(bench.owner("serve-two"))
    assert len(told) == 1
    assert "dataset.a" in told[0]
    assert bench.adapter.instance_at(server.port) == first["instance"]
    assert bench.adapter.make().abandon(bench.owner("serve-two")) == ()


def test_an_abandoned_first_server_leaves_nobody_at_the_address(bench: Bench) -> None:
    server = bench.server(free_port())
    handle = bench.start(server, "one")
    bench.switch(server, "one", handle)
    bench.adapter.make().abandon(bench.owner("serve-one"))
    wait_until(lambda: bench.adapter.instance_at(server.port) is None)
    other = bench.start(server, "two")
    paths = replace(bench.server_paths("two"), endpoint=bench.folder / "another-endpoint")
    route = bench.runtime.switch(server, paths, bench.owner("serve-two"), other)
    bench.routes.append(route)
    assert bench.adapter.instance_at(server.port) == other["instance"]


def test_abandoning_nothing_tells_nothing(bench: Bench) -> None:
    assert bench.runtime.abandon(bench.owner("never")) == ()


def test_failures_are_of_the_tree(bench: Bench) -> None:
    for action in ("problem", "die", "silent"):
        with pytest.raises(MlformError) as failure:
            bench.run({"action": action})
        assert failure.value.summary


def test_an_address_somebody_else_has_is_told(bench: Bench) -> None:
    if not bench.adapter.measures:
        pytest.skip("in memory there are no strangers")
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen(1)
        server = bench.server(stranger.getsockname()[1])
        handle = bench.start(server, "one")
        with pytest.raises(ServerFailed, match="taken"):
            bench.switch(server, "one", handle)
    wait_until(lambda: bench.adapter.instance_at(server.port) is None)
