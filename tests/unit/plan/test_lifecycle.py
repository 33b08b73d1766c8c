"""`lifecycle`, `count`, `for_each`, conditions, targets and modes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.addresses import ResourceAddress
from mlform.dataclass import replace
from mlform.errors import PlanError
from mlform.plan.changes import Mode
from tests.engine import Engine, actions, causes, change_of

CHAIN = """
resource "mlform_data" "a" {
  input = "one"
}

resource "mlform_data" "b" {
  input = mlform_data.a.output
}

resource "mlform_data" "c" {
  input = mlform_data.b.output
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path, CHAIN)


def steps(engine: Engine) -> list[str]:
    return [step.id for step in engine.plan().plan.steps]


# mlform_data


def test_input_is_updated_in_place_and_flows_on(engine: Engine) -> None:
    engine.ok()
    identity = engine.record("mlform_data.a").attributes["id"]
    engine.edit('"one"', '"two"')
    planned = engine.plan()
    assert actions(planned.plan) == dict.fromkeys(
        ("mlform_data.a", "mlform_data.b", "mlform_data.c"), "update"
    )
    assert causes(change_of(planned, "mlform_data.b")) == ["upstream"]
    assert change_of(planned, "mlform_data.b").reasons[0].upstream == "mlform_data.a"
    engine.carry_out(planned)
    assert engine.record("mlform_data.a").attributes["id"] == identity
    assert engine.record("mlform_data.c").attributes["output"] == {"type": "string", "value": "two"}


def test_triggers_replace_it(engine: Engine) -> None:
    engine.edit('input = "one"', 'input = "one"\n  triggers_replace = 1').ok()
    identity = engine.record("mlform_data.a").attributes["id"]
    engine.edit("triggers_replace = 1", "triggers_replace = 2")
    planned = engine.plan()
    change = change_of(planned, "mlform_data.a")
    assert change.action.terraform_actions == ("delete", "create")
    assert change.replace_paths == (("triggers_replace",),)
    assert steps(engine)[:2] == ["delete mlform_data.a", "create mlform_data.a"]
    engine.carry_out(planned)
    assert engine.record("mlform_data.a").attributes["id"] != identity


def test_fractions_settle(engine: Engine) -> None:
    engine.edit('"one"', "1 / 3").ok()
    assert actions(engine.plan().plan) == {}


def test_sets_and_typed_nulls_come_back_as_they_were(engine: Engine) -> None:
    engine.edit('"one"', 'toset(["b", "a"])')
    engine.edit("input = mlform_data.b.output", "input = true ? null : 1")
    engine.hcl += 'output "size" { value = length(setunion(mlform_data.a.output, ["c"])) }\n'
    engine.ok()
    assert engine.outputs() == {"size": 3}
    assert engine.record("mlform_data.a").attributes["input"] == {
        "type": ["set", "string"],
        "value": ["a", "b"],
    }
    assert actions(engine.plan().plan) == {}


# Lifecycle


def test_prevent_destroy_refuses(engine: Engine) -> None:
    keep = "  lifecycle {\n    prevent_destroy = true\n  }\n"
    engine.edit('input = "one"\n', f'input = "one"\n  triggers_replace = 1\n{keep}').ok()
    engine.edit("triggers_replace = 1", "triggers_replace = 2")
    problem = engine.problem()
    assert problem.summary == "Instance cannot be destroyed"
    assert problem.range is not None
    assert problem.range.text == 'resource "mlform_data" "a"'
    engine.edit("triggers_replace = 2", "triggers_replace = 1")
    assert "prevent_destroy" in engine.problem(mode=Mode.DESTROY).detail
    assert actions(engine.plan().plan) == {}


def test_prevent_destroy_holds_for_instances_that_are_counted_away(engine: Engine) -> None:
    keep = "  lifecycle {\n    prevent_destroy = true\n  }\n"
    engine.hcl = f'resource "mlform_data" "n" {{\n  count = 2\n{keep}}}\n'
    engine.ok()
    engine.edit("count = 2", "count = 1")
    assert engine.problem().address == "mlform_data.n[1]"


