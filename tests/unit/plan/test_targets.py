"""What `-exclude` leaves out, and what is said of plans that are not about everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.diagnostics import ConfigurationError
from mlform.plan.changes import Mode
from tests.engine import Engine, actions

CHAIN = """
resource "mlform_data" "a" {
  input = "one"
}
resource "mlform_data" "b" {
  input = local.of_a
}
resource "mlform_data" "c" {
  input = mlform_data.b.output
}
resource "mlform_data" "other" {
  input = "one"
}
locals {
  of_a = mlform_data.a.output
}
output "a" { value = mlform_data.a.output }
output "c" { value = mlform_data.c.output }
output "other" { value = mlform_data.other.output }
output "fixed" { value = 1 }
"""
CHILD = """
variable "word" {
  default = "w"
}
resource "mlform_data" "x" {
  input = var.word
}
resource "mlform_data" "y" {
  input = mlform_data.x.output
}
output "y" {
  value = mlform_data.y.output
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path, hcl=CHAIN)


def test_excluded_objects_and_what_depends_on_them_are_left_out(engine: Engine) -> None:
    ran = engine.apply(excluded=("mlform_data.b",))
    assert set(actions(ran.planned.plan)) == {"mlform_data.a", "mlform_data.other"}
    assert engine.outputs() == {"a": "one", "other": "one", "fixed": 1}
    engine.ok()
    assert engine.outputs() == {"a": "one", "c": "one", "other": "one", "fixed": 1}


def test_dependents_keep_what_they_had(engine: Engine) -> None:
    engine.ok()
    engine.hcl = engine.hcl.replace('"one"', '"two"')
    planned = engine.plan(excluded=("mlform_data.a",))
    assert actions(planned.plan) == {"mlform_data.other": "update"}
    engine.carry_out(planned)
    assert engine.outputs() == {"a": "one", "c": "one", "other": "two", "fixed": 1}


