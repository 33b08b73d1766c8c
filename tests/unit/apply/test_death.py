"""A process that dies at any call of any port loses nothing and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlform.apply.events import Event, StepFinished
from mlform.plan.changes import Mode
from tests.engine import Engine, actions
from tests.faults import Died, Life, befallen, check_converges

DATA_NODES = """
resource "mlform_data" "many" {
  count = 5
  input = count.index
}
resource "mlform_data" "after" {
  input = mlform_data.many[*].output
}
"""


@dataclass(frozen=True)
class Scene:
    """What was there before, and what is done when the process dies."""

    prepare: Callable[[Engine], object]
    mode: Mode = Mode.NORMAL


def nothing(engine: Engine) -> None:
    """Start from scratch."""


def replacement(engine: Engine) -> None:
    """Let an endpoint serve, then ask for another model and for other instances."""
    engine.ok()
    engine.edit("rounds = 10", "rounds = 11").edit("count = 5", "count = 3")


def applied(engine: Engine) -> None:
    """Apply all."""
    engine.ok()


SCENES = {
    "create": Scene(nothing),
    "replace": Scene(replacement),
    "destroy": Scene(applied, Mode.DESTROY),
}


def die(engine: Engine, scene: Scene, life: Life) -> list[Event]:
    """Apply in a process that dies; return what it told before."""
    events: list[Event] = []
    mortal = befallen(engine, life, events.append)
    try:
        mortal.apply(mode=scene.mode)
    except Died:
        engine.place.holder = None  # the system gives the lock of a dead process back
    return events


def check_recorded(engine: Engine, events: list[Event]) -> None:
    """Every step that was told to be finished is in the state."""
    finished = [event for event in events if isinstance(event, StepFinished)]
    if not finished:
        return
    state = engine.state
    for event in finished:
        record = state.current(event.address)
        if event.operation.value in {"create", "rebuild", "update"}:
            assert record is not None
            assert str(record.attributes["id"]) == event.id


@pytest.mark.parametrize("scene", SCENES)
def test_death_at_every_call(scene: str, tmp_path: Path) -> None:
    calls = 0
    while True:
        calls += 1
        folder = tmp_path / str(calls)
        folder.mkdir()
        engine = Engine(folder).with_pipeline()
        engine.hcl += DATA_NODES
        SCENES[scene].prepare(engine)
        life = Life(left=calls)
        events = die(engine, SCENES[scene], life)
        if not life.over:
            break
        check_recorded(engine, events)
        check_converges(engine, f"death at call {calls}")
    assert calls > 10


@pytest.mark.parametrize("calls", range(3, 30, 4))
def test_dying_again_and_again(calls: int, tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline()
    engine.hcl += DATA_NODES
    for _ in range(6):
        die(engine, SCENES["create"], Life(left=calls))
    engine.ok()
    assert actions(engine.plan().plan) == {}
    assert len(engine.runtime.running()) == 1
