"""How a plan is carried out: cut-off, failures, gates, interrupts, refusals."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlform.apply.events import Event, Interrupted, StepFinished, StepStarted
from mlform.apply.stop import Stop
from mlform.digests import Json
from mlform.errors import PlanStale
from mlform.operations.results import Planned
from mlform.operations.saved_plans import load_plan, save_plan
from mlform.plan.changes import Mode
from mlform.runtimes.memory import MemoryRuntime, MemoryWork
from mlform.tasks import Server
from tests.engine import DATA, Engine, Gate, Ran, actions, change_of


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path).with_pipeline()


def serving(engine: Engine) -> str | None:
    return engine.runtime.answering("127.0.0.1", 8080)


# Early cut-off


def test_same_digest_leaves_dependents_alone(engine: Engine) -> None:
    engine.ok()
    before, server = engine.record("model.m"), serving(engine)
    engine.file("data.csv", DATA + "# a note\n")
    planned = engine.plan()
    assert set(actions(planned.plan)) == {
        "dataset.d",
        "split.s",
        "model.m",
        "evaluation.e",
        "endpoint.p",
    }
    assert all(change_of(planned, name).conditional for name in ("split.s", "model.m"))
    ran = engine.carry_out(planned)
    assert ran.finished["rebuild dataset.d"].unchanged
    assert ran.ran == []
    assert ran.counts == (0, 1, 0)
    assert engine.record("model.m") == before
    assert serving(engine) == server
    assert engine.runtime.running() == (server,)
    assert actions(engine.plan().plan) == {}


def test_cut_off_half_way_down(engine: Engine) -> None:
    engine.edit("rounds = 10", "rounds = 10\n    params = { depth = 97 }").ok()
    server = serving(engine)
    engine.edit("depth = 97", "depth = 98")
    ran = engine.ok()
    assert ran.ran == []  # the model was trained, to the same bytes
    assert ran.finished["rebuild model.m"].unchanged
    assert ran.counts == (0, 1, 0)
    assert serving(engine) == server


# Failures


def test_failure_leaves_independent_branches_to_finish(engine: Engine) -> None:
    engine.hcl += """
resource "model" "other" {
  split  = split.s
  target = "y"
  algorithm "xgboost" {}
}
"""
    engine.edit("rounds = 10", "rounds = 10\n    params = { depth = 99 }")
    ran = engine.apply()
    assert list(ran.failed) == ["model.m"]
    failure = ran.failed["model.m"]
    assert (failure.summary, failure.detail) == ("Too deep", "A depth of 99 is too much.")
    assert Path(failure.log).read_text() == "out of depth\n"
    assert ran.skipped == {"evaluation.e": "model.m failed", "endpoint.p": "model.m failed"}
    assert engine.record("model.other").artifact is not None
    assert engine.state.intents == ()
    assert engine.outputs() == {}
    engine.edit("depth = 99", "depth = 9")
    assert engine.ok().ran == ["endpoint.p", "evaluation.e", "model.m"]


def test_failure_among_many_instances_skips_what_waits_for_all_of_them(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "seed" {
  input = 7
}
resource "mlform_data" "many" {
  count = 20
  input = count.index
  lifecycle {
    precondition {
      condition     = mlform_data.seed.output != count.index
      error_message = "Not this one."
    }
  }
}
resource "mlform_data" "user" {
  count = 20
  input = mlform_data.many[count.index].output
}
"""
    ran = engine.apply()
    assert list(ran.failed) == ["mlform_data.many[7]"]
    assert ran.skipped == {
        f"mlform_data.user[{key}]": "mlform_data.many[7] failed" for key in range(20)
    }
    assert ran.counts == (20, 0, 0)
    engine.edit("input = 7", "input = 77")
    assert engine.ok().counts == (21, 1, 0)
    assert engine.plan().plan.steps == ()


def test_failed_rebuild_keeps_the_old_object_and_its_endpoint(engine: Engine) -> None:
    engine.ok()
    before, server = engine.record("model.m"), serving(engine)
    engine.edit("rounds = 10", "rounds = 10\n    params = { depth = 99 }")
    engine.apply()
    assert engine.record("model.m") == before
    assert serving(engine) == server
    assert engine.outputs() == {"score": 1}


