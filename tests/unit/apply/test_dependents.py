"""Gates and postconditions hold back what depends on them, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine import PIPELINE, Engine

CHILD = (
    PIPELINE.replace('"data.csv"', "var.path").replace("8080", "var.port")
    + """
variable "path" {
  type = string
}
variable "port" {
  type = number
}
output "url" {
  value = endpoint.p.url
}
"""
)
CALLS = """
module "each" {
  source   = "./child"
  for_each = { good = "good.csv", bad = "bad.csv" }
  path     = each.value
  port     = each.key == "good" ? 8080 : 8081
}
resource "mlform_data" "all" {
  input = values(module.each)[*].url
}
resource "mlform_data" "alone" {
  input = 1
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path, CALLS, parallelism=2).file("child/main.mlf.hcl", CHILD)
    return made.file("good.csv", "x,y\n1,0\n").file("bad.csv", "x,y\nscore=0.1,0\n")


def test_a_gate_in_one_instance_of_a_module(engine: Engine) -> None:
    """As in Terraform, what depends on a block depends on all of its instances."""
    ran = engine.apply()
    failed = 'module.each["bad"].evaluation.e failed'
    assert [f"{address} failed" for address in ran.failed] == [failed]
    assert ran.skipped == {
        'module.each["bad"].endpoint.p': failed,
        'module.each["good"].endpoint.p': failed,
        "mlform_data.all": failed,
    }
    assert engine.record('module.each["good"].evaluation.e').attributes["passed"] is True
    assert engine.record("mlform_data.alone").attributes["id"]
    assert engine.runtime.running() == ()
    engine.file("bad.csv", "x,y\nscore=0.9,0\n")
    engine.ok()
    assert len(engine.runtime.running()) == 2


COUNTED = """
resource "mlform_data" "a" {
  count = 3
  input = dataset.d.rows + count.index
  lifecycle {
    postcondition {
      condition     = self.output != 1
      error_message = "It must not be one."
    }
  }
}
resource "mlform_data" "b" {
  count = 3
  input = mlform_data.a[count.index].output
}
resource "dataset" "d" {
  source "file" {
    path = "good.csv"
  }
}
"""


def test_a_postcondition_of_one_of_several_instances(engine: Engine) -> None:
    engine.hcl = COUNTED
    ran = engine.apply()
    assert list(ran.failed) == ["mlform_data.a[0]"]
    assert "It must not be one." in ran.failed["mlform_data.a[0]"].detail
    assert set(ran.skipped) == {f"mlform_data.b[{at}]" for at in range(3)}
    assert engine.record("dataset.d").artifact is not None
    assert engine.record("mlform_data.a[2]").attributes["id"]
