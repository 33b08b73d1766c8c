"""Fixtures of the tests that need a Docker engine; a pytest plugin.

Where no engine answers these tests are skipped with the reason, except where `CI=true` or
`MLF_TEST_REQUIRE_DOCKER=1` say that it must be there.
"""

from __future__ import annotations

import shutil
import socket
import subprocess  # noqa: TID251 - a registry runs beside the tests
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

import mlform
from mlform.digests import digest_file, digest_json, digest_tree, short
from mlform.errors import MlformError
from mlform.runtimes.base import BoundFolder, Runtime
from mlform.runtimes.docker import packages
from mlform.runtimes.docker.engine import Engine, look_up, text_of
from mlform.runtimes.docker.runtime import DockerRuntime
from mlform.runtimes.image import build_image
from mlform.tasks import PinnedImage
from tests.contracts.runtime_harness import (
    STANDINS,
    Adapter,
    docker_host,
    instance_over_http,
    standin_programs,
)
from tests.ports import free_port
from tests.presence import absent
from tests.waiting import wait_until

BASE_IMAGE = "mlform-test-base:bookworm"
REQUIRED_BY = "MLF_TEST_REQUIRE_DOCKER"


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """An engine that answers."""
    engine = Engine(docker_host())
    try:
        engine.api.ping()
    except MlformError as error:
        absent(str(error), required_by=REQUIRED_BY)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def base_image(docker_engine: Engine) -> PinnedImage:
    """The base image with python3 and nothing else, which `.ci/setup` makes."""
    found = look_up(docker_engine, BASE_IMAGE)
    if found is None:
        absent(f"there is no image {BASE_IMAGE}: run .ci/setup", required_by=REQUIRED_BY)
    return PinnedImage(name=BASE_IMAGE, reference=text_of(found, "Id"))


@pytest.fixture(scope="session")
def registry(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real registry on the loopback address; its `host:port`."""
    program = shutil.which("docker-registry")
    if program is None:
        absent("there is no program docker-registry: run .ci/setup", required_by=REQUIRED_BY)
    folder = tmp_path_factory.mktemp("registry")
    address = f"127.0.0.1:{free_port()}"
    (folder / "config.yml").write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/storage}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the program of Debian's package
            [str(program), "serve", str(folder / "config.yml")], stdout=log, stderr=log
        )
    wait_until(lambda: _listens(address))
    assert docker_engine.docker_host
    yield address
    process.terminate()
    process.wait()


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture(scope="session")
def runtime_image(docker_engine: Engine, base_image: PinnedImage) -> PinnedImage:
    """A runtime image of the current tree, built once for each content of it.

    Sessions and workers that want it at the same time wait for the first one.
    """
    package = Path(mlform.__file__).parent
    parts = {name: _digest_of(package / name) for name in packages.INSIDE}
    key = short(digest_json([base_image.reference, digest_file(packages.LOCK), parts]))
    tag = f"mlform-runtime:test-{key}"
    with FileLock(Path(tempfile.gettempdir()) / f"mlform-{tag.replace(':', '-')}.lock"):
        found = look_up(docker_engine, tag)
        if found is not None:
            return PinnedImage(name=tag, reference=text_of(found, "Id"))
        progress: list[str] = []
        return build_image(BASE_IMAGE, tag, docker_host=docker_host(), on_progress=progress.append)


def _digest_of(path: Path) -> str:
    return digest_tree(path) if path.is_dir() else digest_file(path)


@pytest.fixture
def docker_adapter(base_image: PinnedImage) -> Adapter:
    """The container runtime with the stand-in programs on the base image."""
    inside = "/standins/runtime_standins.py"
    mount = BoundFolder(source=str(STANDINS.absolute()), target=inside)

    def make() -> Runtime:
        return DockerRuntime(
            base_image,
            docker_host=docker_host(),
            programs=standin_programs(inside),
            folders=(mount,),
        )

    return Adapter(name="docker", make=make, instance_at=instance_over_http)