def test_full_disk_of_a_task_is_a_failure_like_any_other(engine: Engine) -> None:
    def full(work: MemoryWork) -> Mapping[str, Json]:
        raise OSError(28, "No space left on device", str(work.artifact))

    engine.hcl += 'resource "mlform_data" "n" {}\n'
    engine.rework("split", full)
    ran = engine.apply()
    assert ran.failed["split.s"].summary == "Working files cannot be read or written"
    assert "No space left on device" in ran.failed["split.s"].detail
    assert {str(record.address) for record in engine.state.records} == {
        "dataset.d",
        "mlform_data.n",
    }
    assert engine.state.intents == ()


# Gates


def test_failed_gate_is_recorded_and_blocks_the_endpoint(engine: Engine) -> None:
    engine.ok()
    server = serving(engine)
    engine.file("data.csv", DATA + "score=0.25,\n")
    ran = engine.apply()
    assert ran.failed["evaluation.e"].summary == "Gate not passed"
    assert "score is 0.25, the gate asks for at least 0.5" in ran.failed["evaluation.e"].detail
    assert ran.skipped == {"endpoint.p": "evaluation.e failed"}
    assert engine.record("evaluation.e").attributes["passed"] is False
    assert serving(engine) == server
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p": "create-delete"}
    assert [item.summary for item in planned.plan.warnings] == ["Gate not passed"]
    again = engine.carry_out(planned)
    assert again.failed["endpoint.p"].summary == "Gate not passed"
    assert serving(engine) == server
    engine.edit("min    = 0.5", "min    = 0.2")
    assert engine.ok().ran == ["endpoint.p"]
    assert serving(engine) not in {None, server}
    assert actions(engine.plan().plan) == {}


def test_requirements_of_an_endpoint_change_in_place(engine: Engine) -> None:
    engine.ok()
    server = serving(engine)
    engine.edit("requires = [evaluation.e]", "requires = []")
    ran = engine.ok()
    assert actions(ran.planned.plan) == {"endpoint.p": "update"}
    assert serving(engine) == server
    assert engine.runtime.running() == (server,)


# Endpoints


def test_new_server_answers_before_the_old_one_stops(engine: Engine) -> None:
    engine.ok()
    old = serving(engine)
    engine.edit("rounds = 10", "rounds = 11")
    ran = engine.ok()
    names = [
        f"{event.operation.value} {event.address}"
        for event in ran.events
        if isinstance(event, StepFinished)
    ]
    assert names.index("create endpoint.p") < names.index("delete endpoint.p")
    assert serving(engine) not in {None, old}
    assert engine.runtime.running() == (serving(engine),)
    assert (engine.record("endpoint.p").attributes["url"]) == "http://127.0.0.1:8080"


def test_server_that_fails_its_self_test_changes_nothing(engine: Engine) -> None:
    from mlform.errors import ServerFailed

    refusing = threading.Event()

    def self_test(server: Server, model: Path) -> None:
        del model
        if refusing.is_set():
            raise ServerFailed("Self-test failed", f"{server.name} scores otherwise")

    engine.use(MemoryRuntime(engine.work, self_test=self_test))
    engine.ok()
    old = serving(engine)
    refusing.set()
    engine.edit("rounds = 10", "rounds = 11")
    ran = engine.apply()
    assert ran.failed["endpoint.p"].summary == "Self-test failed"
    assert serving(engine) == old
    assert engine.runtime.running() == (old,)
    refusing.clear()
    engine.ok()
    assert serving(engine) not in {None, old}


def test_moved_port_closes_the_old_one(engine: Engine) -> None:
    engine.ok()
    engine.edit("8080", "8081").ok()
    assert serving(engine) is None
    assert engine.runtime.answering("127.0.0.1", 8081) == engine.runtime.running()[0]


# Interrupts


