"""A task that ended well while mlform was dead is not done again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlform.apply.events import Recovered
from mlform.apply.stop import Stop
from mlform.runtimes.base import Cancellation, Owner, Runtime, TaskRequest
from mlform.tasks import TaskEvent, TaskResult
from tests.engine import Engine, Ran
from tests.faults import Died


class LeftAlone:
    """A runtime whose process dies when the training is over; the work is there afterwards."""

    def __init__(self, inner: Runtime, aside: Path) -> None:
        self._inner, self._aside = inner, aside
        self.result: TaskResult | None = None
        self.dies = True
        self.looks = 0
        self.meanwhile: Callable[[], object] = lambda: None

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

    def salvage(
        self, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]
    ) -> TaskResult | None:
        """Return what the training made, once it has been waited for so many times."""
        del log
        if owner.address != "model.m" or not work.is_dir():
            return None
        while self.looks:
            self.meanwhile()
            if not go_on():
                return None
            self.looks -= 1
        return self.result


@pytest.fixture
def dead(tmp_path: Path) -> tuple[Engine, LeftAlone]:
    """A project whose apply was killed when the training had just ended."""
    return killed(tmp_path)


def killed(tmp_path: Path, blocks: str = "") -> tuple[Engine, LeftAlone]:
    """Let an apply be killed; the model of its project has these blocks besides."""
    engine = Engine(tmp_path / "project")
    engine.folder.mkdir()
    engine.with_pipeline().edit('  target = "y"\n', f'  target = "y"\n{blocks}')
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


WAITS = "its task still runs, though the run that began it died; waiting for its end"


def told(ran: Ran) -> list[str]:
    return [event.message for event in ran.events if isinstance(event, Recovered)]


def test_one_that_still_runs_is_waited_for(dead: tuple[Engine, LeftAlone]) -> None:
    engine, runtime = dead
    runtime.looks = 5
    ran = engine.ok()
    assert runtime.looks == 0
    assert [message.partition(":")[0] for message in told(ran)] == [
        WAITS,
        "kept what its task had made when it was left alone",
    ]
    assert ran.finished["create model.m"].reused
    assert "model.m" not in ran.ran


def test_one_that_makes_what_nobody_wants_any_more_is_not(dead: tuple[Engine, LeftAlone]) -> None:
    engine, runtime = dead
    runtime.looks = 5
    engine.edit("rounds = 10", "rounds = 11")
    ran = engine.ok()
    assert runtime.looks == 5
    assert told(ran) == []
    assert "model.m" in ran.ran


def test_one_outside_of_a_limited_plan_is_not(dead: tuple[Engine, LeftAlone]) -> None:
    engine, runtime = dead
    runtime.looks = 5
    ran = engine.apply(targets=("dataset.d",))
    assert runtime.looks == 5
    assert told(ran) == []


def test_the_first_wish_to_stop_lets_it_finish_and_the_second_does_not(
    dead: tuple[Engine, LeftAlone],
) -> None:
    engine, runtime = dead
    stop = Stop()
    runtime.looks, runtime.meanwhile = 5, stop.request
    ran = engine.carry_out(engine.plan(), stop)
    assert runtime.looks == 0
    assert "model.m" in ran.skipped
    assert not engine.state.intents
    assert engine.ok().finished["create model.m"].reused


def test_the_second_wish_to_stop_ends_the_wait(dead: tuple[Engine, LeftAlone]) -> None:
    engine, runtime = dead
    stop = Stop()
    runtime.looks, runtime.meanwhile = 5, stop.request_now
    ran = engine.carry_out(engine.plan(), stop)
    assert runtime.looks == 5
    assert told(ran) == [WAITS]
    assert ran.applied.interrupted
    assert not engine.state.intents
    runtime.looks = 0
    assert "model.m" in engine.ok().ran


def test_it_is_waited_for_no_longer_than_its_limit(tmp_path: Path) -> None:
    ahead = [0.0]
    engine, runtime = killed(tmp_path, '  requirements {\n    timeout = "1h"\n  }\n')
    engine.monotonic = lambda: time.monotonic() + ahead[0]

    def pass_half_an_hour() -> None:
        ahead[0] += 1800

    runtime.looks, runtime.meanwhile = 9, pass_half_an_hour
    ran = engine.ok()
    assert runtime.looks in {6, 7}
    first, *later = told(ran)
    assert first == WAITS
    assert {message.partition(" [")[0] for message in later} == {"its task still runs"}
    assert "model.m" in ran.ran
