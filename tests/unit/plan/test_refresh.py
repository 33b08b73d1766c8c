"""`-refresh-only`: what changed outside goes into the state; the next plan goes on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlform.digests import Digest, Json
from mlform.plan.changes import Action, Mode
from mlform.state.snapshot import ResourceRecord
from tests.engine import DATA, Engine, Ran, actions, causes, change_of, read_back


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine(tmp_path).with_pipeline()
    engine.hcl += 'output "url" { value = endpoint.p.url }\n'
    engine.ok()
    return engine


def refresh(engine: Engine) -> Ran:
    """Plan a refresh, look at it as a saved plan would, and carry it out."""
    planned = engine.plan(mode=Mode.REFRESH_ONLY)
    assert read_back(planned.plan) == planned.plan
    assert actions(planned.plan) == {}
    assert planned.plan.steps == ()
    ran = engine.carry_out(planned)
    assert ran.events == []
    assert ran.counts == (0, 0, 0)
    return ran


def lose(engine: Engine, address: str) -> Digest:
    """Take the artifact of an object out of the store."""
    artifact = engine.record(address).artifact
    assert artifact is not None
    for path in engine.store.get(artifact).iterdir():
        engine.store.damage(artifact, path.name, None)
    return artifact


def drift(ran: Ran) -> dict[str, Action]:
    return {str(item.address): item.action for item in ran.planned.plan.drift}


def server(engine: Engine) -> dict[str, Json]:
    handle = engine.record("endpoint.p").handle["server"]
    assert isinstance(handle, dict)
    return handle


def test_nothing_changed(engine: Engine) -> None:
    before = engine.state
    ran = refresh(engine)
    assert not ran.planned.plan.has_changes
    assert engine.state == before


def test_a_touched_server_is_tainted_and_replaced_by_the_next_apply(engine: Engine) -> None:
    engine.runtime.touch(server(engine), "somebody was in it")
    ran = refresh(engine)
    assert drift(ran) == {"endpoint.p": Action.UPDATE}
    assert ran.planned.plan.drift[0].problems == ("somebody was in it",)
    record = engine.record("endpoint.p")
    assert (record.tainted, record.attributes["status"]) == (True, "changed")
    assert engine.runtime.answering("127.0.0.1", 8080) == server(engine)["instance"]
    assert not engine.plan(mode=Mode.REFRESH_ONLY).plan.has_changes
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p": "create-delete"}
    assert causes(change_of(planned, "endpoint.p")) == ["tainted", "drift"]
    assert planned.plan.drift == ()
    assert actions(engine.plan(refresh=False).plan) == {"endpoint.p": "create-delete"}
    engine.ok()
    record = engine.record("endpoint.p")
    assert (record.tainted, record.attributes["status"]) == (False, "serving")
    assert not engine.plan().plan.has_changes


def test_a_stopped_server_whose_gateway_is_there_is_not_forgotten(engine: Engine) -> None:
    engine.runtime.stop_server(server(engine))
    assert drift(refresh(engine)) == {"endpoint.p": Action.UPDATE}
    assert engine.record("endpoint.p").tainted


def test_a_server_of_which_nothing_is_left_leaves_the_state(engine: Engine) -> None:
    gone(engine)
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p": "create-delete"}
    assert [item.action for item in planned.plan.drift] == [Action.DELETE]
    ran = refresh(engine)
    assert drift(ran) == {"endpoint.p": Action.DELETE}
    assert "url" not in engine.outputs()
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p": "create"}
    engine.carry_out(planned)
    assert engine.outputs()["url"] == "http://127.0.0.1:8080"
    assert not engine.plan().plan.has_changes


def gone(engine: Engine) -> None:
    engine.runtime.stop_server(server(engine))
    route = engine.record("endpoint.p").handle["route"]
    assert isinstance(route, dict)
    engine.runtime.close_route(route)


def test_an_artifact_that_is_missing_leaves_the_state_and_is_made_again(engine: Engine) -> None:
    artifact = lose(engine, "model.m")
    ran = refresh(engine)
    assert drift(ran) == {"model.m": Action.DELETE}
    assert [str(record.address) for record in engine.state.records] == [
        "dataset.d",
        "endpoint.p",
        "evaluation.e",
        "split.s",
    ]
    planned = engine.plan()
    assert actions(planned.plan)["model.m"] == "create"
    done = engine.carry_out(planned)
    assert done.ran == ["model.m"]  # the same artifact, so that nothing follows
    assert engine.record("model.m").artifact == artifact
    assert not engine.plan().plan.has_changes


def test_what_comes_back_to_the_store_is_taken_from_there(engine: Engine) -> None:
    elsewhere = Engine(engine.folder, engine.hcl, place=engine.place)
    elsewhere.use(engine.runtime)
    assert set(drift(refresh(elsewhere))) == {"dataset.d", "split.s", "model.m", "evaluation.e"}
    planned = engine.plan()
    assert {
        str(item.address): item.reused
        for item in planned.plan.changes
        if item.action is not Action.NO_OP
    } == {
        "dataset.d": True,
        "split.s": True,
        "model.m": True,
        "evaluation.e": True,
    }
    assert engine.carry_out(planned).ran == []
    assert not engine.plan().plan.has_changes


def test_a_server_that_is_fine_again_says_so(engine: Engine) -> None:
    engine.runtime.touch(server(engine), "somebody was in it")
    refresh(engine)
    state = engine.state
    record = engine.record("endpoint.p")
    objects = {**state.objects, (record.address, ""): replace(record, tainted=False)}
    engine.write(replace(state, objects=objects))
    engine.runtime.mend(server(engine))
    assert drift(refresh(engine)) == {"endpoint.p": Action.UPDATE}
    assert engine.record("endpoint.p").attributes["status"] == "serving"


def test_edits_are_left_alone_and_outputs_follow_the_state(engine: Engine) -> None:
    engine.edit("rounds = 10", "rounds = 20")
    engine.hcl += (
        'output "rounds" { value = model.m.algorithm.rounds }\n'
        'output "more" { value = mlform_data.later.id }\n'
        'output "partly" { value = [1, mlform_data.later.id] }\n'
        'resource "mlform_data" "later" {}\n'
        'resource "mlform_data" "many" {\n  count = 2\n}\n'
        'output "many" { value = mlform_data.many[*].id }\n'
        'output "fixed" {\n  value = sensitive("s")\n  sensitive = true\n}\n'
    )
    engine.file("data.csv", "x,y\n5,5\n")
    before = engine.record("model.m")
    refresh(engine)
    assert engine.record("model.m") == before
    assert engine.outputs() == {
        "score": 1.0,
        "url": "http://127.0.0.1:8080",
        "rounds": 10,
        "fixed": "s",
        "many": [],
    }
    assert engine.state.outputs["fixed"].sensitive
    assert engine.plan().plan.has_changes


def test_moves_are_carried_out_and_imports_are_not(engine: Engine) -> None:
    engine.hcl = engine.hcl.replace('"split" "s"', '"split" "t"').replace("split.s", "split.t")
    engine.hcl += "moved {\n  from = split.s\n  to   = split.t\n}\n"
    engine.hcl += 'resource "mlform_data" "n" {}\n'
    engine.hcl += 'import {\n  to = mlform_data.n\n  id = "x"\n}\n'
    ran = refresh(engine)
    assert drift(ran) == {"split.t": Action.NO_OP}
    assert str(ran.planned.plan.drift[0].previous_address) == "split.s"
    assert engine.record("split.t").attributes["address"] == "split.t"
    assert actions(engine.plan().plan) == {}
    assert engine.plan().plan.imports != ()


def test_targets_and_exclusions_limit_what_is_looked_at(engine: Engine) -> None:
    lose(engine, "dataset.d")
    lose(engine, "model.m")
    planned = engine.plan(mode=Mode.REFRESH_ONLY, targets=("split.s",))
    assert [str(item.address) for item in planned.plan.drift] == ["dataset.d"]
    planned = engine.plan(mode=Mode.REFRESH_ONLY, excluded=("split.s",))
    assert [str(item.address) for item in planned.plan.drift] == ["dataset.d"]
    engine.carry_out(planned)
    assert engine.outputs() == {"score": 1.0, "url": "http://127.0.0.1:8080"}


def test_deposed_objects_are_looked_at_too(engine: Engine) -> None:
    state, record = engine.state, engine.record("endpoint.p")
    old: ResourceRecord = replace(
        record, handle={**record.handle, "server": {"runtime": "memory", "instance": "old"}}
    )
    engine.write(replace(state, objects={**state.objects, (record.address, "00000009"): old}))
    ran = refresh(engine)
    assert [(item.deposed, item.action) for item in ran.planned.plan.drift] == [
        ("00000009", Action.DELETE)
    ]
    assert engine.state.deposed == ()


# Before everything is destroyed

TABLE = 'resource "dataset" "d" {\n  source "file" {\n    path = "data.csv"\n  }\n}\n'


def destroy(engine: Engine, *targets: str) -> Ran:
    planned = engine.plan(mode=Mode.DESTROY, targets=targets)
    assert read_back(planned.plan) == planned.plan
    return engine.carry_out(planned)


def test_what_is_gone_already_is_not_destroyed(engine: Engine) -> None:
    lose(engine, "evaluation.e")
    ran = destroy(engine)
    assert drift(ran) == {"evaluation.e": Action.DELETE}
    assert "evaluation.e" not in actions(ran.planned.plan)
    assert ran.counts == (0, 0, 4)
    assert dict(engine.state.objects) == {}
    assert engine.outputs() == {}


def test_where_all_is_gone_the_state_is_told_so_although_nothing_is_destroyed(
    tmp_path: Path,
) -> None:
    engine = Engine(tmp_path, TABLE).file("data.csv", DATA)
    engine.ok()
    lose(engine, "dataset.d")
    ran = destroy(engine)
    assert drift(ran) == {"dataset.d": Action.DELETE}
    assert not ran.planned.plan.has_changes
    assert ran.counts == (0, 0, 0)
    assert engine.state.objects == {}


@pytest.mark.parametrize("mode", [Mode.DESTROY, Mode.REFRESH_ONLY])
def test_of_a_server_that_is_gone_no_note_is_left(engine: Engine, mode: Mode) -> None:
    notes = engine.folder / ".mlform" / "served"
    assert len(list(notes.iterdir())) == 1
    gone(engine)
    ran = engine.apply(mode=mode)
    assert drift(ran) == {"endpoint.p": Action.DELETE}
    assert list(notes.iterdir()) == []


def test_a_touched_server_is_shown_and_destroyed(engine: Engine) -> None:
    engine.runtime.touch(server(engine), "somebody was here")
    ran = destroy(engine)
    (found,) = ran.planned.plan.drift
    assert (found.action, found.problems) == (Action.UPDATE, ("somebody was here",))
    assert change_of(ran.planned, "endpoint.p").action is Action.DELETE
    assert engine.runtime.running() == ()
    assert engine.state.objects == {}


def test_only_what_is_to_be_destroyed_is_looked_at(engine: Engine) -> None:
    lose(engine, "evaluation.e")
    lose(engine, "dataset.d")
    ran = destroy(engine, "model.m")
    assert drift(ran) == {"evaluation.e": Action.DELETE}
    assert set(actions(ran.planned.plan)) == {"model.m", "endpoint.p"}
    assert {str(record.address) for record in engine.state.records} == {"dataset.d", "split.s"}
    without_looking = engine.plan(mode=Mode.DESTROY, refresh=False)
    assert without_looking.plan.drift == ()
    assert set(actions(without_looking.plan)) == {"dataset.d", "split.s"}


def test_what_depended_on_something_that_is_gone_is_destroyed_with_it(engine: Engine) -> None:
    lose(engine, "model.m")
    ran = destroy(engine, "model.m")
    assert drift(ran) == {"model.m": Action.DELETE}
    assert set(actions(ran.planned.plan)) == {"evaluation.e", "endpoint.p"}
