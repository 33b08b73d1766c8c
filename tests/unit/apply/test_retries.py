"""What is tried again, how often, when, and what is left of attempts that failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlform.addresses import parse_address
from mlform.apply.attempt_logs import logs_of
from mlform.apply.events import StepFailed, StepFinished, StepRetrying, StepStarted
from mlform.apply.stop import Stop
from mlform.digests import Json
from mlform.errors import (
    EngineUnavailable,
    MlformError,
    OutOfMemory,
    PortTaken,
    TaskFailed,
    TaskTimedOut,
    WorkerKilled,
)
from mlform.plan.changes import Mode
from mlform.runtimes.memory import MemoryWork
from mlform.state.snapshot import Abandoned, Entry, Intent, Recorded
from tests.engine import Engine, Ran, actions

MODEL = parse_address("model.m")
RETRY = '  retry {\n    delay = "0s"\n  }\n'

OTHER = """
resource "dataset" "other" {
  limit = 1
  source "file" {
    path = "data.csv"
  }
}
"""
LATE = """
resource "mlform_data" "late" {
  input = split.s.digest
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path).with_pipeline()
    return made.edit('  target = "y"\n', f'  target = "y"\n{RETRY}')


class Failing:
    """Work that fails so often before it is done."""

    def __init__(self, engine: Engine, kind: str, times: int, failure: Callable[[], Exception]):
        self._inner, self._failure = engine.work[kind], failure
        self.times, self.calls = times, 0
        engine.rework(kind, self)

    def __call__(self, work: MemoryWork) -> Mapping[str, Json]:
        self.calls += 1
        work.print(f"attempt {self.calls}")
        if self.calls <= self.times:
            raise self._failure()
        return self._inner(work)


def killed() -> MlformError:
    return WorkerKilled("Worker died", "It was killed.")


def retries(ran: Ran) -> list[StepRetrying]:
    return [event for event in ran.events if isinstance(event, StepRetrying)]


def test_an_accident_is_tried_again(engine: Engine) -> None:
    work = Failing(engine, "model", 2, killed)
    ran = engine.ok()
    assert work.calls == 3
    assert [(event.attempt, event.attempts, event.seconds) for event in retries(ran)] == [
        (2, 3, 0.0),
        (3, 3, 0.0),
    ]
    started = [event for event in ran.events if isinstance(event, StepStarted)]
    assert [event.attempt for event in started if event.address == MODEL] == [1, 2, 3]
    assert engine.state.intents == ()
    assert actions(engine.plan().plan) == {}


def test_each_attempt_has_a_log_and_an_identity_of_its_own(engine: Engine) -> None:
    Failing(engine, "model", 2, killed)
    ran = engine.ok()
    logs = logs_of(engine.folder / ".mlform", MODEL)
    assert [log.number for log in logs] == [1, 2, 3]
    assert [log.path.read_text() for log in logs] == [f"attempt {n}\n" for n in (1, 2, 3)]
    assert len({log.attempt for log in logs}) == 3
    assert [Path(event.log) for event in retries(ran)] == [log.path for log in logs[:2]]


def test_the_attempt_before_is_over_in_the_journal_before_the_next_begins(engine: Engine) -> None:
    written: list[Intent | Abandoned | Recorded] = []

    class Listening:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def append(self, entries: tuple[Entry, ...]) -> None:
            wanted = (Intent, Abandoned, Recorded)
            written.extend(item for item in entries if isinstance(item, wanted))
            self._inner.append(entries)  # type: ignore[attr-defined]

    engine.wrap_backend = Listening  # type: ignore[assignment]
    Failing(engine, "model", 1, killed)
    engine.ok()
    began = [item.step for item in written if isinstance(item, Intent) and item.address == MODEL]
    (over,) = (item.step for item in written if isinstance(item, Abandoned))
    first, second = began
    assert over == first
    places = {step: [at for at, item in enumerate(written) if item.step == step] for step in began}
    assert max(places[first]) < min(places[second])


