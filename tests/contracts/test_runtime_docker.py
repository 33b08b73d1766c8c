"""What only containers can promise: hardening, tampering seen, images pinned or refused."""

from __future__ import annotations

import contextlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from docker.errors import NotFound

from mlform.digests import Digest, Json
from mlform.errors import (
    EngineUnavailable,
    ImageMissing,
    ImageUnusable,
    RuntimeFailure,
    TaskFailed,
)
from mlform.runtimes.base import BoundFolder, Owner, Runtime, ServerPaths, TaskPaths
from mlform.runtimes.docker.containers import labels_of
from mlform.runtimes.docker.engine import Engine, ensure_image
from mlform.runtimes.docker.lifecycle import labelled
from mlform.runtimes.docker.runtime import DockerRuntime
from mlform.runtimes.image import resolve_image
from mlform.tasks import FolderInput, PinnedImage, Requirements, Server, Task, TaskResult
from tests.contracts.runtime_harness import STANDINS, Adapter, docker_host, standin_programs
from tests.ports import free_port

pytest_plugins = ["tests.docker_fixtures"]
pytestmark = pytest.mark.docker

NO_DIGEST = Digest("sha256:" + "0" * 64)


def run(runtime: Runtime, folder: Path, arguments: Mapping[str, Json]) -> TaskResult:
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "a.txt").write_text("a")
    task = Task(
        kind="standin", arguments=arguments, inputs={"source": FolderInput(path=str(source))}
    )
    work = folder / "work"
    work.mkdir()
    paths = TaskPaths(work=work, inputs={"source": source}, log=folder / "log")
    owner = Owner(project=str(folder), address="dataset.a", step="one")
    request = runtime.prepare(task, paths, owner)
    return runtime.run(request, lambda _: None, threading.Event())


@pytest.fixture
def runtime(docker_adapter: Adapter) -> Iterator[Runtime]:
    made = docker_adapter.make()
    yield made
    made.close()


def test_a_task_is_locked_in(runtime: Runtime, tmp_path: Path) -> None:
    told = run(runtime, tmp_path, {"action": "look around"}).attributes
    assert told["uid"] != 0
    assert told["root"] == "Read-only file system"
    assert told["input"] == "Read-only file system"
    assert told["networks"] == ["lo"]
    assert told["CapEff"] == "0" * 16
    assert told["NoNewPrivs"] == "1"


def test_no_container_is_left(runtime: Runtime, tmp_path: Path, docker_engine: Engine) -> None:
    with pytest.raises(TaskFailed):
        run(runtime, tmp_path, {"action": "die"})
    owner = Owner(project=str(tmp_path), address="dataset.a", step="one")
    assert labelled(docker_engine, labels_of(owner, "task")) == []


def test_a_left_container_is_abandoned(
    runtime: Runtime, tmp_path: Path, docker_adapter: Adapter, docker_engine: Engine
) -> None:
    failures: list[Exception] = []

    def interrupted() -> None:
        try:
            run(runtime, tmp_path, {"action": "sleep"})
        except RuntimeFailure as error:
            failures.append(error)

    owner = Owner(project=str(tmp_path), address="dataset.a", step="one")
    thread = threading.Thread(target=interrupted)
    thread.start()
    waiting = threading.Event()
    while not labelled(docker_engine, {**labels_of(owner, "task")}):
        waiting.wait(0.05)
    waiting.wait(1.0)
    told = docker_adapter.make().abandon(owner)
    thread.join(30)
    assert len(told) == 1
    assert "task of dataset.a" in told[0]
    assert len(failures) == 1
    assert labelled(docker_engine, labels_of(owner, "task")) == []


def test_an_image_without_python_modules_of_mlform_is_refused(
    base_image: PinnedImage, tmp_path: Path
) -> None:
    runtime = DockerRuntime(base_image, docker_host=docker_host())
    with pytest.raises(ImageUnusable, match="mlform runtime build"):
        run(runtime, tmp_path, {})


def test_an_image_without_the_interpreter_is_refused(
    base_image: PinnedImage, tmp_path: Path
) -> None:
    runtime = DockerRuntime(base_image, docker_host=docker_host(), python="python9")
    with pytest.raises(ImageUnusable, match="python9"):
        run(runtime, tmp_path, {})


def test_a_missing_image_is_told_without_asking_anybody(
    docker_engine: Engine, tmp_path: Path
) -> None:
    assert docker_engine.docker_host
    image = PinnedImage(name="gone:1", reference="sha256:" + "1" * 64)
    with pytest.raises(ImageMissing, match="mlform runtime build"):
        run(DockerRuntime(image, docker_host=docker_host()), tmp_path, {})


def test_a_local_image_is_pinned_by_its_id(base_image: PinnedImage) -> None:
    resolved = resolve_image(base_image.name, docker_host=docker_host())
    assert resolved == base_image
    assert resolve_image(base_image.reference).reference == base_image.reference


