"""A wish to stop that comes at any call of any port: nothing is lost, and what served serves on.

The first wish lets what runs finish, the second one stops it. With one step at a time, every call
is always the same one: the switch of the traffic of an endpoint and the folding of the state are
among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlform.apply.events import Event, StepFinished, StepStarted
from mlform.apply.stop import Stop
from mlform.digests import Json
from mlform.errors import TaskCancelled
from mlform.plan.changes import Mode
from mlform.runtimes.memory import MemoryWork, Work
from tests.engine import Engine, Ran
from tests.faults import Wish, befallen, check_converges

PORT = 8080


@dataclass(frozen=True)
class Scene:
    """What was there before, what is done when the wish comes, whether something is to serve."""

    prepare: Callable[[Engine], object]
    mode: Mode = Mode.NORMAL
    serves: bool = False


def nothing(engine: Engine) -> None:
    """Start from scratch."""


def another_model(engine: Engine) -> None:
    """Let an endpoint serve, then ask for another model."""
    engine.ok()
    engine.edit("rounds = 10", "rounds = 11")


def another_name(engine: Engine) -> None:
    """Let an endpoint serve, then call it otherwise."""
    engine.edit('"endpoint" "p"', '"endpoint" "q"')
    engine.ok()
    engine.edit('"endpoint" "q"', '"endpoint" "p"')


def applied(engine: Engine) -> None:
    """Apply all."""
    engine.ok()


SCENES = {
    "create": Scene(nothing),
    "replace": Scene(another_model, serves=True),
    "rename": Scene(another_name, serves=True),
    "destroy": Scene(applied, Mode.DESTROY),
}


def heeding(work: Work) -> Work:
    """Work that is stopped as the task of a real runtime is."""

    def heeded(given: MemoryWork) -> Mapping[str, Json]:
        if given.cancellation.is_set():
            raise TaskCancelled("Task cancelled", "The run was interrupted.")
        return work(given)

    return heeded


def interrupted(engine: Engine, scene: Scene, wish: Wish) -> tuple[list[Event], Ran]:
    """Apply, and be asked to stop; return what was told and how it went."""
    events: list[Event] = []
    other = befallen(engine, wish, events.append)
    planned = other.plan(mode=scene.mode)
    return events, other.carry_out(planned, wish.stop)


def handles(engine: Engine) -> set[str]:
    """The servers that the state knows, those that were replaced and not stopped yet included."""
    found: set[str] = set()
    for record in engine.state.objects.values():
        server = record.handle.get("server")
        if isinstance(server, Mapping):
            found.add(str(server["instance"]))
    return found


def check_recorded(engine: Engine, events: list[Event]) -> None:
    """What was told to be there is in the state, and what was told to be gone is not."""
    told = {
        event.address: event
        for event in events
        if isinstance(event, StepFinished) and event.operation.value != "delete"
    }
    for address, event in told.items():
        record = engine.state.current(address)
        assert record is not None
        assert str(record.attributes["id"]) == event.id
    gone = {
        event.address
        for event in events
        if isinstance(event, StepFinished) and event.operation.value == "delete"
    }
    assert all(engine.state.current(address) is None for address in gone - set(told))


def check_left(engine: Engine, scene: Scene, events: list[Event], ran: Ran) -> None:
    """Nothing is lost, and nothing is left that the state does not know."""
    check_recorded(engine, events)
    assert not engine.state.intents
    assert engine.place.journal == b"", "the run is folded into the state"
    assert engine.place.holder is None
    work = engine.folder / ".mlform" / "work"
    assert not work.exists() or list(work.iterdir()) == []
    assert set(engine.runtime.running()) == handles(engine)
    if scene.serves:
        assert engine.runtime.answering("127.0.0.1", PORT) in handles(engine)
    started = {event.address for event in events if isinstance(event, StepStarted)}
    ended = {event.address for event in events if isinstance(event, StepFinished)}
    assert started - ended == {failure.address for failure in ran.applied.failures}


@pytest.mark.parametrize("now", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("scene", SCENES)
def test_at_every_call(scene: str, now: bool, tmp_path: Path) -> None:  # noqa: FBT001 - by pytest
    calls, cut_short, whole = 0, 0, 0
    while True:
        calls += 1
        folder = tmp_path / str(calls)
        folder.mkdir()
        engine = Engine(folder).with_pipeline()
        for kind, work in list(engine.work.items()):
            engine.rework(kind, heeding(work))
        SCENES[scene].prepare(engine)
        wish = Wish(calls, Stop(), now)
        events, ran = interrupted(engine, SCENES[scene], wish)
        if not wish.came:
            break
        assert ran.applied.interrupted == bool(ran.skipped or ran.failed)
        if now:
            assert {each.summary for each in ran.applied.failures} <= {
                "Task cancelled",
                "Server cancelled",
            }
        else:
            assert not ran.failed, "what ran was to finish"
        cut_short += not ran.applied.is_whole
        whole += ran.applied.is_whole
        if engine.place.snapshot is not None:
            check_left(engine, SCENES[scene], events, ran)
        check_converges(engine, f"a wish at call {calls}")
    assert cut_short > 5, "it came before all was done"
    assert whole > 1, "it came when all was done, and the state was written"