def test_it_gives_up_in_the_end(engine: Engine) -> None:
    work = Failing(engine, "model", 99, killed)
    ran = engine.apply()
    assert work.calls == 3
    assert ran.failed["model.m"].summary == "Worker died"
    assert ran.failed["model.m"].tail == ("attempt 3",)
    assert ran.skipped == {"evaluation.e": "model.m failed", "endpoint.p": "model.m failed"}
    assert engine.state.intents == ()


@pytest.mark.parametrize(
    "failure",
    [
        TaskFailed("Bad data", "No such column."),
        TaskTimedOut("Task timed out", "Too long."),
        OutOfMemory("Task ran out of memory", "Too much."),
        OSError(28, "No space left on device"),
        KeyError("a bug"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_what_would_fail_again_is_not_tried_again(engine: Engine, failure: Exception) -> None:
    work = Failing(engine, "model", 99, lambda: failure)
    ran = engine.apply()
    assert work.calls == 1
    assert retries(ran) == []
    assert list(ran.failed) == ["model.m"]


@pytest.mark.parametrize(
    ("failure", "calls"),
    [
        (TaskFailed("Bad data", "No such column."), 4),
        (TaskTimedOut("Task timed out", "Too long."), 4),
        (OSError(28, "No space left on device"), 1),
        (KeyError("a bug"), 1),
    ],
    ids=str,
)
def test_failures_are_tried_again_where_that_is_asked_for(
    engine: Engine, failure: Exception, calls: int
) -> None:
    engine.edit(RETRY, '  retry {\n    attempts = 4\n    delay = "0s"\n    when = "failure"\n  }\n')
    work = Failing(engine, "model", 99, lambda: failure)
    engine.apply()
    assert work.calls == calls


def test_one_attempt_is_one(engine: Engine) -> None:
    engine.edit(RETRY, "  retry {\n    attempts = 1\n  }\n")
    work = Failing(engine, "model", 99, killed)
    engine.apply()
    assert work.calls == 1


def test_others_run_in_the_pause(engine: Engine) -> None:
    engine.edit(RETRY, '  retry {\n    delay = "0.3s"\n  }\n')
    later = "  depends_on = [mlform_data.late]\n  limit = 1\n"
    engine.hcl += OTHER.replace("  limit = 1\n", later) + LATE
    Failing(engine, "model", 1, killed)
    ran = engine.ok()
    names = [
        f"{type(event).__name__} {event.address}"
        for event in ran.events
        if isinstance(event, StepRetrying | StepFinished)
    ]
    retrying = names.index("StepRetrying model.m")
    assert retrying < names.index("StepFinished dataset.other")
    assert names.index("StepFinished dataset.other") < names.index("StepFinished model.m")


def test_settings_of_retries_and_limits_change_no_recipe(engine: Engine) -> None:
    engine.ok()
    before, server = engine.record("model.m"), engine.record("endpoint.p")
    engine.edit(
        RETRY, '  retry {\n    attempts = 7\n  }\n  requirements {\n    timeout = "1h"\n  }\n'
    )
    engine.edit(
        "  port     = 8080\n",
        '  port     = 8080\n  requirements {\n    timeout = "9m"\n  }\n  retry {}\n',
    )
    ran = engine.ok()
    assert actions(ran.planned.plan) == {"model.m": "update", "endpoint.p": "update"}
    assert engine.record("model.m").recipe_digest == before.recipe_digest
    assert engine.record("endpoint.p").recipe_digest == server.recipe_digest
    assert ran.ran == []


def test_a_port_in_use_is_tried_again(engine: Engine) -> None:
    from mlform.runtimes.memory import MemoryRuntime
    from mlform.tasks import Server

    tries: list[Server] = []

    def self_test(server: Server, model: Path) -> None:
        del model
        tries.append(server)
        if len(tries) < 3:
            raise PortTaken("Port is taken", "Somebody listens.")

    engine.edit("  port     = 8080\n", f"  port     = 8080\n{RETRY}")
    engine.use(MemoryRuntime(engine.work, self_test=self_test))
    engine.ok()
    assert len(tries) == 3
    assert len(engine.runtime.running()) == 1


def test_a_removal_is_tried_again(engine: Engine) -> None:
    engine.ok()
    failed: list[object] = []

    class Hiccup:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def stop_server(self, handle: object) -> None:
            if not failed:
                failed.append(handle)
                raise EngineUnavailable("Docker engine does not answer", "It restarts.")
            self._inner.stop_server(handle)  # type: ignore[attr-defined]

    engine.wrap_runtime = Hiccup  # type: ignore[assignment]
    ran = engine.apply(mode=Mode.DESTROY)
    assert not ran.failed
    assert [str(event.address) for event in retries(ran)] == ["endpoint.p"]
    assert engine.runtime.running() == ()


def interrupted(engine: Engine, *, now: bool) -> Ran:
    """Interrupt in the long pause before the second attempt."""
    engine.edit(RETRY, '  retry {\n    delay = "10m"\n  }\n')
    Failing(engine, "model", 1, killed)
    stop, done, paused = Stop(), list[Ran](), threading.Event()
    engine.on_event = lambda event: paused.set() if isinstance(event, StepRetrying) else None
    planned = engine.plan()
    thread = threading.Thread(target=lambda: done.append(engine.carry_out(planned, stop)))
    thread.start()
    assert paused.wait(10)
    begun = time.monotonic()
    (stop.request_now if now else stop.request)()
    thread.join(10)
    assert time.monotonic() - begun < 5
    return done[0]


@pytest.mark.parametrize("now", [False, True])
def test_an_interrupt_ends_the_pause(engine: Engine, now: bool) -> None:  # noqa: FBT001 - a parameter of the test
    ran = interrupted(engine, now=now)
    assert ran.applied.interrupted
    assert ran.failed["model.m"].summary == "Worker died"
    assert set(ran.skipped) == {"evaluation.e", "endpoint.p"}
    assert engine.state.intents == ()
    assert engine.ok().ran == ["endpoint.p", "evaluation.e", "model.m"]


def test_something_unforeseen_is_owned_up_to_and_loses_nothing(engine: Engine) -> None:
    engine.hcl += OTHER
    Failing(engine, "split", 99, lambda: ZeroDivisionError("oh"))
    ran = engine.apply()
    failure = ran.failed["split.s"]
    assert failure.summary == "This is a bug in mlform"
    assert "ZeroDivisionError: oh" in failure.detail
    assert failure.tail[-1] == "ZeroDivisionError: oh"
    assert "Traceback" in Path(failure.log).read_text()
    assert {str(record.address) for record in engine.state.records} == {
        "dataset.d",
        "dataset.other",
    }
    assert engine.state.intents == ()
    assert set(ran.skipped.values()) == {"split.s failed"}


def test_what_cannot_be_cleaned_up_stays_in_the_state(engine: Engine) -> None:
    """An engine that goes away for good in the middle of a task leaves an intent, no orphan."""
    gone = threading.Event()

    class Away:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def run(self, request: object, on_event: object, cancellation: object) -> object:
            if "model" in request.command[0]:  # type: ignore[attr-defined]
                gone.set()
                raise EngineUnavailable("Docker engine cannot be reached", "Nothing answers.")
            return self._inner.run(request, on_event, cancellation)  # type: ignore[attr-defined]

        def abandon(self, owner: object) -> object:
            if gone.is_set():
                raise EngineUnavailable("Docker engine cannot be reached", "Nothing answers.")
            return self._inner.abandon(owner)  # type: ignore[attr-defined]

    engine.wrap_runtime = Away  # type: ignore[assignment]
    ran = engine.apply()
    assert ran.failed["model.m"].summary == "Docker engine cannot be reached"
    assert [str(intent.address) for intent in engine.state.intents] == ["model.m"]
    engine.wrap_runtime = lambda inner: inner
    engine.ok()
    assert engine.state.intents == ()


def test_events_of_failures_come_once(engine: Engine) -> None:
    Failing(engine, "model", 99, killed)
    ran = engine.apply()
    assert len([event for event in ran.events if isinstance(event, StepFailed)]) == 1