def test_ignored_changes_are_ignored_until_something_else_replaces_it(engine: Engine) -> None:
    engine.edit(
        'input = "one"\n',
        'input = "one"\n  triggers_replace = 1\n  lifecycle {\n    ignore_changes = [input]\n  }\n',
    ).ok()
    engine.edit('"one"', '"two"')
    assert actions(engine.plan().plan) == {}
    engine.edit("triggers_replace = 1", "triggers_replace = 2").ok()
    assert engine.record("mlform_data.a").attributes["input"] == {"type": "string", "value": "two"}


def test_all_changes_ignored(engine: Engine) -> None:
    engine.edit(
        'input = "one"\n', 'input = "one"\n  lifecycle {\n    ignore_changes = all\n  }\n'
    ).ok()
    engine.edit('input = "one"', 'input = "two"\n  triggers_replace = 7')
    assert actions(engine.plan().plan) == {}


def test_replace_triggered_by(engine: Engine) -> None:
    trigger = "  lifecycle {\n    replace_triggered_by = [mlform_data.a]\n  }\n"
    engine.edit("input = mlform_data.b.output\n", f'input = "still"\n{trigger}')
    assert set(actions(engine.plan().plan).values()) == {"create"}
    engine.ok()
    engine.edit('"one"', '"two"')
    planned = engine.plan()
    assert actions(planned.plan)["mlform_data.c"] == "delete-create"
    change = change_of(planned, "mlform_data.c")
    assert change.reasons[0].upstream == "mlform_data.a"
    engine.carry_out(planned)
    assert actions(engine.plan().plan) == {}


def test_replace_triggered_by_an_attribute(engine: Engine) -> None:
    trigger = "  lifecycle {\n    replace_triggered_by = [mlform_data.a.id]\n  }\n"
    engine.edit("input = mlform_data.b.output\n", f'input = "still"\n{trigger}').ok()
    engine.edit('"one"', '"two"')
    assert "mlform_data.c" not in actions(engine.plan().plan)  # the id stays
    assert actions(engine.plan(replaced=("mlform_data.a",)).plan)["mlform_data.c"]


def test_replace_triggered_by_runs_an_artifact_again(engine: Engine) -> None:
    engine.with_pipeline()
    engine.hcl += CHAIN
    engine.edit(
        "    rounds = 10\n  }\n",
        "    rounds = 10\n  }\n  lifecycle {\n    replace_triggered_by = [mlform_data.a]\n  }\n",
    ).ok()
    engine.edit('"one"', '"two"')
    planned = engine.plan()
    change = change_of(planned, "model.m")
    assert (change.action.value, change.conditional) == ("rebuild", False)
    ran = engine.carry_out(planned)
    assert not ran.finished["rebuild model.m"].reused


def test_create_before_destroy_reaches_what_it_depends_on(engine: Engine) -> None:
    engine.edit('input = "one"', "triggers_replace = 1")
    engine.edit(
        "input = mlform_data.b.output\n",
        "triggers_replace = mlform_data.b.id\n"
        "  lifecycle {\n    create_before_destroy = true\n  }\n",
    )
    engine.edit("input = mlform_data.a.output", "triggers_replace = mlform_data.a.id").ok()
    assert engine.record("mlform_data.a").create_before_destroy
    engine.edit("triggers_replace = 1", "triggers_replace = 2")
    planned = engine.plan()
    assert set(actions(planned.plan).values()) == {"create-delete"}
    assert [step.id for step in planned.plan.steps] == [
        "create mlform_data.a",
        "create mlform_data.b",
        "create mlform_data.c",
        "delete mlform_data.c",
        "delete mlform_data.b",
        "delete mlform_data.a",
    ]
    assert engine.carry_out(planned).counts == (3, 0, 3)
    assert engine.state.deposed == ()


