from __future__ import annotations

from pathlib import Path

import pytest

from mlform.digests import digest_json
from mlform.errors import ImageUnusable
from mlform.runtimes.base import BoundFolder, Owner, TaskPaths
from mlform.runtimes.docker.archive import ImageSettings, LayerFile, with_layer, write_layer
from mlform.runtimes.docker.containers import ContainerNeeds, body_of, task_container
from mlform.runtimes.docker.inspection import Look, differences, seconds
from mlform.runtimes.docker.packages import BasePython, check_base, install_command
from mlform.runtimes.docker.runtime import DockerRuntime
from mlform.runtimes.image import reference_of, repository_of
from mlform.tasks import FolderInput, PinnedImage, Requirements, Task

TEMPORARY = "/tmp"  # noqa: S108 - the container's own
IMAGE = PinnedImage(name="runtime:1", reference="host/runtime@sha256:" + "a" * 64)
OWNER = Owner(project="lineage", address="dataset.a", step="step")
DEBIAN = BasePython(version=(3, 11), machine="x86_64", libc=(2, 36))


def test_the_whole_request_of_a_task(tmp_path: Path) -> None:
    task = Task(
        kind="dataset",
        arguments={"a": 1},
        inputs={"source": FolderInput(path="/data")},
        requirements=Requirements(cpus=1.5, memory=1 << 30, gpus=1),
    )
    paths = TaskPaths(work=tmp_path, inputs={"source": Path("/data")}, log=tmp_path / "log")
    request = DockerRuntime(IMAGE, user="7:8").prepare(task, paths, OWNER)
    container = task_container(request, "7:8")
    assert (
        container.name
        == "mlform-"
        + digest_json({"project": "lineage", "address": "dataset.a", "step": "step"}).removeprefix(
            "sha256:"
        )[:12]
        + "-task"
    )
    body = dict(container.body)
    environment = body.pop("Env")
    assert isinstance(environment, list)
    assert {"OMP_NUM_THREADS=2", "PYTHONHASHSEED=0", "TMPDIR=/tmp"} <= set(map(str, environment))
    assert body == {
        "Image": IMAGE.reference,
        "Entrypoint": ["python3"],
        "Cmd": ["-m", "mlform.worker", "/mlform/task.json"],
        "User": "7:8",
        "Labels": {
            "mlform.project": "lineage",
            "mlform.address": "dataset.a",
            "mlform.step": "step",
            "mlform.role": "task",
        },
        "WorkingDir": TEMPORARY,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "Init": True,
            "ReadonlyRootfs": True,
            "Tmpfs": {TEMPORARY: "rw,nosuid,nodev,mode=1777"},
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "PidsLimit": 1024,
            "NanoCpus": 1_500_000_000,
            "Memory": 1 << 30,
            "MemorySwap": 1 << 30,
            "DeviceRequests": [{"Driver": "", "Count": 1, "Capabilities": [["gpu"]]}],
            "Mounts": [
                mount(f"{tmp_path}/task.json", "/mlform/task.json"),
                mount("/data", "/mlform/inputs/source"),
                {**mount(f"{tmp_path}/output", "/mlform/output"), "ReadOnly": False},
            ],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        },
    }
    assert request.document["inputs"] == {"source": "/mlform/inputs/source"}


def mount(source: str, target: str) -> dict[str, object]:
    return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True}


def test_gpus_that_were_given_are_asked_for_by_name(tmp_path: Path) -> None:
    task = Task(
        kind="model", arguments={}, requirements=Requirements(gpus=2, devices=("1", "GPU-3"))
    )
    paths = TaskPaths(work=tmp_path, inputs={}, log=tmp_path / "log")
    request = DockerRuntime(IMAGE).prepare(task, paths, OWNER)
    host = task_container(request, "7:8").body["HostConfig"]
    assert isinstance(host, dict)
    wanted = {"Driver": "", "DeviceIDs": ["1", "GPU-3"], "Capabilities": [["gpu"]]}
    assert host["DeviceRequests"] == [wanted]
    assert "CUDA_VISIBLE_DEVICES" not in request.environment


def test_a_published_container_is_on_its_address_only() -> None:
    needs = ContainerNeeds(
        image=IMAGE.reference,
        command=("python3", "x"),
        user="1:1",
        variables={},
        labels={},
        folders=(BoundFolder(source="/a", target="/b"),),
        requirements=Requirements(),
        network="mine",
        aliases=("server-1",),
        published=("127.0.0.1", 0),
    )
    body = body_of(needs)
    host = body["HostConfig"]
    assert isinstance(host, dict)
    assert host["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    assert "Memory" not in host
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"mine": {"Aliases": ["server-1"]}}}


LOOK = Look(
    image="sha256:1",
    config=digest_json("c"),
    limits=digest_json("l"),
    networks=("mine",),
    status="running",
    started="2026-01-01T00:00:00Z",
    restarts=0,
    executions=(),
    processes=("python3 server",),
    changes=("added /mlform",),
    acts=(),
)


