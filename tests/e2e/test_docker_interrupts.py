"""Interrupts and deaths of mlform while containers work for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlform.runtimes.docker.containers import PROJECT_LABEL
from mlform.runtimes.docker.engine import Engine, text_of
from mlform.runtimes.docker.lifecycle import labelled
from mlform.tasks import PinnedImage
from tests.e2e.cli import ended, printed_until
from tests.e2e.test_interrupts import Project, wait_for
from tests.e2e.trainings import PREDICTED, STORED

pytest_plugins = ["tests.docker_fixtures"]
pytestmark = pytest.mark.docker

CODE = (
    """
import signal, time

def fit(features, target, params):
    enough = []
    signal.signal(signal.SIGUSR1, lambda number, frame: enough.append(number))
    print("working", flush=True)
    until = time.monotonic() + params["seconds"]
    while time.monotonic() < until and not enough:
        time.sleep(0.05)
    print("done", flush=True)
    return float(target.mean())
"""
    + PREDICTED
    + STORED
)


class Contained(Project):
    """The pipeline in containers, with a training that takes a while."""

    def __init__(self, folder: Path, image: PinnedImage, engine: Engine, seconds: int) -> None:
        super().__init__(folder)
        self._engine = engine
        self.cli.file("code/slow.py", CODE)
        text = (folder / "main.mlf.hcl").read_text()
        before, _, after = text.partition("    params = ")
        _, _, after = after.partition("\n")
        text = f"{before}    params = {{ seconds = {seconds} }}\n{after}"
        runtime = f'runtime "docker" "default" {{\n  image = "{image.name}"\n}}\n'
        self.cli.file("main.mlf.hcl", text + runtime)
        self.cli.run("init").ok()

    @property
    def containers(self) -> list[str]:
        """The states of the project's containers."""
        state = self.state
        if state is None:
            return []
        found = labelled(self._engine, {PROJECT_LABEL: state.lineage})
        return [str(each["State"]) for each in found]

    def works(self) -> bool:
        """Whether the training runs."""
        folder = self.folder / ".mlform" / "logs" / "model.m"
        return any("working" in log.read_text() for log in folder.glob("*.log"))


@pytest.fixture
def seconds() -> int:
    return 4


@pytest.fixture
def made(
    tmp_path: Path, runtime_image: PinnedImage, docker_engine: Engine, seconds: int
) -> Iterator[Contained]:
    folder = tmp_path / "project"  # the user in containers may not read the one above
    folder.mkdir()
    project = Contained(folder, runtime_image, docker_engine, seconds)
    try:
        yield project
    finally:
        project.cli.run("destroy", "-auto-approve")
        assert project.containers == []


def test_the_second_signal_stops_the_container(made: Contained) -> None:
    with made.cli.started("apply", "-auto-approve") as process:
        wait_for(made.works, "the training")
        process.send_signal(signal.SIGINT)
        printed_until(process, "Interrupt received")
        process.send_signal(signal.SIGINT)
        printed = ended(process)
    assert process.returncode == 130
    assert "Task cancelled" in printed
    assert made.names() == {"dataset.d", "split.s"}
    assert made.containers == []


def test_a_training_that_ends_while_mlform_is_dead_is_not_done_again(made: Contained) -> None:
    with made.cli.started("apply", "-auto-approve") as process:
        wait_for(made.works, "the training")
        process.kill()
    wait_for(lambda: made.containers == ["exited"], "the end of the training")
    again = made.cli.run("apply", "-auto-approve").ok()
    assert "model.m: kept what its task had made when it was left alone" in again.stdout
    assert "model.m: Reused from cache" in again.stdout
    assert made.cli.run("plan", "-detailed-exitcode").status == 0
    assert sorted(made.containers) == ["running", "running"]
    assert list((made.folder / ".mlform" / "work").iterdir()) == []


@pytest.mark.parametrize("seconds", [600])
def test_a_training_that_goes_on_without_mlform_is_waited_for(
    made: Contained, docker_engine: Engine
) -> None:
    with made.cli.started("apply", "-auto-approve") as process:
        wait_for(made.works, "the training")
        process.kill()
    state = made.state
    assert state is not None
    (container,) = labelled(docker_engine, {PROJECT_LABEL: state.lineage})
    with made.cli.started("apply", "-auto-approve") as process:
        printed_until(process, "model.m: its task still runs")
        docker_engine.api.kill(text_of(container, "Id"), "SIGUSR1")
        printed = ended(process)
    assert process.returncode == 0, printed
    assert "model.m: kept what its task had made when it was left alone" in printed
    assert "model.m: Reused from cache" in printed
    assert made.cli.run("logs", "model.m").ok().stdout.split() == ["working", "done"]
    assert sorted(made.containers) == ["running", "running"]
    assert list((made.folder / ".mlform" / "work").iterdir()) == []


@pytest.mark.parametrize("seconds", [600])
def test_a_training_that_nobody_wants_any_more_is_ended(made: Contained) -> None:
    with made.cli.started("apply", "-auto-approve") as process:
        wait_for(made.works, "the training")
        process.kill()
    assert made.containers == ["running"]
    made.cli.replace("main.mlf.hcl", "seconds = 600", "seconds = 0")
    again = made.cli.run("apply", "-auto-approve").ok()
    assert "model.m: removed container" in again.stdout
    assert sorted(made.containers) == ["running", "running"]