def started(engine: Engine, gate: Gate, stop: Stop) -> tuple[threading.Thread, list[Ran]]:
    done: list[Ran] = []
    planned = engine.plan()
    thread = threading.Thread(target=lambda: done.append(engine.carry_out(planned, stop)))
    thread.start()
    assert gate.reached.wait(10)
    return thread, done


def test_first_interrupt_lets_finish_what_runs(engine: Engine) -> None:
    gate, stop = Gate(), Stop()
    engine.work["split"] = gate.before(engine.work["split"])
    thread, done = started(engine, gate, stop)
    stop.request()
    gate.open()
    thread.join(10)
    ran = done[0]
    assert ran.applied.interrupted
    assert ran.failed == {}
    assert ran.skipped == dict.fromkeys(("model.m", "evaluation.e", "endpoint.p"), "interrupted")
    assert engine.record("split.s").artifact is not None
    assert engine.state.intents == ()
    assert Interrupted(now=False) in ran.events
    assert engine.ok().ran == ["endpoint.p", "evaluation.e", "model.m"]


def test_second_interrupt_stops_what_runs(engine: Engine) -> None:
    gate, stop = Gate(), Stop()
    engine.work["split"] = gate.before(engine.work["split"])
    thread, done = started(engine, gate, stop)
    stop.request()
    stop.request_now()
    thread.join(10)
    ran = done[0]
    assert ran.applied.interrupted
    assert ran.failed["split.s"].summary == "Task cancelled"
    assert Interrupted(now=True) in ran.events
    assert engine.state.intents == ()
    assert [str(record.address) for record in engine.state.records] == ["dataset.d"]
    gate.open()
    engine.ok()
    assert actions(engine.plan().plan) == {}


# Order and parallelism


def test_independent_steps_run_at_the_same_time(tmp_path: Path) -> None:
    engine = Engine(tmp_path, parallelism=4).file("data.csv", DATA)
    meeting = threading.Barrier(3, timeout=10)
    inner = engine.work["dataset"]

    def meet(work: MemoryWork) -> Mapping[str, Json]:
        meeting.wait()
        return inner(work)

    engine.work["dataset"] = meet
    engine.hcl = "".join(
        f'resource "dataset" "d{at}" {{\n  limit = {at + 1}\n  source "file" {{\n'
        '    path = "data.csv"\n  }\n}\n'
        for at in range(3)
    )
    assert engine.ok().counts == (3, 0, 0)


def test_events_are_told_in_order_and_once(engine: Engine) -> None:
    engine.hcl += 'resource "mlform_data" "n" {\n  count = 250\n}\n'
    ran = engine.ok()

    def of(kind: type[Event]) -> list[str]:
        return [str(item.address) for item in ran.events if isinstance(item, kind)]  # type: ignore[union-attr]

    assert sorted(of(StepStarted)) == sorted(of(StepFinished))
    assert len(of(StepFinished)) == 255
    at = {name: place for place, name in enumerate(of(StepFinished))}
    assert at["dataset.d"] < at["split.s"] < at["model.m"] < at["evaluation.e"] < at["endpoint.p"]


# Plans that do not hold any more


def test_state_that_moved_is_refused(engine: Engine) -> None:
    planned = engine.plan()
    engine.ok()
    assert "from no state, and now there is one of serial 1." in _refusal(engine, planned)
    engine.edit("rounds = 10", "rounds = 11")
    planned = engine.plan()
    engine.edit("rounds = 11", "rounds = 12").ok()
    assert "serial 1 of the state, now it is serial 2: something" in _refusal(engine, planned)


def test_a_plan_for_another_state_is_refused(engine: Engine) -> None:
    engine.ok()
    planned = engine.plan(replaced=("model.m",))
    assert engine.place.snapshot is not None
    own = engine.place.snapshot
    lineage = f'"{planned.plan.basis.lineage}"'.encode()
    engine.place.snapshot = own.replace(lineage, b'"another"')
    assert engine.place.snapshot != own
    assert "their lineages differ" in _refusal(engine, planned)
    engine.place.snapshot = None
    assert "serial 1 of a state, and here is no state" in _refusal(engine, planned)


