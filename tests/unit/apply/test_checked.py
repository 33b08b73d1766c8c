"""How conditions stood is kept in the state."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.plan.changes import Mode
from mlform.state.codec import decode_state, encode_state
from tests.engine import Engine

CONDITIONS = """
variable "word" {
  default = "a"
  validation {
    condition     = var.word != "never"
    error_message = "never"
  }
}

resource "mlform_data" "first" {
  count = 2
  input = "${var.word}${count.index}"
  lifecycle {
    postcondition {
      condition     = self.output != "bad1"
      error_message = "bad"
    }
  }
}

resource "mlform_data" "none" {
  count = 0
  lifecycle {
    precondition {
      condition     = var.word != "never"
      error_message = "never"
    }
  }
}

check "later" {
  assert {
    condition     = mlform_data.first[0].output == "a0"
    error_message = "It is ${mlform_data.first[0].output}."
  }
}
"""
ALL_HOLD = {
    "check.later": ("pass", {"check.later": "pass"}),
    "mlform_data.first": ("pass", {"mlform_data.first[0]": "pass", "mlform_data.first[1]": "pass"}),
    "mlform_data.none": ("pass", {}),
    "var.word": ("pass", {"var.word": "pass"}),
}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine(tmp_path, hcl=CONDITIONS)
    engine.ok()
    return engine


def standing(engine: Engine) -> dict[str, tuple[str, dict[str, str]]]:
    state = engine.state
    assert decode_state(encode_state(state)) == state
    return {
        check.block: (check.status, {item.address: item.status for item in check.objects})
        for check in state.checks
    }


def test_what_was_known_only_after_apply_stands_as_it_came_out(engine: Engine) -> None:
    assert standing(engine) == ALL_HOLD


def test_messages_of_what_does_not_hold_are_kept(engine: Engine) -> None:
    engine.ok(variables={"word": "b"})
    (check,) = (item for item in engine.state.checks if item.kind == "check")
    assert (check.status, check.objects[0].messages) == ("fail", ("It is b0.",))


def test_a_check_that_is_new_is_kept_although_nothing_is_to_be_done(engine: Engine) -> None:
    serial = engine.state.serial
    engine.ok()
    assert engine.state.serial == serial
    engine.hcl += 'check "new" {\n  assert {\n    condition     = var.word != ""\n'
    engine.hcl += '    error_message = "no"\n  }\n}\n'
    assert not engine.ok().planned.plan.has_changes
    assert standing(engine) == {"check.new": ("pass", {"check.new": "pass"}), **ALL_HOLD}
    assert engine.state.serial == serial + 1


def test_what_an_apply_did_not_reach_is_unknown(engine: Engine) -> None:
    ran = engine.apply(variables={"word": "bad"})
    assert list(ran.failed) == ["mlform_data.first[1]"]
    assert standing(engine) == {
        **ALL_HOLD,
        "check.later": ("unknown", {"check.later": "unknown"}),
        "mlform_data.first": (
            "fail",
            {"mlform_data.first[0]": "pass", "mlform_data.first[1]": "fail"},
        ),
    }


def test_with_targets_the_rest_is_unknown(engine: Engine) -> None:
    engine.apply(targets=("mlform_data.none",))
    assert standing(engine)["mlform_data.first"] == ("unknown", {})


def test_a_refresh_leaves_the_conditions_of_resources_as_they_stood(engine: Engine) -> None:
    engine.apply(mode=Mode.REFRESH_ONLY)
    assert standing(engine) == ALL_HOLD


def test_a_destroyed_project_has_no_conditions_that_hold(engine: Engine) -> None:
    engine.apply(mode=Mode.DESTROY)
    assert {status for status, _ in standing(engine).values()} == {"unknown"}
    serial = engine.state.serial
    engine.apply(mode=Mode.DESTROY)
    assert engine.state.serial == serial


def test_a_precondition_of_a_modules_output_is_checked_once_it_is_known(tmp_path: Path) -> None:
    engine = Engine(tmp_path, hcl='module "m" {\n  source = "./m"\n}\n')
    engine.file(
        "m/main.mlf.hcl",
        'resource "mlform_data" "x" {}\noutput "o" {\n  value = 1\n  precondition {\n'
        '    condition     = mlform_data.x.id == "never"\n    error_message = "not"\n  }\n}\n',
    )
    ran = engine.apply()
    assert [item.summary for item in ran.applied.problems] == [
        "Module output value precondition failed"
    ]
    assert standing(engine) == {"module.m.output.o": ("fail", {"module.m.output.o": "fail"})}


def test_conditions_of_what_does_not_change_are_checked_once_they_can_be(tmp_path: Path) -> None:
    text = """
resource "mlform_data" "first" {
  input = "a"
}
resource "mlform_data" "kept" {
  input = 1
  lifecycle {
    precondition {
      condition     = mlform_data.first.output != "c"
      error_message = "never c"
    }
    postcondition {
      condition     = self.output == 1
      error_message = "one"
    }
  }
}
"""
    engine = Engine(tmp_path, hcl=text)
    engine.ok()
    ran = engine.edit('input = "a"', 'input = "b"').ok()
    assert ran.counts == (0, 1, 0)
    assert ran.applied.problems == ()
    assert standing(engine) == {"mlform_data.kept": ("pass", {"mlform_data.kept": "pass"})}
    ran = engine.edit('input = "b"', 'input = "c"').apply()
    assert [item.summary for item in ran.applied.problems] == ["Resource precondition failed"]
    assert standing(engine) == {"mlform_data.kept": ("fail", {"mlform_data.kept": "fail"})}
