"""Every action of the plan's vocabulary, with the reason that it gives."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from mlform.plan.changes import Action
from tests.engine import DATA, Engine, Looks, actions, causes, change_of


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path, monotonic=Looks()).with_pipeline()


def messages(engine: Engine, address: str) -> list[str]:
    return [reason.message for reason in change_of(engine.plan(), address).reasons]


def test_what_is_not_there_is_created(engine: Engine) -> None:
    planned = engine.plan()
    assert set(actions(planned.plan).values()) == {"create"}
    assert planned.plan.counts == (5, 0, 0)
    assert causes(change_of(planned, "model.m")) == ["new"]
    assert change_of(planned, "model.m").after_unknown


def test_nothing_changed_is_no_op(engine: Engine) -> None:
    engine.ok()
    planned = engine.plan()
    assert actions(planned.plan) == {}
    assert not planned.plan.has_changes
    assert planned.plan.steps == ()
    assert {change.action for change in planned.plan.changes} == {Action.NO_OP}


def test_changed_argument_rebuilds_and_names_it(engine: Engine) -> None:
    engine.ok()
    engine.edit("rounds = 10", "rounds = 11")
    planned = engine.plan()
    assert actions(planned.plan) == {
        "model.m": "rebuild",
        "evaluation.e": "rebuild",
        "endpoint.p": "create-delete",
    }
    model = change_of(planned, "model.m")
    assert causes(model) == ["config"]
    assert model.reasons[0].message == "algorithm.rounds changed from 10 to 11"
    assert model.reasons[0].path == ("algorithm", "rounds")
    assert not model.conditional
    assert model.expected_seconds is not None
    evaluation = change_of(planned, "evaluation.e")
    assert causes(evaluation) == ["upstream"]
    assert evaluation.reasons[0].upstream == "model.m"
    assert evaluation.conditional
    endpoint = change_of(planned, "endpoint.p")
    assert endpoint.conditional
    assert endpoint.action.terraform_actions == ("create", "delete")
    assert planned.plan.counts == (1, 2, 1)


def test_argument_set_and_removed_is_told_so(engine: Engine) -> None:
    engine.ok()
    engine.edit("rounds = 10", "rounds = 10\n    params = { depth = 3 }")
    assert messages(engine, "model.m") == ['algorithm.params set to {"depth": 3}']
    engine.ok()
    engine.edit("params = { depth = 3 }", "")
    assert messages(engine, "model.m") == ["algorithm.params removed"]


def test_known_recipe_is_reused_from_the_cache(engine: Engine) -> None:
    engine.ok()
    engine.edit("rounds = 10", "rounds = 11").ok()
    engine.edit("rounds = 11", "rounds = 10")
    planned = engine.plan()
    assert actions(planned.plan) == {
        "model.m": "reuse",
        "evaluation.e": "reuse",
        "endpoint.p": "create-delete",
    }
    model = change_of(planned, "model.m")
    assert model.reused
    assert model.after_unknown == ()
    assert not change_of(planned, "endpoint.p").conditional
    assert engine.carry_out(planned).ran == ["endpoint.p"]


def test_a_new_object_of_a_known_recipe_comes_from_the_cache(engine: Engine) -> None:
    engine.ok()
    engine.hcl += (
        engine.hcl[engine.hcl.index('resource "model"') :]
        .split("resource", 2)[1]
        .join(("resource", ""))
        .replace('"m"', '"twin"')
    )
    change = change_of(engine.plan(), "model.twin")
    assert (change.action, change.reused) == (Action.CREATE, True)
    assert engine.ok().ran == []


def test_gate_and_requirements_change_in_place(engine: Engine) -> None:
    engine.ok()
    engine.edit("min    = 0.5", "min    = 0.6").edit(
        'target = "y"', 'target = "y"\n  requirements {\n    cpus = 2\n  }'
    )
    planned = engine.plan()
    assert actions(planned.plan) == {"model.m": "update", "evaluation.e": "update"}
    assert messages(engine, "evaluation.e") == ["gate[0].min changed"]
    ran = engine.carry_out(planned)
    assert ran.ran == []
    assert ran.counts == (0, 2, 0)
    assert engine.record("evaluation.e").attributes["gate"] == [
        {"metric": "score", "min": 0.6, "max": None, "better_than": None}
    ]
    assert actions(engine.plan().plan) == {}


def test_moved_file_with_the_same_content_is_updated_in_place(engine: Engine) -> None:
    engine.ok()
    engine.file("other.csv", DATA).edit('"data.csv"', '"other.csv"')
    # The names of files inside a source are part of its fingerprint, their folder is not.
    engine.file("sub/data.csv", DATA).edit('"other.csv"', '"sub/data.csv"')
    planned = engine.plan()
    assert actions(planned.plan) == {"dataset.d": "update"}
    assert causes(change_of(planned, "dataset.d")) == ["config"]
    engine.carry_out(planned)
    assert actions(engine.plan().plan) == {}


def test_changed_source_is_drift(engine: Engine) -> None:
    engine.ok()
    engine.file("data.csv", DATA + "3,1\n")
    planned = engine.plan()
    dataset = change_of(planned, "dataset.d")
    assert dataset.action is Action.REBUILD
    assert causes(dataset) == ["drift"]
    assert [(str(item.address), item.problems) for item in planned.plan.drift] == [
        ("dataset.d", ("the source files changed",))
    ]


def test_missing_artifact_is_drift_and_nothing_else_changes(engine: Engine) -> None:
    engine.ok()
    artifact = engine.record("model.m").artifact
    assert artifact is not None
    engine.store.damage(artifact, "model.txt", None)
    planned = engine.plan()
    assert actions(planned.plan) == {"model.m": "rebuild"}
    assert causes(change_of(planned, "model.m")) == ["drift"]
    assert engine.carry_out(planned).ran == []  # rebuilt, and the same as before
    assert engine.record("model.m").artifact == artifact
    assert actions(engine.plan().plan) == {}


def test_tampered_and_dead_servers_are_replaced(engine: Engine) -> None:
    engine.ok()
    server = engine.record("endpoint.p").handle["server"]
    assert isinstance(server, dict)
    engine.runtime.touch(server, "container abc was entered at 10:02")
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p": "create-delete"}
    change = change_of(planned, "endpoint.p")
    assert causes(change) == ["drift"]
    assert change.reasons[0].message == "container abc was entered at 10:02"
    assert not change.conditional
    assert actions(engine.plan(refresh=False).plan) == {}
    assert engine.carry_out(planned).ran == ["endpoint.p"]
    engine.runtime.stop_server(engine.record("endpoint.p").handle["server"])  # type: ignore[arg-type]
    assert causes(change_of(engine.plan(), "endpoint.p")) == ["drift"]
    engine.ok()
    assert actions(engine.plan().plan) == {}


def test_another_environment_rebuilds_all_that_is_made(engine: Engine) -> None:
    engine.ok()
    later = Engine(engine.folder, engine.hcl, place=engine.place, packages={"xgboost": "9"})
    planned = later.plan(refresh=False)
    assert causes(change_of(planned, "dataset.d")) == ["environment"]
    assert causes(change_of(planned, "model.m")) == ["upstream", "environment"]
    assert not change_of(planned, "model.m").conditional


def test_changed_code_is_named(engine: Engine) -> None:
    engine.file("code/train.py", "a = 1\n").edit(
        'algorithm "xgboost" {\n    rounds = 10\n  }',
        'algorithm "python" {\n    code = "code"\n    module = "train"\n  }',
    )
    engine.ok()
    engine.file("code/train.py", "a = 2\n")
    assert causes(change_of(engine.plan(), "model.m")) == ["code"]


@pytest.mark.parametrize("address", ["model.m", "endpoint.p"])
def test_requested_replacement_runs_again(engine: Engine, address: str) -> None:
    engine.ok()
    planned = engine.plan(replaced=(address,))
    assert causes(change_of(planned, address)) == ["requested"]
    assert list(actions(planned.plan)) == [address]
    ran = engine.carry_out(planned)
    assert list(ran.finished)
    assert actions(engine.plan().plan) == {}


@pytest.mark.parametrize("address", ["model.m", "endpoint.p"])
def test_tainted_is_made_again(engine: Engine, address: str) -> None:
    engine.ok()
    engine.taint(address)
    planned = engine.plan()
    assert list(actions(planned.plan)) == [address]
    assert causes(change_of(planned, address)) == ["tainted"]
    engine.carry_out(planned)
    assert not engine.record(address).tainted
    assert actions(engine.plan().plan) == {}


def test_removed_is_deleted_after_what_used_it(engine: Engine) -> None:
    engine.ok()
    engine.hcl = engine.hcl[: engine.hcl.index('resource "evaluation"')]
    planned = engine.plan()
    assert actions(planned.plan) == {"evaluation.e": "delete", "endpoint.p": "delete"}
    assert causes(change_of(planned, "endpoint.p")) == ["removed"]
    order = [step.id for step in planned.plan.steps]
    assert order == ["delete endpoint.p", "delete evaluation.e"]
    assert engine.carry_out(planned).counts == (0, 0, 2)
    assert engine.runtime.running() == ()
    assert engine.outputs() == {}


def test_sensitive_arguments_are_named_without_their_value(engine: Engine) -> None:
    engine.hcl += 'variable "key" {\n  sensitive = true\n}\n'
    engine.edit("port     = 8080", 'port     = 8080\n  env = { KEY = var.key, MODE = "a" }')
    engine.carry_out(engine.plan(variables={"key": "first"}))
    planned = engine.plan(variables={"key": "second"})
    change = change_of(planned, "endpoint.p")
    assert [reason.message for reason in change.reasons] == ["env.KEY changed"]
    assert ("env", "KEY") in change.after_sensitive
    assert engine.record("endpoint.p").sensitive == (("env", "KEY"),)


def test_nested_sensitive_parameters_stay_hidden(engine: Engine) -> None:
    engine.hcl += 'variable "seed" {\n  sensitive = true\n}\n'
    engine.edit("rounds = 10", "rounds = 10\n    params = { seed = var.seed }")
    engine.carry_out(engine.plan(variables={"seed": "secret-one"}))
    planned = engine.plan(variables={"seed": "secret-two"})
    text = " ".join(reason.message for reason in change_of(planned, "model.m").reasons)
    assert text == "algorithm.params.seed changed"


def test_last_durations_add_up_along_the_critical_path(engine: Engine) -> None:
    engine.ok()
    engine.edit("rounds = 10", "rounds = 11")
    plan = engine.plan().plan
    assert plan.critical_path[0] == "model.m"
    assert plan.expected_seconds is not None
    assert plan.expected_seconds > 0


def ticking(engine: Engine) -> None:
    """Let a second pass with each look at the clock."""
    ticks = itertools.count()
    engine.monotonic = lambda: float(next(ticks))


def test_durations_are_those_of_what_may_run(engine: Engine) -> None:
    ticking(engine)
    engine.hcl += 'resource "mlform_data" "v" {\n  input = model.m.digest\n}\n'
    engine.ok()
    took = {str(item.address): item.provenance.duration for item in engine.state.records}
    engine.edit("port     = 8080", "port     = 8081")
    plan = engine.plan().plan
    assert (plan.critical_path, plan.expected_seconds) == (("endpoint.p",), took["endpoint.p"])
    engine.edit("rounds = 10", "rounds = 11")
    planned = engine.plan()
    chain = ("model.m", "evaluation.e", "endpoint.p")
    assert planned.plan.critical_path == chain
    assert planned.plan.expected_seconds == sum(took[name] for name in chain)
    assert change_of(planned, "evaluation.e").conditional
    engine.carry_out(planned)
    engine.edit("rounds = 11", "rounds = 10")
    planned = engine.plan()
    assert change_of(planned, "model.m").expected_seconds is None
    assert planned.plan.critical_path == ("endpoint.p",)


def test_what_never_ran_has_no_duration(engine: Engine) -> None:
    ticking(engine)
    engine.ok()
    state = engine.state
    engine.write(
        replace(
            state,
            objects={key: item for key, item in state.objects.items() if key[0].kind == "endpoint"},
        )
    )
    engine.ok()
    assert engine.record("model.m").provenance.reused
    engine.edit("rounds = 10", "rounds = 11")
    planned = engine.plan()
    assert change_of(planned, "model.m").expected_seconds is None
    assert planned.plan.critical_path == ("endpoint.p",)