def changed(**values: object) -> Look:
    document = {name: getattr(LOOK, name) for name in Look.__slots__}
    return Look(**{**document, **values})


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (None, "container c was removed"),
        (changed(status="exited"), "container c is not running: it is exited"),
        (
            changed(status="paused", acts=("was paused",)),
            "container c is not running: it is paused",
        ),
        (changed(acts=("was paused",)), "container c was paused"),
        (changed(restarts=2), "container c died and was restarted 2 times"),
        (
            changed(started="2026-01-02T00:00:00Z"),
            "container c was stopped and started again at 2026-01-02T00:00:00Z",
        ),
        (changed(image="sha256:2"), "container c runs another image: sha256:2"),
        (
            changed(config=digest_json("x")),
            "container c has another program, variables, labels or user",
        ),
        (
            changed(limits=digest_json("x")),
            "container c has other limits, mounts or rights than it was given",
        ),
        (
            changed(networks=("bridge", "mine")),
            "container c is in other networks than it was put in: bridge, mine",
        ),
        (
            changed(executions=("1",)),
            "container c was entered: 1 commands run in it now",
        ),
        (
            changed(processes=("python3 server", "sh")),
            "container c runs a process it did not start with: sh",
        ),
        (
            changed(changes=("added /mlform", "added /a", "added /b")),
            "container c had its files changed: added /a and 1 more",
        ),
        (changed(acts=("was attached to",)), "container c was attached to"),
    ],
)
def test_each_difference_is_one_sentence(now: Look | None, sentence: str) -> None:
    assert differences("c", LOOK.to_json(), now) == [sentence]


def test_no_difference() -> None:
    assert differences("c", LOOK.to_json(), LOOK) == []
    assert differences("c", LOOK.to_json(), changed(processes=())) == []


def test_engine_times() -> None:
    assert seconds("1970-01-01T00:00:01.5Z") == 1.5
    assert seconds("1970-01-01T02:00:01.123456789+02:00") == pytest.approx(1.123456)


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("a", "a"),
        ("a:1", "a"),
        ("localhost:5000/a", "localhost:5000/a"),
        ("localhost:5000/b/a:1", "localhost:5000/b/a"),
    ],
)
def test_repository_of_a_name(name: str, repository: str) -> None:
    assert repository_of(name) == repository


def test_an_image_is_pinned_by_the_digest_of_its_own_name() -> None:
    known = {"Id": "sha256:1", "RepoDigests": ["other/a@sha256:2", "mine/a@sha256:3"]}
    assert reference_of("mine/a:1", known) == "mine/a@sha256:3"
    assert reference_of("third/a:1", known) == "sha256:1"
    assert reference_of("a", {"Id": "sha256:1", "RepoDigests": None}) == "sha256:1"


def test_a_layer_has_the_same_bytes_wherever_it_was_made(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("b", "a") if name == "one" else ("a", "b"):
            (folder / file).write_text(file)
        files = [LayerFile(source=folder / file, target=f"opt/x/{file}") for file in ("b", "a")]
        digests.append(write_layer(files, tmp_path / f"{name}.tar").digest)
    assert digests[0] == digests[1]


def test_a_configuration_gets_one_more_layer() -> None:
    settings = ImageSettings(
        tag="t:1",
        variables={"PATH": "/b"},
        labels={"new": "1"},
        user="1:1",
        command=("x",),
        history="h",
    )
    base = {
        "Architecture": "amd64",
        "Os": "linux",
        "Config": {"Env": ["PATH=/a", "KEPT=a=b"], "Labels": {"old": "0"}, "Cmd": ["y"]},
        "RootFS": {"Layers": ["sha256:1"]},
    }
    made = with_layer(base, "sha256:2", settings)
    assert made["rootfs"] == {"type": "layers", "diff_ids": ["sha256:1", "sha256:2"]}
    assert made["config"] == {
        "User": "1:1",
        "Env": ["KEPT=a=b", "PATH=/b"],
        "Labels": {"old": "0", "new": "1"},
        "Cmd": ["x"],
        "Entrypoint": None,
        "WorkingDir": "/",
    }
    history = made["history"]
    assert isinstance(history, list)
    assert len(history) == 2


def test_bases_that_cannot_carry_the_worker() -> None:
    check_base("b", DEBIAN)
    with pytest.raises(ImageUnusable, match=r"Python 3\.9; the worker needs 3\.11"):
        check_base("b", BasePython(version=(3, 9), machine="x86_64", libc=(2, 36)))
    with pytest.raises(ImageUnusable, match="GNU C library"):
        check_base("b", BasePython(version=(3, 12), machine="x86_64", libc=()))


def test_packages_are_installed_with_hashes(tmp_path: Path) -> None:
    with_uv = install_command(DEBIAN, tmp_path, uv="/bin/uv", running=(3, 13))
    assert with_uv[:3] == ("/bin/uv", "pip", "install")
    assert "--require-hashes" in with_uv
    assert "x86_64-manylinux_2_28" in with_uv
    with_pip = install_command(DEBIAN, tmp_path, uv=None, running=(3, 11))
    assert "--require-hashes" in with_pip
    with pytest.raises(ImageUnusable, match="Install uv"):
        install_command(DEBIAN, tmp_path, uv=None, running=(3, 13))
