"""Replacing, renaming and moving endpoints: somebody always answers, unless nobody can."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mlform.apply.events import StepFinished
from mlform.errors import ServerFailed
from mlform.runtimes.memory import MemoryRuntime
from mlform.tasks import Server
from tests.engine import Engine, Ran, actions

ENDPOINT = """
resource "endpoint" "NAME" {
  model = model.m
  port  = PORT
}
"""


def endpoint(name: str, port: int) -> str:
    return ENDPOINT.replace("NAME", name).replace("PORT", str(port))


class Listener:
    """A runtime that knows who answered at each address after every call, and may refuse."""

    def __init__(self, inner: MemoryRuntime) -> None:
        self._inner = inner
        self.refused: set[str] = set()
        self.answered: dict[int, list[str | None]] = {}

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if name not in {"start_server", "switch", "stop_server", "close_route"}:
            return found

        def called(*given: object) -> object:
            result = found(*given)
            for port in (8080, 8081):
                self.answered.setdefault(port, []).append(self._inner.answering("127.0.0.1", port))
            return result

        return called


class Refusing(MemoryRuntime):
    """A runtime in which servers of some names never become ready."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.work, self_test=self.test)
        self.refused: set[str] = set()

    def test(self, server: Server, model: Path) -> None:
        """Fail where that is wanted."""
        del model
        if server.name in self.refused:
            raise ServerFailed("Self-test failed", f"{server.name} scores otherwise")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path).with_pipeline()
    begin, end = made.hcl.index('resource "endpoint"'), made.hcl.index("output")
    made.hcl = made.hcl[:begin] + made.hcl[end:]
    made.use(Refusing(made))
    return made


def answering(engine: Engine, port: int = 8080) -> str | None:
    return engine.runtime.answering("127.0.0.1", port)


def instance(engine: Engine, address: str) -> str:
    server = engine.record(address).handle["server"]
    assert isinstance(server, Mapping)
    return str(server["instance"])


def listen(engine: Engine) -> Listener:
    found = Listener(engine.runtime)
    engine.wrap_runtime = lambda inner: found  # type: ignore[return-value, assignment] # noqa: ARG005
    return found


def finished(ran: Ran) -> list[str]:
    return [
        f"{event.operation.value} {event.address}"
        for event in ran.events
        if isinstance(event, StepFinished) and event.address.kind == "endpoint"
    ]


def test_a_renamed_endpoint_is_never_away(engine: Engine) -> None:
    engine.hcl += endpoint("old", 8080)
    engine.ok()
    listener = listen(engine)
    engine.hcl = engine.hcl.replace('"endpoint" "old"', '"endpoint" "new"')
    ran = engine.ok()
    assert finished(ran) == ["create endpoint.new", "delete endpoint.old"]
    assert None not in listener.answered[8080]
    assert answering(engine) == instance(engine, "endpoint.new")
    assert engine.runtime.running() == (instance(engine, "endpoint.new"),)
    assert actions(engine.plan().plan) == {}
    # And the name is free for another one.
    engine.hcl += endpoint("old", 8081)
    engine.ok()
    assert answering(engine, 8081) == instance(engine, "endpoint.old")
    assert answering(engine) == instance(engine, "endpoint.new")


def test_a_renamed_endpoint_that_fails_leaves_the_old_one(engine: Engine) -> None:
    engine.hcl += endpoint("old", 8080)
    engine.ok()
    before = instance(engine, "endpoint.old")
    runtime = engine.runtime
    assert isinstance(runtime, Refusing)
    runtime.refused.add("new")
    engine.hcl = engine.hcl.replace('"endpoint" "old"', '"endpoint" "new"')
    ran = engine.apply()
    assert list(ran.failed) == ["endpoint.new"]
    assert ran.skipped == {"endpoint.old": "endpoint.new failed"}
    assert answering(engine) == before
    runtime.refused.clear()
    engine.ok()
    assert engine.runtime.running() == (instance(engine, "endpoint.new"),)


def test_other_keys_take_over_the_url(engine: Engine) -> None:
    engine.hcl += endpoint("p", 8080).replace("  model", '  for_each = toset(["a"])\n  model')
    engine.ok()
    listener = listen(engine)
    engine.edit('["a"]', '["b"]')
    engine.ok()
    assert None not in listener.answered[8080]
    assert answering(engine) == instance(engine, 'endpoint.p["b"]')
    assert actions(engine.plan().plan) == {}


def test_count_comes_and_goes_without_a_new_server(engine: Engine) -> None:
    engine.hcl += endpoint("p", 8080)
    engine.ok()
    server = answering(engine)
    engine.edit("  port  = 8080\n", "  port  = 8080 + count.index\n  count = 1\n")
    ran = engine.ok()
    assert ran.ran == []
    assert answering(engine) == server
    engine.edit(
        "  port  = 8080 + count.index\n  count = 1\n", "  port  = 8080 + count.index\n  count = 2\n"
    )
    engine.ok()
    assert answering(engine) == server
    assert answering(engine, 8081) == instance(engine, "endpoint.p[1]")


def test_two_endpoints_swap_their_ports(engine: Engine) -> None:
    engine.hcl += endpoint("a", 8080) + endpoint("b", 8081)
    engine.ok()
    engine.hcl = engine.hcl.replace("8080", "0000").replace("8081", "8080").replace("0000", "8081")
    engine.ok()
    assert answering(engine, 8081) == instance(engine, "endpoint.a")
    assert answering(engine, 8080) == instance(engine, "endpoint.b")
    assert len(engine.runtime.running()) == 2
    assert actions(engine.plan().plan) == {}


def test_an_endpoint_moves_to_the_port_of_one_that_goes(engine: Engine) -> None:
    engine.hcl += endpoint("a", 8080) + endpoint("b", 8081)
    engine.ok()
    listener = listen(engine)
    engine.hcl = engine.hcl.replace(endpoint("b", 8081), "").replace("= 8080", "= 8081")
    engine.ok()
    assert answering(engine, 8081) == instance(engine, "endpoint.a")
    assert answering(engine, 8080) is None
    # Its gateway has to let go of the port before that of the other one can take it.
    assert listener.answered[8081].count(None) == 1


@pytest.mark.parametrize("again", ["replace", "tainted", "config"])
def test_the_new_one_comes_first_whatever_the_reason(engine: Engine, again: str) -> None:
    engine.hcl += endpoint("p", 8080)
    engine.ok()
    listener = listen(engine)
    if again == "config":
        engine.edit("  port  = 8080\n", "  port  = 8080\n  max_rows = 5\n")
    elif again == "tainted":
        engine.taint("endpoint.p")
    ran = engine.apply(replaced=("endpoint.p",) if again == "replace" else ())
    assert not ran.failed
    assert finished(ran) == ["create endpoint.p", "delete endpoint.p"]
    assert None not in listener.answered[8080]


def test_who_asks_for_an_outage_is_warned(engine: Engine) -> None:
    engine.hcl += endpoint("p", 8080)
    engine.edit(
        "  port  = 8080\n",
        "  port  = 8080\n  lifecycle {\n    create_before_destroy = false\n  }\n",
    )
    engine.ok()
    assert engine.plan().plan.warnings == ()
    engine.edit("  port  = 8080\n", "  port  = 8080\n  max_rows = 5\n")
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p": "delete-create"}
    (warning,) = planned.plan.warnings
    assert warning.summary == "Endpoint is stopped before it is replaced"
    assert warning.address == "endpoint.p"
    assert finished(engine.carry_out(planned)) == ["delete endpoint.p", "create endpoint.p"]
