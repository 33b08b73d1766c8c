"""Servers are looked at before the plan is made, several at a time, and each of them once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlform.digests import Json
from mlform.errors import EngineUnavailable
from mlform.plan.changes import Mode
from mlform.plan.reality import Look
from mlform.runtimes.base import ServerObservation
from mlform.runtimes.memory import MemoryRuntime
from mlform.tasks import Server
from tests.engine import PIPELINE, WORK, Engine, actions

COUNT = 4
SERVERS = PIPELINE.replace(
    "  port     = 8080", "  count = var.servers\n  port  = 8080 + count.index"
)
SERVERS += 'variable "servers" {\n  default = 4\n}\n'


class Watched(MemoryRuntime):
    """Counts the looks, and how many there are at the same time; may wait for company."""

    def __init__(self) -> None:
        super().__init__(WORK)
        self.meeting: threading.Barrier | None = None
        self.broken = False
        self.looks = 0
        self.at_once = 0
        self.most = 0
        self._counting = threading.Lock()

    def observe_server(
        self, server: Server, handle: Mapping[str, Json], route: Mapping[str, Json]
    ) -> ServerObservation:
        with self._counting:
            self.looks += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            if self.broken:
                raise EngineUnavailable("No engine answers", "Start it.")
            if self.meeting is not None:
                self.meeting.wait(timeout=20)
            return super().observe_server(server, handle, route)
        finally:
            with self._counting:
                self.at_once -= 1


@pytest.fixture
def runtime() -> Watched:
    return Watched()


@pytest.fixture
def engine(tmp_path: Path, runtime: Watched) -> Engine:
    engine = Engine(tmp_path).with_pipeline()
    engine.hcl = SERVERS
    engine.use(runtime)
    engine.ok()
    runtime.looks = runtime.most = 0
    return engine


@pytest.mark.parametrize("mode", list(Mode))
def test_as_many_at_a_time_as_asked_for(engine: Engine, runtime: Watched, mode: Mode) -> None:
    engine.parallelism = 2
    runtime.meeting = threading.Barrier(2)
    assert engine.plan(mode=mode).plan.drift == ()
    assert (runtime.looks, runtime.most) == (COUNT, 2)


def test_one_at_a_time(engine: Engine, runtime: Watched) -> None:
    engine.parallelism = 1
    engine.plan()
    assert (runtime.looks, runtime.most) == (COUNT, 1)


def test_what_is_wrong_is_seen(engine: Engine, runtime: Watched) -> None:
    handle = engine.record("endpoint.p[2]").handle["server"]
    assert isinstance(handle, dict)
    runtime.touch(handle, "somebody was here")
    assert actions(engine.plan().plan) == {"endpoint.p[2]": "create-delete"}
    assert runtime.looks == COUNT


def test_nothing_is_looked_at_where_nobody_asks(engine: Engine, runtime: Watched) -> None:
    engine.plan(refresh=False)
    engine.plan(mode=Mode.DESTROY, refresh=False)
    assert runtime.looks == 0


def test_looks_are_told_from_one_thread_at_a_time(engine: Engine) -> None:
    told: list[tuple[str, bool]] = []
    free = threading.Lock()

    def tell(look: Look) -> None:
        assert free.acquire(blocking=False)
        told.append((str(look.address), look.over))
        free.release()

    engine.on_look = tell
    engine.plan()
    looked = [*(f"endpoint.p[{at}]" for at in range(COUNT)), "dataset.d", "evaluation.e"]
    assert sorted(told) == sorted(
        (name, over) for name in (*looked, "model.m", "split.s") for over in (False, True)
    )
    assert all(told.index((name, False)) < told.index((name, True)) for name in looked)
    told.clear()
    engine.plan(refresh=False)
    assert told == []


def test_a_look_that_fails_is_not_over(engine: Engine, runtime: Watched) -> None:
    told: list[Look] = []
    engine.on_look = told.append
    runtime.broken = True
    engine.plan(variables={"servers": "0"})
    assert [look.over for look in told if look.address.kind == "endpoint"] == [False] * COUNT


def test_an_engine_that_is_away_matters_where_its_answer_does(
    engine: Engine, runtime: Watched
) -> None:
    runtime.broken = True
    with pytest.raises(EngineUnavailable):
        engine.plan()
    assert len(actions(engine.plan(variables={"servers": "0"}).plan)) == COUNT
    with pytest.raises(EngineUnavailable):
        engine.plan(mode=Mode.DESTROY)
    without = engine.plan(mode=Mode.DESTROY, excluded=("endpoint.p",))
    assert actions(without.plan) == {}
