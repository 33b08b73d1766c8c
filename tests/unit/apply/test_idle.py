"""Updates that turn out to change nothing: values that were unknown when planning are as before."""

from __future__ import annotations

from pathlib import Path

from mlform.apply.events import Event
from tests.engine import Engine, Ran, actions

CHAIN = """
resource "mlform_data" "first" {
  input = "a"
}

resource "mlform_data" "second" {
  input = substr(mlform_data.first.output, 0, 1)
}
"""
UPDATED = {"mlform_data.first": "update", "mlform_data.second": "update"}


def told_of(ran: Ran, address: str) -> list[Event]:
    return [event for event in ran.events if str(getattr(event, "address", "")) == address]


def test_values_that_come_out_the_same_are_no_change(tmp_path: Path) -> None:
    engine = Engine(tmp_path, hcl=CHAIN)
    engine.ok()
    before = engine.record("mlform_data.second")
    engine.edit('"a"', '"ab"')
    planned = engine.plan()
    assert actions(planned.plan) == UPDATED
    ran = engine.carry_out(planned)
    assert ran.counts == (0, 1, 0)
    assert list(ran.finished) == ["update mlform_data.first"]
    assert told_of(ran, "mlform_data.second") == []
    assert engine.record("mlform_data.second") == before
    assert actions(engine.plan().plan) == {}


def test_other_values_are_a_change(tmp_path: Path) -> None:
    engine = Engine(tmp_path, hcl=CHAIN)
    engine.ok()
    ran = engine.edit('"a"', '"b"').ok()
    assert ran.counts == (0, 2, 0)
    assert engine.record("mlform_data.second").attributes["output"] == {
        "type": "string",
        "value": "b",
    }


def test_what_a_block_depends_on_is_kept_although_nothing_else_changes(tmp_path: Path) -> None:
    engine = Engine(tmp_path, hcl=CHAIN)
    engine.ok()
    engine.hcl += 'resource "mlform_data" "third" {}\n'
    engine.edit('"a"', '"ab"').edit(", 0, 1)", ", 0, 1)\n  depends_on = [mlform_data.third]")
    ran = engine.ok()
    assert ran.counts == (1, 1, 0)
    assert engine.record("mlform_data.second").dependencies == (
        "mlform_data.first",
        "mlform_data.third",
    )


def test_postconditions_hold_also_for_what_did_not_change(tmp_path: Path) -> None:
    engine = Engine(tmp_path, hcl=CHAIN)
    engine.ok()
    engine.edit('"a"', '"ab"').edit(
        ", 0, 1)",
        """, 0, 1)
  lifecycle {
    postcondition {
      condition     = mlform_data.first.output == "a"
      error_message = "no longer"
    }
  }""",
    )
    ran = engine.apply()
    assert list(ran.failed) == ["mlform_data.second"]
    assert ran.counts == (0, 1, 0)


def test_an_artifact_whose_arguments_come_out_the_same_is_no_change(tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline()
    engine.hcl += 'resource "mlform_data" "n" {\n  input = 1\n}\n'
    engine.edit(
        'resource "split" "s" {',
        'resource "split" "s" {\n  requirements {\n    cpus = floor(mlform_data.n.output)\n  }',
    )
    engine.ok()
    engine.edit("input = 1", "input = 1.5")
    planned = engine.plan()
    assert actions(planned.plan) == {"mlform_data.n": "update", "split.s": "update"}
    ran = engine.carry_out(planned)
    assert ran.counts == (0, 1, 0)
    assert ran.finished["update split.s"].unchanged