def test_an_instance_can_be_excluded(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "n" {
  count = 3
  input = "x"
}
resource "mlform_data" "user" {
  input = mlform_data.n[0].output
}
"""
    planned = engine.plan(excluded=("mlform_data.n[1]",))
    assert set(actions(planned.plan)) == {"mlform_data.n[0]", "mlform_data.n[2]"}


def test_a_module_and_an_instance_of_one_can_be_excluded(engine: Engine) -> None:
    engine.file("m/main.mlf.hcl", CHILD)
    engine.hcl = """
module "m" {
  source = "./m"
  count  = 2
}
module "n" {
  source = "./m"
  word   = module.m[0].y
}
resource "mlform_data" "free" {}
"""
    assert set(actions(engine.plan(excluded=("module.m",)).plan)) == {"mlform_data.free"}
    assert set(actions(engine.plan(excluded=("module.m[0]",)).plan)) == {
        "module.m[1].mlform_data.x",
        "module.m[1].mlform_data.y",
        "mlform_data.free",
    }
    assert set(actions(engine.plan(excluded=("module.m[1].mlform_data.x",)).plan)) == {
        "module.m[0].mlform_data.x",
        "module.m[0].mlform_data.y",
        "mlform_data.free",
    }
    assert set(actions(engine.plan(excluded=("module.n",)).plan)) == {
        "module.m[0].mlform_data.x",
        "module.m[0].mlform_data.y",
        "module.m[1].mlform_data.x",
        "module.m[1].mlform_data.y",
        "mlform_data.free",
    }


def test_what_is_not_wanted_any_more_stays_while_something_excluded_uses_it(
    engine: Engine,
) -> None:
    engine.ok()
    engine.hcl = 'resource "mlform_data" "c" {\n  input = 3\n}\n'
    planned = engine.plan(excluded=("mlform_data.c",))
    assert actions(planned.plan) == {"mlform_data.other": "delete"}
    planned = engine.plan(excluded=("mlform_data.a",))
    assert actions(planned.plan) == {"mlform_data.c": "update", "mlform_data.other": "delete"}


def test_destroy_leaves_what_is_excluded_and_what_that_needs(engine: Engine) -> None:
    engine.ok()
    ran = engine.apply(mode=Mode.DESTROY, excluded=("mlform_data.b",))
    assert set(actions(ran.planned.plan)) == {"mlform_data.c", "mlform_data.other"}
    assert {str(record.address) for record in engine.state.records} == {
        "mlform_data.a",
        "mlform_data.b",
    }


@pytest.mark.parametrize("mode", list(Mode))
def test_what_is_nowhere_cannot_be_excluded(engine: Engine, mode: Mode) -> None:
    engine.ok()
    with pytest.raises(ConfigurationError) as caught:
        engine.plan(excluded=("mlform_data.z",), mode=mode)
    assert [item.summary for item in caught.value.diagnostics] == ["Unknown target"]
    assert "-exclude" in caught.value.diagnostics[0].detail


def test_a_partial_plan_says_so_and_so_does_its_apply(engine: Engine) -> None:
    planned = engine.plan(excluded=("mlform_data.b",))
    assert [item.summary for item in planned.plan.warnings] == ["Resource exclusion is in effect"]
    assert not planned.plan.complete
    targeted = engine.plan(targets=("mlform_data.b",))
    assert [item.summary for item in targeted.plan.warnings] == ["Resource targeting is in effect"]
    ran = engine.carry_out(targeted)
    assert [item.summary for item in ran.applied.warnings] == ["Applied changes may be incomplete"]
    assert engine.plan().plan.complete


def test_what_moved_must_be_part_of_the_plan(engine: Engine) -> None:
    engine.ok()
    engine.hcl = engine.hcl.replace("mlform_data.a", "mlform_data.z").replace(
        '"mlform_data" "a"', '"mlform_data" "z"'
    )
    engine.hcl += "moved {\n  from = mlform_data.a\n  to   = mlform_data.z\n}\n"
    for given in ({"targets": ("mlform_data.other",)}, {"excluded": ("mlform_data.z",)}):
        with pytest.raises(ConfigurationError) as caught:
            engine.plan(**given)  # type: ignore[arg-type]
        (problem,) = caught.value.diagnostics
        assert problem.summary == "Moved resource instances excluded by targeting"
        assert "mlform_data.z" in problem.detail
    assert engine.plan(targets=("mlform_data.b",)).plan.moves


def test_values_of_what_is_not_made_yet_are_left_as_they_are(engine: Engine) -> None:
    engine.hcl = """
variable "size" {
  default = 1
}
resource "mlform_data" "n" {
  count = var.size
}
output "size" {
  value = length(mlform_data.n)
}
"""
    engine.ok()
    ran = engine.carry_out(engine.plan(targets=("mlform_data.n[1]",), variables={"size": "3"}))
    assert list(actions(ran.planned.plan)) == ["mlform_data.n[1]"]
    assert engine.outputs() == {"size": 1}
    engine.carry_out(engine.plan(targets=("mlform_data.n[0]",), variables={"size": "2"}))
    assert engine.outputs() == {"size": 2}


def test_a_destroyed_target_leaves_outputs_alone(engine: Engine) -> None:
    engine.ok()
    engine.apply(mode=Mode.DESTROY, targets=("mlform_data.a", "mlform_data.other"))
    assert engine.state.records == ()
    assert engine.outputs() == {"a": "one", "c": "one", "other": "one", "fixed": 1}


def test_what_is_to_be_replaced_is_named_with_its_key(engine: Engine) -> None:
    engine.hcl = 'resource "mlform_data" "n" {\n  count = 2\n}\n'
    engine.ok()
    planned = engine.plan(replaced=("mlform_data.n", "mlform_data.z"))
    assert actions(planned.plan) == {}
    lacking, absent = planned.plan.warnings
    assert (
        lacking.summary == absent.summary == "Incompletely-matched force-replace resource instance"
    )
    assert "-replace='mlform_data.n[0]'\n  -replace='mlform_data.n[1]'" in lacking.detail
    assert "no mlform_data.z" in absent.detail
    assert actions(engine.plan(replaced=("mlform_data.n[1]",)).plan) == {
        "mlform_data.n[1]": "delete-create"
    }
    assert engine.plan(replaced=("mlform_data.n[1]",)).plan.warnings == ()
