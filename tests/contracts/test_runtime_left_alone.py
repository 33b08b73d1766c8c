"""Tasks that end while the run that started them is dead: what came of them is there to be had."""

from __future__ import annotations

import subprocess  # noqa: TID251 - a process that dies is what is tested
import sys
from pathlib import Path

import pytest

from mlform.runtimes.base import Runtime
from mlform.tasks import PinnedImage
from tests.contracts.left_alone import open_runtime, owner_of
from tests.waiting import wait_until

pytest_plugins = ["tests.docker_fixtures"]

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request: pytest.FixtureRequest) -> str:
    if request.param == "process":
        return "process"
    image = request.getfixturevalue("base_image")
    assert isinstance(image, PinnedImage)
    return image.reference


def not_now() -> bool:
    return False


def left_alone(runtime: str, folder: Path, action: str) -> Runtime:
    """Let a run begin a task and be killed; return the runtime of the next run."""
    with subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-m", "tests.contracts.left_alone", runtime, str(folder), action],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        process.kill()
    return open_runtime(runtime, folder)


def test_a_good_end_is_salvaged(runtime: str, tmp_path: Path) -> None:
    later = left_alone(runtime, tmp_path, "nap")
    owner, work, log = owner_of(tmp_path), tmp_path / "work", tmp_path / "log"
    try:
        assert later.salvage(owner, work, log, not_now) is None, "it has not ended yet"
        wait_until(lambda: later.salvage(owner, work, log, not_now) is not None)
        result = later.salvage(owner, work, log, not_now)
        assert result is not None
        assert result.attributes["threads"] == 1
        assert (work / "output/artifact/empty-folder-is-not").read_text() == "hi"
    finally:
        later.abandon(owner)
    assert later.abandon(owner) == ()


def test_one_that_still_runs_is_waited_for(runtime: str, tmp_path: Path) -> None:
    later = left_alone(runtime, tmp_path, "nap")
    owner, work, log = owner_of(tmp_path), tmp_path / "work", tmp_path / "log"
    asked: list[bool] = []

    def go_on() -> bool:
        asked.append(True)
        return True

    try:
        result = later.salvage(owner, work, log, go_on)
        assert result is not None
        assert asked, "it had not ended yet"
        assert (work / "output/artifact/empty-folder-is-not").read_text() == "hi"
    finally:
        later.abandon(owner)


def test_a_bad_end_is_not(runtime: str, tmp_path: Path) -> None:
    later = left_alone(runtime, tmp_path, "nap and die")
    owner, work, log = owner_of(tmp_path), tmp_path / "work", tmp_path / "log"
    try:
        wait_until((work / "output" / "died").exists)
        assert later.salvage(owner, work, log, not_now) is None
    finally:
        later.abandon(owner)


def test_of_others_nothing_is_salvaged(runtime: str, tmp_path: Path) -> None:
    later = open_runtime(runtime, tmp_path)
    assert later.salvage(owner_of(tmp_path), tmp_path / "work", tmp_path / "log", not_now) is None
