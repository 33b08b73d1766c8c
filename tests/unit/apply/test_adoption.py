"""A task that ended well while mlform was dead is not done again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlform.apply.events import Recovered
from mlform.runtimes.base import Cancellation, Owner, Runtime, TaskRequest
from mlform.tasks import TaskEvent, TaskResult
from tests.engine import Engine
from tests.faults import Died


class LeftAlone:
    """A runtime whose process dies when the training is over; the work is there afterwards."""

    def __init__(self, inner: Runtime, aside: Path) -> None:
        self._inner, self._aside = inner, aside
        self.result: TaskResult | None = None
        self.dies = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def run(
        self,
        request: TaskRequest,
        on_event: Callable[[TaskEvent], None],
        cancellation: Cancellation,
    ) -> TaskResult:
        """Do the work, and die of a training."""
        result = self._inner.run(request, on_event, cancellation)
        if request.owner.address == "model.m" and self.dies:
            shutil.copytree(request.work, self._aside / request.work.name)
            self.result = result
            raise Died
        return result

    def salvage(self, owner: Owner, work: Path, log: Path) -> TaskResult | None:
        """Return what the training made."""
        del log
        return self.result if owner.address == "model.m" and work.is_dir() else None


@pytest.fixture
def dead(tmp_path: Path) -> tuple[Engine, LeftAlone]:
    """A project whose apply was killed when the training had just ended."""
    engine = Engine(tmp_path / "project")
    engine.folder.mkdir()
    engine.with_pipeline()
    aside = tmp_path / "aside"
    runtime = LeftAlone(engine.runtime, aside)
    engine.wrap_runtime = lambda inner: runtime  # type: ignore[return-value, assignment] # noqa: ARG005
    with pytest.raises(Died):
        engine.apply()
    engine.place.holder = None
    shutil.copytree(aside, engine.folder / ".mlform" / "work", dirs_exist_ok=True)
    runtime.dies = False
    return engine, runtime


def test_the_result_is_taken_from_the_store(dead: tuple[Engine, LeftAlone]) -> None:
    engine, _ = dead
    ran = engine.ok()
    assert ran.finished["create model.m"].reused
    assert "model.m" not in ran.ran
    told = [event for event in ran.events if isinstance(event, Recovered)]
    assert [str(event.address) for event in told] == ["model.m"]
    assert "kept what its task had made" in told[0].message
    assert engine.record("model.m").artifact is not None
    assert list((engine.folder / ".mlform" / "work").iterdir()) == []


def test_another_recipe_is_made_as_ever(dead: tuple[Engine, LeftAlone]) -> None:
    engine, _ = dead
    engine.edit("rounds = 10", "rounds = 11")
    ran = engine.ok()
    assert "model.m" in ran.ran
    engine.edit("rounds = 11", "rounds = 10")
    assert engine.ok().finished["rebuild model.m"].reused


def test_what_is_damaged_is_made_again(dead: tuple[Engine, LeftAlone]) -> None:
    engine, _ = dead
    (work,) = (engine.folder / ".mlform" / "work").iterdir()
    (work / "purpose.json").write_text("{")
    ran = engine.ok()
    assert "model.m" in ran.ran


def test_what_did_not_end_well_is_made_again(dead: tuple[Engine, LeftAlone]) -> None:
    engine, runtime = dead
    runtime.result = None
    assert "model.m" in engine.ok().ran