def test_endpoint_may_depend_on_what_is_replaced(engine: Engine) -> None:
    engine.with_pipeline()
    engine.hcl += CHAIN.replace('input = "one"', 'input = "one"\n  triggers_replace = "t1"')
    engine.edit("port     = 8080", "port     = 8080\n  env = { ID = mlform_data.a.id }").ok()
    before = engine.runtime.answering("127.0.0.1", 8080)
    engine.edit('"t1"', '"t2"').ok()
    assert engine.runtime.answering("127.0.0.1", 8080) not in {None, before}
    assert len(engine.runtime.running()) == 1


# Conditions


def test_preconditions(engine: Engine) -> None:
    engine.hcl += 'variable "v" {\n  default = "good"\n}\n'
    engine.edit(
        "input = mlform_data.b.output\n",
        "input = mlform_data.b.output\n  lifecycle {\n    precondition {\n"
        '      condition = var.v == "good"\n      error_message = "v is ${var.v}"\n    }\n  }\n',
    )
    assert engine.problems() == ()
    problem = engine.problem(variables={"v": "bad"})
    assert (problem.summary, problem.detail) == ("Resource precondition failed", "v is bad")
    assert problem.range is not None
    assert problem.range.text == 'var.v == "good"'
    assert problem.address == "mlform_data.c"


def test_postcondition_known_only_after_apply_stops_dependents(engine: Engine) -> None:
    engine.edit(
        "input = mlform_data.a.output\n",
        "input = mlform_data.a.output\n  lifecycle {\n    postcondition {\n"
        '      condition = self.output != "one"\n      error_message = "not one"\n    }\n  }\n',
    )
    ran = engine.apply()
    assert ran.failed["mlform_data.b"].summary == "Resource postcondition failed"
    assert ran.skipped == {"mlform_data.c": "mlform_data.b failed"}
    assert ran.counts == (2, 0, 0)
    assert engine.state.current(change_of(ran.planned, "mlform_data.b").address) is not None
    assert engine.state.current(change_of(ran.planned, "mlform_data.c").address) is None


# Count and for_each


