"""The real worker and server under each runtime: the same tasks, the same bytes, one address."""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from mlform.digests import Json, JsonObject, digest_tree
from mlform.errors import TaskFailed
from mlform.runtimes.base import Owner, Runtime, ServerPaths, TaskPaths
from mlform.runtimes.docker.runtime import DockerRuntime
from mlform.runtimes.process import ProcessRuntime
from mlform.serving.model import artifact_digest
from mlform.tasks import FolderInput, Requirements, Server, Task, TaskEvent, TaskResult
from tests.contracts.runtime_harness import docker_host
from tests.ports import free_port

pytest_plugins = ["tests.docker_fixtures"]

HALVES: JsonObject = {"type": "ratio", "partitions": {"train": 0.5, "eval": 0.5}}


@dataclass
class Pipeline:
    """Runs the kinds of task one after the other under a runtime."""

    runtime: Runtime
    folder: Path

    def run(
        self, step: str, kind: str, arguments: JsonObject, inputs: Mapping[str, Path]
    ) -> tuple[TaskResult, Path, list[TaskEvent]]:
        work = self.folder / step
        work.mkdir(parents=True)
        task = Task(
            kind=kind,
            arguments=arguments,
            inputs={name: FolderInput(path=str(path)) for name, path in inputs.items()},
            requirements=Requirements(cpus=1, memory=2 << 30, timeout=120),
        )
        owner = Owner(project=self.folder.as_posix(), address=f"{kind}.a", step=step)
        paths = TaskPaths(work=work, inputs=inputs, log=self.folder / f"{step}.log")
        request = self.runtime.prepare(task, paths, owner)
        events: list[TaskEvent] = []
        result = self.runtime.run(request, events.append, threading.Event())
        return result, work / "output" / "artifact", events

    def train(self, depth: int = 3) -> tuple[dict[str, str], Path]:
        """Run data set, split, model and evaluation; return digests and the model."""
        source = self.folder / f"source{depth}"
        source.mkdir(parents=True)
        rows = [f"{i},{(i * 37) % 101},{int((i * 37) % 101 > 50)}" for i in range(200)]
        (source / "rows.csv").write_text("id,x,y\n" + "\n".join(rows) + "\n")
        name = f"d{depth}-"
        made: dict[str, Path] = {}
        _, made["dataset"], _ = self.run(
            name + "dataset",
            "dataset",
            {"source": {"type": "file"}, "files": ["rows.csv"], "columns": ["x", "y"]},
            {"source": source},
        )
        _, made["split"], _ = self.run(
            name + "split",
            "split",
            {"seed": 1, "train": "train", "strategy": HALVES, "transforms": []},
            {"dataset": made["dataset"]},
        )
        _, made["model"], events = self.run(
            name + "model",
            "model",
            {
                "seed": 3,
                "target": "y",
                "algorithm": {"type": "xgboost", "rounds": 5, "params": {"max_depth": depth}},
            },
            {"split": made["split"]},
        )
        assert any(event.total == 5 for event in events)
        result, made["evaluation"], _ = self.run(
            name + "evaluation",
            "evaluation",
            {"partition": "eval", "metrics": ["roc_auc"]},
            {"model": made["model"], "split": made["split"]},
        )
        assert result.attributes["metrics"]
        return {kind: digest_tree(path) for kind, path in made.items()}, made["model"]


@pytest.fixture(params=["cold", "warm", pytest.param("docker", marks=pytest.mark.docker)])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pipeline]:
    runtime: Runtime
    if request.param == "docker":
        runtime = DockerRuntime(request.getfixturevalue("runtime_image"), docker_host=docker_host())
    else:
        runtime = ProcessRuntime(
            tmp_path / "processes", python=sys.executable, warm=request.param == "warm"
        )
    yield Pipeline(runtime, tmp_path / "run")
    runtime.close()


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of the artifacts as a new process makes them."""
    folder = tmp_path_factory.mktemp("expected")
    runtime = ProcessRuntime(folder / "processes", warm=False)
    digests, _ = Pipeline(runtime, folder / "run").train()
    return digests


def test_every_runtime_makes_the_same_artifacts(
    pipeline: Pipeline, expected: dict[str, str]
) -> None:
    digests, _ = pipeline.train()
    assert digests == expected


def test_a_problem_of_the_real_worker_arrives(pipeline: Pipeline) -> None:
    source = pipeline.folder / "empty"
    source.mkdir(parents=True)
    with pytest.raises(TaskFailed) as failure:
        pipeline.run(
            "broken",
            "dataset",
            {"source": {"type": "file"}, "files": ["missing.csv"]},
            {"source": source},
        )
    assert "missing.csv" in failure.value.detail


class Traffic:
    """Asks an address again and again over kept connections and counts who answered."""

    def __init__(self, port: int, threads: int = 4) -> None:
        self.answers: dict[str, int] = {}
        self.failures: list[str] = []
        self._port = port
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._end.is_set():
            try:
                connection.request(
                    "POST",
                    "/predict",
                    b'{"rows": [{"x": 70}]}',
                    {"content-type": "application/json"},
                )
                response = connection.getresponse()
                body = response.read()
                with self._lock:
                    if response.status != 200:
                        self.failures.append(f"{response.status} {body[:200]!r}")
                    instance = response.getheader("mlform-instance", "")
                    self.answers[instance] = self.answers.get(instance, 0) + 1
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.failures.append(repr(error))
                connection.close()
        connection.close()


def server_of(model: Path, port: int) -> Server:
    return Server(
        name="survival",
        model=artifact_digest(model),
        host="127.0.0.1",
        port=port,
        requirements=Requirements(cpus=1, memory=1 << 30, timeout=60),
    )


def test_a_model_is_replaced_under_traffic_without_an_error(pipeline: Pipeline) -> None:
    runtime = pipeline.runtime
    port = free_port()
    handles: list[Mapping[str, Json]] = []
    route: Mapping[str, Json] = {}
    server: Server | None = None

    def serve(step: str, model: Path) -> Mapping[str, Json]:
        nonlocal route, server
        server = server_of(model, port)
        paths = ServerPaths(
            model=model,
            endpoint=pipeline.folder / "endpoint",
            log=pipeline.folder / f"{step}.log",
        )
        owner = Owner(project=pipeline.folder.as_posix(), address="endpoint.a", step=step)
        handles.append(runtime.start_server(server, paths, owner, threading.Event()))
        route = runtime.switch(server, paths, owner, handles[-1])
        return handles[-1]

    try:
        first = serve("one", pipeline.train(2)[1])
        with Traffic(port) as traffic:
            second = serve("two", pipeline.train(3)[1])
            runtime.stop_server(first)
        assert traffic.failures == []
        assert set(traffic.answers) == {first["instance"], second["instance"]}
        assert server is not None
        assert runtime.observe_server(server, second, route).problems == ()
    finally:
        for handle in handles:
            runtime.stop_server(handle)
        runtime.close_route(route)
