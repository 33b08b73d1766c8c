"""Runtimes that never answer, clocks that jump, views that break: nothing hangs or is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlform.apply.events import Event, StepFinished, StepStarted
from mlform.apply.stop import Stop
from mlform.digests import Json
from mlform.errors import BackendError
from mlform.runtimes.memory import MemoryRuntime, MemoryWork
from mlform.state.snapshot import Entry
from mlform.tasks import Server
from tests.engine import Engine, Ran, actions

OTHER = """
resource "dataset" "NAME" {
  limit = 1
  source "file" {
    path = "data.csv"
  }
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path).with_pipeline()


class Jumping:
    """A monotonic clock that somebody can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Hanging:
    """Work that never ends, whatever it is told; until the test is over."""

    def __init__(self) -> None:
        self.reached, self.over = threading.Event(), threading.Event()

    def __call__(self, work: MemoryWork) -> Mapping[str, Json]:
        del work
        self.reached.set()
        self.over.wait(60)
        return {}


def carried_out(engine: Engine, stop: Stop) -> tuple[threading.Thread, list[Ran]]:
    done: list[Ran] = []
    planned = engine.plan()
    thread = threading.Thread(target=lambda: done.append(engine.carry_out(planned, stop)))
    thread.start()
    return thread, done


def test_a_runtime_that_ignores_the_time_limit_is_given_up(engine: Engine) -> None:
    hanging = Hanging()
    engine.patience = 0.5
    engine.rework("split", hanging)
    limit = '  requirements {\n    timeout = "1s"\n  }\n'
    engine.edit("  dataset = dataset.d\n", f"  dataset = dataset.d\n{limit}")
    begun = time.monotonic()
    ran = engine.apply()
    assert 1.5 <= time.monotonic() - begun < 10
    failure = ran.failed["split.s"]
    assert failure.summary == "Task timed out"
    assert "its limit of 1 s, and the runtime did not stop it" in failure.detail
    assert set(ran.skipped.values()) == {"split.s failed"}
    assert engine.state.intents == ()
    hanging.over.set()


def test_a_server_that_hangs_is_given_up(engine: Engine) -> None:
    over = threading.Event()

    def self_test(server: Server, model: Path) -> None:
        del server, model
        over.wait(60)

    engine.patience = 0.5
    engine.use(MemoryRuntime(engine.work, self_test=self_test))
    limit = '  requirements {\n    timeout = "0.5s"\n  }\n'
    engine.edit("  port     = 8080\n", f"  port     = 8080\n{limit}")
    ran = engine.apply()
    assert "its limit of 0.5 s" in ran.failed["endpoint.p"].detail
    assert engine.state.intents == ()
    over.set()


def test_a_runtime_that_ignores_the_wish_to_stop_is_given_up(engine: Engine) -> None:
    clock, hanging, stop = Jumping(), Hanging(), Stop()
    engine.monotonic = clock
    engine.rework("split", hanging)
    thread, done = carried_out(engine, stop)
    assert hanging.reached.wait(10)
    stop.request_now()
    time.sleep(0.4)
    assert thread.is_alive()
    clock.ahead = 61
    thread.join(10)
    (ran,) = done
    assert "the runtime does not answer" in ran.failed["split.s"].detail
    assert ran.applied.interrupted
    assert len(engine.state.intents) == 1
    hanging.over.set()


def test_a_clock_that_jumps_back_changes_no_duration(engine: Engine) -> None:
    looks = [0]

    def now() -> datetime:
        looks[0] += 1
        return datetime(2026, 1, 2, tzinfo=UTC) - timedelta(hours=looks[0])

    engine.now = now
    ran = engine.ok()
    for event in ran.events:
        if isinstance(event, StepFinished):
            assert 0 <= event.seconds < 60
    for record in engine.state.records:
        assert 0 <= record.provenance.duration < 60
    assert actions(engine.plan().plan) == {}


def test_a_view_that_breaks_loses_nothing(engine: Engine) -> None:
    def broken(event: Event) -> None:
        if isinstance(event, StepStarted) and str(event.address) == "model.m":
            message = "a bug in a view"
            raise KeyError(message)

    engine.on_event = broken
    with pytest.raises(KeyError):
        engine.apply()
    engine.on_event = lambda event: None  # noqa: ARG005
    names = {str(record.address) for record in engine.state.records}
    assert {"dataset.d", "split.s"} <= names
    engine.ok()
    assert actions(engine.plan().plan) == {}
    assert len(engine.runtime.running()) == 1
    assert engine.state.intents == ()


def test_what_runs_is_recorded_when_a_view_breaks_meanwhile(tmp_path: Path) -> None:
    """Two tasks run; while the view breaks of one, the other one finishes."""
    engine = Engine(tmp_path, parallelism=2).with_pipeline()
    engine.hcl += OTHER.replace("NAME", "other")
    meeting = threading.Barrier(2, timeout=10)
    inner = engine.work["dataset"]

    def meet(work: MemoryWork) -> Mapping[str, Json]:
        meeting.wait()
        if work.document.arguments.get("limit"):
            time.sleep(0.3)
        return inner(work)

    engine.rework("dataset", meet)

    def broken(event: Event) -> None:
        if isinstance(event, StepFinished):
            message = "a bug in a view"
            raise KeyError(message)

    engine.on_event = broken
    with pytest.raises(KeyError):
        engine.apply()
    assert {str(record.address) for record in engine.state.records} == {
        "dataset.d",
        "dataset.other",
    }


def test_a_state_that_cannot_be_written_ends_what_runs(tmp_path: Path) -> None:
    engine = Engine(tmp_path, parallelism=2).with_pipeline()
    engine.hcl += OTHER.replace("NAME", "slow")
    inner, cancelled = engine.work["dataset"], threading.Event()

    def slow(work: MemoryWork) -> Mapping[str, Json]:
        if work.document.arguments.get("limit"):
            try:
                work.pass_time(30)
            finally:
                cancelled.set()
        return inner(work)

    engine.rework("dataset", slow)

    class Full:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def append(self, entries: tuple[Entry, ...]) -> None:
            if any("split.s" in str(getattr(item, "address", "")) for item in entries):
                raise BackendError("State cannot be written", "No space left on device.")
            self._inner.append(entries)  # type: ignore[attr-defined]

    engine.wrap_backend = Full  # type: ignore[assignment]
    begun = time.monotonic()
    with pytest.raises(BackendError, match="No space left"):
        engine.apply()
    assert cancelled.is_set()
    assert time.monotonic() - begun < 15
    engine.wrap_backend = lambda backend: backend
    engine.rework("dataset", inner)
    engine.ok()
    assert actions(engine.plan().plan) == {}