def test_count_grows_and_shrinks(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "n" {
  count = 3
  input = "i${count.index}"
}
output "all" { value = mlform_data.n[*].output }
"""
    engine.ok()
    assert engine.outputs() == {"all": ["i0", "i1", "i2"]}
    engine.edit("count = 3", "count = 1")
    planned = engine.plan()
    assert actions(planned.plan) == {"mlform_data.n[1]": "delete", "mlform_data.n[2]": "delete"}
    assert planned.plan.outputs["all"].after == ["i0"]
    engine.carry_out(planned)
    assert engine.outputs() == {"all": ["i0"]}
    engine.edit("count = 1", "count = 2").ok()
    assert engine.outputs() == {"all": ["i0", "i1"]}
    engine.edit("count = 2", "count = 0").ok()
    assert engine.outputs() == {"all": []}


def test_for_each_keys_come_and_go(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "n" {
  for_each = { a = 1, b = 2 }
  input    = "${each.key}${each.value}"
}
output "all" { value = { for key, item in mlform_data.n : key => item.output } }
"""
    engine.ok()
    engine.edit("{ a = 1, b = 2 }", "{ b = 2, c = 3 }")
    assert actions(engine.plan().plan) == {
        'mlform_data.n["a"]': "delete",
        'mlform_data.n["c"]': "create",
    }
    engine.ok()
    assert engine.outputs() == {"all": {"b": "b2", "c": "c3"}}


def test_one_instance_failing_keeps_the_recorded_outputs(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "n" {
  count = 2
  input = "i${count.index}"
  lifecycle {
    postcondition {
      condition     = self.output != "bad0"
      error_message = "bad"
    }
  }
}
output "all" { value = mlform_data.n[*].output }
"""
    engine.ok()
    engine.edit('"i${count.index}"', '"bad${count.index}"')
    ran = engine.apply()
    assert list(ran.failed) == ["mlform_data.n[0]"]
    assert engine.outputs() == {"all": ["i0", "i1"]}


# Targets and modes


def test_target_takes_what_it_depends_on(engine: Engine) -> None:
    engine.hcl += 'output "b" { value = mlform_data.b.output }\n'
    engine.hcl += 'output "c" { value = mlform_data.c.output }\n'
    ran = engine.apply(targets=("mlform_data.b",))
    assert list(actions(ran.planned.plan)) == ["mlform_data.a", "mlform_data.b"]
    assert engine.outputs() == {"b": "one"}
    engine.ok()
    assert engine.outputs() == {"b": "one", "c": "one"}


def test_target_of_one_instance(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "n" {
  count = 3
  input = "x"
}
resource "mlform_data" "other" {
  input = mlform_data.n[2].output
}
output "third" { value = mlform_data.n[2].output }
"""
    ran = engine.apply(targets=("mlform_data.n[1]",))
    assert list(actions(ran.planned.plan)) == ["mlform_data.n[1]"]
    engine.ok()
    engine.edit('input = "x"', 'input = "y"')
    assert list(actions(engine.plan(targets=("mlform_data.n[0]",)).plan)) == ["mlform_data.n[0]"]
    assert len(actions(engine.plan(targets=("mlform_data.other",)).plan)) == 4


def test_target_keeps_what_is_sensitive_hidden(engine: Engine) -> None:
    engine.hcl = """
variable "key" { sensitive = true }
resource "mlform_data" "a" {
  input = var.key
}
resource "mlform_data" "b" {
  input = mlform_data.a.input
}
"""
    engine.ok(variables={"key": "k"})
    assert engine.record("mlform_data.b").sensitive == (("input",),)
    engine.hcl += 'output "leak" { value = mlform_data.a.input }\n'
    assert engine.problem(variables={"key": "k"}).summary == "Output refers to sensitive values"


def test_unknown_target(engine: Engine) -> None:
    problem = engine.problem(targets=("mlform_data.z",))
    assert problem.summary == "Unknown target"
    assert "no mlform_data.z" in problem.detail


def test_target_removes_what_is_no_longer_wanted(engine: Engine) -> None:
    engine.ok()
    engine.hcl = engine.hcl.split('resource "mlform_data" "b"')[0]
    planned = engine.plan(targets=("mlform_data.c",))
    assert actions(planned.plan) == {"mlform_data.c": "delete"}


def test_destroy_goes_from_the_end(engine: Engine) -> None:
    engine.ok()
    ran = engine.apply(mode=Mode.DESTROY)
    assert [step.id for step in ran.planned.plan.steps] == [
        "delete mlform_data.c",
        "delete mlform_data.b",
        "delete mlform_data.a",
    ]
    assert ran.counts == (0, 0, 3)
    assert engine.state.objects == {}
    assert not engine.plan(mode=Mode.DESTROY).plan.has_changes


def test_targeted_destroy_takes_what_depends_on_it(engine: Engine) -> None:
    engine.ok()
    planned = engine.plan(targets=("mlform_data.b",), mode=Mode.DESTROY)
    assert list(actions(planned.plan)) == ["mlform_data.b", "mlform_data.c"]


def test_requested_replacement_of_one_instance(engine: Engine) -> None:
    engine.hcl = 'resource "mlform_data" "n" {\n  count = 2\n}\n'
    engine.ok()
    planned = engine.plan(replaced=("mlform_data.n[1]",))
    assert actions(planned.plan) == {"mlform_data.n[1]": "delete-create"}


def test_deposed_objects_are_destroyed_later(engine: Engine) -> None:
    engine.with_pipeline().ok()
    record = engine.record("endpoint.p")
    state = engine.state
    old = {**state.objects, (record.address, "00000009"): record}
    from dataclasses import replace

    engine.write(replace(state, objects=old))
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p 00000009": "delete"}
    assert engine.carry_out(planned).counts == (0, 0, 1)
    assert engine.state.deposed == ()


# Turned round


def test_dependencies_turned_round_are_still_ordered(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "x" {
  triggers_replace = 1
}
resource "mlform_data" "y" {
  triggers_replace = mlform_data.x.id
}
"""
    engine.ok()
    engine.hcl = """
resource "mlform_data" "x" {
  triggers_replace = mlform_data.y.id
  lifecycle {
    create_before_destroy = true
  }
}
resource "mlform_data" "y" {
  triggers_replace = 2
}
"""
    engine.ok()
    assert actions(engine.plan().plan) == {}
    engine.apply(mode=Mode.DESTROY)
    assert engine.state.objects == {}


def test_removed_between_two_that_stay_is_ordered(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "base" {
  triggers_replace = 1
}
resource "mlform_data" "middle" {
  input = mlform_data.base.id
}
resource "mlform_data" "top" {
  input = mlform_data.middle.output
}
"""
    engine.ok()
    engine.hcl = """
resource "mlform_data" "base" {
  triggers_replace = 2
}
resource "mlform_data" "top" {
  input = mlform_data.base.id
}
"""
    planned = engine.plan()
    assert actions(planned.plan) == {
        "mlform_data.base": "delete-create",
        "mlform_data.top": "update",
        "mlform_data.middle": "delete",
    }
    assert not engine.carry_out(planned).skipped


def test_dependencies_of_what_does_not_change_are_kept_up_to_date(engine: Engine) -> None:
    engine.ok()
    engine.edit("input = mlform_data.b.output", 'input = "one"')
    engine.edit(
        'input = "one"\n}\n\nresource "mlform_data" "b"',
        'input = "new"\n}\n\nresource "mlform_data" "b"',
    )
    engine.edit("input = mlform_data.a.output", 'input = "one"')
    engine.ok()
    assert engine.record("mlform_data.c").dependencies == ()


def test_a_kind_of_a_newer_version_is_refused(engine: Engine) -> None:
    engine.ok()
    state = engine.state
    address = ResourceAddress("oracle", "x")
    known = state.current(ResourceAddress("mlform_data", "a"))
    assert known is not None
    record = replace(known, address=address)
    engine.write(replace(state, objects={**state.objects, (address, ""): record}))
    with pytest.raises(PlanError, match=r"mlform state rm oracle\.x"):
        engine.plan()


def test_a_replacement_that_is_triggered_says_so(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "a" {
  input = "one"
}
resource "mlform_data" "b" {
  lifecycle {
    replace_triggered_by = [mlform_data.a]
  }
}
"""
    engine.ok()
    engine.edit('"one"', '"two"')
    change = change_of(engine.plan(), "mlform_data.b")
    assert change.is_triggered
    assert [reason.upstream for reason in change.reasons] == ["mlform_data.a"]
    assert not change_of(engine.plan(replaced=("mlform_data.a",)), "mlform_data.a").is_triggered


def test_destroying_everything_destroys_what_would_only_be_forgotten(engine: Engine) -> None:
    engine.ok()
    engine.hcl = (
        "removed {\n  from = mlform_data.c\n  lifecycle {\n    destroy = false\n  }\n}\n"
        + engine.hcl.split('resource "mlform_data" "c"')[0]
    )
    assert actions(engine.plan().plan) == {"mlform_data.c": "forget"}
    assert set(actions(engine.plan(mode=Mode.DESTROY).plan).values()) == {"delete"}


@pytest.mark.parametrize("trigger", ["mlform_data.a", "mlform_data.a.output", "mlform_data.a.id"])
def test_what_is_new_triggers_nothing(engine: Engine, trigger: str) -> None:
    engine.hcl = (
        f'resource "mlform_data" "b" {{\n  lifecycle {{\n    replace_triggered_by = [{trigger}]\n'
        '  }\n}\nresource "mlform_data" "a" {\n  input = "one"\n}\n'
    )
    engine.ok()
    state = engine.state
    kept = {key: item for key, item in state.objects.items() if key[0].name == "b"}
    engine.write(replace(state, objects=kept))
    assert actions(engine.plan().plan) == {"mlform_data.a": "create"}


def test_metrics_trigger_by_the_name_that_references_have(tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline("x,y\nscore=1,2\n")
    engine.hcl += (
        'resource "mlform_data" "b" {\n  lifecycle {\n'
        "    replace_triggered_by = [evaluation.e.metrics.score]\n  }\n}\n"
    )
    engine.ok()
    engine.edit("rounds = 10", "rounds = 20")
    assert actions(engine.plan().plan)["mlform_data.b"] == "delete-create"
