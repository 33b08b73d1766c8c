"""Apply makes what was planned, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path).file("word.txt", "one").file("data.csv", "x,y\n1,0\n")


def test_a_file_that_a_function_reads_was_edited(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "a" {
  input = { said = file("word.txt"), fixed = [1, 2] }
}
resource "mlform_data" "b" {
  input = mlform_data.a.output
}
resource "mlform_data" "c" {}
"""
    planned = engine.plan()
    engine.file("word.txt", "two")
    ran = engine.carry_out(planned)
    failure = ran.failed["mlform_data.a"]
    assert failure.summary == "Changed since the plan was made"
    assert "input.said" in failure.detail
    assert ran.skipped == {"mlform_data.b": "mlform_data.a failed"}
    assert [str(record.address) for record in engine.state.records] == ["mlform_data.c"]
    engine.ok()
    assert engine.record("mlform_data.b").attributes["input"]["value"]["said"] == "two"  # type: ignore[index,call-overload]


def test_an_argument_that_nothing_runs_for(engine: Engine) -> None:
    engine.with_pipeline()
    engine.edit("port     = 8080", 'port     = 8080\n  env = { WORD = file("word.txt") }')
    planned = engine.plan()
    engine.file("word.txt", "two")
    assert list(engine.carry_out(planned).failed) == ["endpoint.p"]


def test_what_was_unknown_may_come_out_as_it_does(engine: Engine) -> None:
    engine.hcl = """
resource "mlform_data" "a" {
  input = { k = timestamp(), l = [uuid(), 1] }
}
resource "mlform_data" "b" {
  input            = [mlform_data.a.output, "x"]
  triggers_replace = mlform_data.a.id
}
"""
    engine.ok()
    engine.ok()