def test_an_image_of_a_registry_is_pinned_and_pulled_by_its_digest(
    docker_engine: Engine, base_image: PinnedImage, registry: str, tmp_path: Path
) -> None:
    repository = f"{registry}/mlform-base"
    name = f"{repository}:1"
    api = docker_engine.api
    api.tag(base_image.reference, repository, "1")
    for line in api.push(repository, tag="1", stream=True, decode=True):
        assert "error" not in line, line
    pinned = resolve_image(name, docker_host=docker_host())
    assert pinned.reference.startswith(f"{repository}@sha256:")
    api.remove_image(name)
    with contextlib.suppress(NotFound):
        api.remove_image(pinned.reference)
    assert resolve_image(name, docker_host=docker_host()) == pinned

    runtime = DockerRuntime(
        pinned,
        docker_host=docker_host(),
        programs=standin_programs("/standins/a.py"),
        folders=(BoundFolder(source=str(STANDINS), target="/standins/a.py"),),
    )
    try:
        assert run(runtime, tmp_path, {}).attributes["lines"] == 1
    finally:
        runtime.close()
        api.remove_image(pinned.reference)

    with pytest.raises(ImageMissing, match="mlform runtime build"):
        resolve_image(f"{repository}:2", docker_host=docker_host())
    gone = PinnedImage(name=name, reference=f"{repository}@sha256:{'1' * 64}")
    with pytest.raises(ImageMissing, match="init -upgrade"):
        ensure_image(docker_engine, gone)


def test_no_engine_says_what_to_do(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/docker.sock"
    image = PinnedImage(name="any", reference="sha256:" + "1" * 64)
    with pytest.raises(EngineUnavailable, match="DOCKER_HOST"):
        run(DockerRuntime(image, docker_host=host), tmp_path, {})
    with pytest.raises(EngineUnavailable, match="systemctl start docker"):
        resolve_image("any", docker_host=host)


def enter(engine: Engine, container: str) -> None:
    execution = engine.api.exec_create(container, ["true"])
    engine.api.exec_start(execution["Id"])


def enter_and_stay(engine: Engine, container: str) -> None:
    execution = engine.api.exec_create(container, ["sleep", "600"])
    engine.api.exec_start(execution["Id"], detach=True)


def restart(engine: Engine, container: str) -> None:
    engine.api.restart(container, timeout=1)


def give_memory(engine: Engine, container: str) -> None:
    engine.api.update_container(container, mem_limit=900 << 20, memswap_limit=900 << 20)


def copy_into(engine: Engine, container: str) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        entry = tarfile.TarInfo("mine")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(Exception, match="read-only"):
        engine.api.put_archive(container, "/etc", content.getvalue())
    engine.api.exec_create(container, ["sh"])


def connect(engine: Engine, container: str) -> None:
    engine.api.connect_container_to_network(container, "bridge")


def remove(engine: Engine, container: str) -> None:
    engine.api.remove_container(container, force=True)


def pause(engine: Engine, container: str) -> None:
    engine.api.pause(container)


@pytest.mark.parametrize("role", ["server", "gateway"])
@pytest.mark.parametrize(
    ("touch", "sentence"),
    [
        (enter, "was entered: a command was run in it (true)"),
        (enter_and_stay, "was entered: 1 commands run in it now"),
        (restart, "was stopped and started again"),
        (give_memory, "has other limits"),
        (copy_into, "was entered"),
        (connect, "is in other networks"),
        (remove, "was removed"),
        (pause, "is not running: it is paused"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_tampering_is_seen(
    runtime: Runtime,
    docker_engine: Engine,
    tmp_path: Path,
    role: str,
    touch: Callable[[Engine, str], None],
    sentence: str,
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.txt").write_text("one")
    server = Server(
        name="survival",
        model=NO_DIGEST,
        host="127.0.0.1",
        port=free_port(),
        requirements=Requirements(memory=512 << 20, timeout=30),
    )
    paths = ServerPaths(model=model, endpoint=tmp_path / "endpoint", log=tmp_path / "log")
    owner = Owner(project=str(tmp_path), address="endpoint.a", step="one")
    handle = runtime.start_server(server, paths, owner, threading.Event())
    route: Mapping[str, Json] = {}
    try:
        route = runtime.switch(server, paths, owner, handle)
        assert runtime.observe_server(server, handle, route).problems == ()
        assert runtime.observe_server(server, handle, route).problems == ()
        touch(docker_engine, str((handle if role == "server" else route)["container"]))
        problems = runtime.observe_server(server, handle, route).problems
        assert any(sentence in problem for problem in problems), problems
        assert all(role in problem for problem in problems), problems
    finally:
        runtime.stop_server(handle)
        runtime.close_route(route)