def _refusal(engine: Engine, planned: Planned) -> str:
    with pytest.raises(PlanStale, match="Saved plan is stale") as caught:
        engine.carry_out(planned)
    assert "Nothing was done." in caught.value.detail
    return caught.value.detail


def test_state_edited_under_the_same_serial_is_refused(engine: Engine) -> None:
    engine.ok()
    planned = engine.plan(replaced=("model.m",))
    assert engine.place.snapshot is not None
    engine.place.snapshot = engine.place.snapshot.replace(b"somebody@", b"nobody@")
    with pytest.raises(PlanStale):
        engine.carry_out(planned)


@pytest.mark.parametrize("dependent", [False, True])
def test_source_that_changed_after_the_plan_is_refused(
    engine: Engine,
    dependent: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    engine.file("code/train.py", "a = 1\n").edit(
        'algorithm "xgboost" {\n    rounds = 10\n  }',
        'algorithm "python" {\n    code = "code"\n    module = "train"\n  }',
    )
    planned = engine.plan()
    engine.file(*(("code/train.py", "a = 2\n") if dependent else ("data.csv", DATA + "9,9\n")))
    ran = engine.carry_out(planned)
    assert list(ran.failed) == ["model.m" if dependent else "dataset.d"]
    assert next(iter(ran.failed.values())).summary == "Changed since the plan was made"


def test_saved_plan_does_what_it_says(engine: Engine, tmp_path: Path) -> None:
    engine.file("code/train.py", "a = 1\n")
    planned = engine.plan()
    path = tmp_path / "plan"
    save_plan(planned, path)
    assert path.stat().st_mode & 0o777 == 0o600
    loaded = load_plan(engine.environment([]), path)
    assert loaded.plan == planned.plan
    engine.hcl = 'resource "mlform_data" "else" {}\n'
    engine.file("main.mlf.hcl", engine.hcl)
    ran = engine.carry_out(loaded)
    assert ran.counts == (5, 0, 0)
    with pytest.raises(PlanStale):
        engine.carry_out(load_plan(engine.environment([]), path))


def test_apply_without_changes_writes_nothing(engine: Engine) -> None:
    engine.ok()
    before = engine.place.snapshot
    assert engine.ok().counts == (0, 0, 0)
    assert engine.place.snapshot is before


# Outputs and secrets


def test_outputs_come_change_and_go(engine: Engine) -> None:
    engine.ok()
    engine.hcl += 'output "rows" { value = dataset.d.rows }\n'
    planned = engine.plan()
    assert planned.plan.has_changes
    assert planned.plan.outputs["rows"].action.value == "create"
    engine.carry_out(planned)
    assert engine.outputs() == {"score": 1, "rows": 2}
    engine.hcl = engine.hcl.replace('output "rows" { value = dataset.d.rows }\n', "")
    assert engine.plan().plan.outputs["rows"].action.value == "delete"
    engine.ok()
    assert engine.outputs() == {"score": 1}


def test_sensitive_outputs_must_say_so(engine: Engine) -> None:
    engine.hcl = """
variable "key" {
  sensitive = true
}
resource "mlform_data" "a" {
  input = var.key
}
output "key" {
  value = mlform_data.a.input
}
"""
    problem = engine.problem(variables={"key": "k"})
    assert problem.summary == "Output refers to sensitive values"
    assert problem.range is not None
    assert problem.range.text == "mlform_data.a.input"
    engine.edit("value = mlform_data.a.input", "value = mlform_data.a.input\n  sensitive = true")
    engine.ok(variables={"key": "k"})
    assert engine.state.outputs["key"].sensitive
    change = change_of(engine.plan(variables={"key": "l"}), "mlform_data.a")
    assert change.before_sensitive == change.after_sensitive == (("input",), ("output",))


def test_all_outputs_go_with_everything(engine: Engine) -> None:
    engine.ok()
    ran = engine.apply(mode=Mode.DESTROY)
    assert ran.planned.plan.outputs["score"].action.value == "delete"
    assert engine.outputs() == {}
    assert engine.runtime.running() == ()
