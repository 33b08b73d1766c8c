"""A result that is in the cache makes everything below it known when planning."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mlform.plan.changes import Action, Plan
from tests.engine import PIPELINE, Engine, actions, change_of

FED = """
resource "mlform_data" "fed" {
  input = {
    rows = dataset.d.rows
    auc  = evaluation.e.metrics.score
    of   = model.m.digest
  }
  triggers_replace = split.s.digest
}
output "told" {
  value = [dataset.d.digest, split.s.features, model.m.training.rounds, evaluation.e.passed]
}
output "served" {
  value = [endpoint.p.url, endpoint.p.model_digest]
}
"""
CHILD = (
    PIPELINE.replace('"data.csv"', "var.path").replace("8080", "var.port")
    + FED
    + 'variable "path" {}\nvariable "port" {}\n'
)
ONLY_AFTER_APPLY = {"endpoint.p": {"id", "container", "image", "status"}, "mlform_data.fed": {"id"}}


def unknown(plan: Plan) -> dict[str, set[str]]:
    """What is not known of each object, outputs of values aside: as Terraform's, they wait."""
    found: dict[str, set[str]] = {}
    for change in plan.changes:
        names = {str(path[0]) for path in change.after_unknown}
        if change.address.kind == "mlform_data":
            names -= {"output"}
        if names:
            bare = f"{change.address.kind}.{change.address.name}"
            found[bare] = found.get(bare, set()) | names
    return found


def forget(engine: Engine) -> None:
    """Lose the state, and what is served."""
    for record in engine.state.records:
        if record.address.kind == "endpoint":
            engine.runtime.stop_server(record.handle["server"])  # type: ignore[arg-type]
            engine.runtime.close_route(record.handle["route"])  # type: ignore[arg-type]
    engine.write(replace(engine.state, objects={}, outputs={}))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine(tmp_path).with_pipeline()
    engine.hcl += FED
    engine.ok()
    return engine


def check_known(engine: Engine, before: dict[str, object]) -> None:
    planned = engine.plan()
    assert unknown(planned.plan) == ONLY_AFTER_APPLY
    assert all(not item.after_unknown for item in planned.plan.outputs.values())
    assert {name: item.after for name, item in planned.plan.outputs.items()} == before
    assert not any(item.conditional for item in planned.plan.changes)
    ran = engine.carry_out(planned)
    assert {
        item for item in ran.ran if "endpoint" not in item and "mlform_data" not in item
    } == set()
    assert engine.outputs() == before
    assert not engine.plan().plan.has_changes


def test_a_lost_state(engine: Engine) -> None:
    before = engine.outputs()
    forget(engine)
    check_known(engine, dict(before))


def test_a_lost_state_with_modules_and_instances(tmp_path: Path) -> None:
    engine = Engine(tmp_path).file("data.csv", "x,y\n1,0\n").file("more.csv", "x,y\n1,0\n2,1\n")
    engine.file("m/main.mlf.hcl", CHILD)
    engine.hcl = """
locals {
  tables = { a = "data.csv", b = "more.csv" }
}
module "each" {
  source   = "./m"
  for_each = local.tables
  path     = each.value
  port     = each.key == "a" ? 8080 : 8081
}
module "counted" {
  source = "./m"
  count  = 2
  path   = "data.csv"
  port   = 9000 + count.index
}
resource "dataset" "many" {
  for_each = local.tables
  source "file" {
    path = each.value
  }
}
resource "mlform_data" "sum" {
  input = sum([for d in dataset.many : d.rows])
}
output "all" {
  value = [module.each["a"].told, module.counted[*].told, values(dataset.many)[*].digest]
}
output "scores" {
  value = { for name, m in module.each : name => m.score }
}
"""
    engine.ok()
    before = engine.outputs()
    forget(engine)
    planned = engine.plan()
    assert unknown(planned.plan) == {**ONLY_AFTER_APPLY, "mlform_data.sum": {"id"}}
    assert {name: item.after for name, item in planned.plan.outputs.items()} == before
    assert change_of(planned, "mlform_data.sum").after["input"] == 3  # type: ignore[index]
    assert engine.carry_out(planned).applied.outputs.keys() == before.keys()
    assert engine.outputs() == before


def test_an_argument_that_is_put_back(engine: Engine) -> None:
    before = engine.outputs()
    engine.edit("rounds = 10", "rounds = 20")
    engine.ok()
    engine.edit("rounds = 20", "rounds = 10")
    planned = engine.plan()
    assert actions(planned.plan)["model.m"] == "reuse"
    assert actions(planned.plan)["evaluation.e"] == "reuse"
    assert unknown(planned.plan) == {"endpoint.p": ONLY_AFTER_APPLY["endpoint.p"]}
    assert {name: item.after for name, item in planned.plan.outputs.items()} == before
    engine.carry_out(planned)
    assert engine.outputs() == before


def test_a_gate_that_fails_with_what_is_in_the_cache_is_told_of(engine: Engine) -> None:
    forget(engine)
    engine.edit("min    = 0.5", "min    = 2")
    planned = engine.plan()
    assert [item.summary for item in planned.plan.warnings] == ["Gate not passed"]
    after = change_of(planned, "evaluation.e").after
    assert after is not None
    assert after["passed"] is False


def test_postconditions_of_cached_results_are_decided(engine: Engine) -> None:
    forget(engine)
    engine.edit(
        "    min    = 0.5\n  }\n",
        "    min    = 0.5\n  }\n  lifecycle {\n    postcondition {\n"
        '      condition     = self.metrics.score > 5\n      error_message = "low"\n    }\n  }\n',
    )
    assert engine.problem().summary == "Resource postcondition failed"


def test_only_what_is_missing_is_unknown(engine: Engine) -> None:
    forget(engine)
    engine.edit("rounds = 10", "rounds = 11")
    planned = engine.plan()
    assert {
        str(item.address): item.reused
        for item in planned.plan.changes
        if item.action is not Action.NO_OP
    } == {
        "dataset.d": True,
        "split.s": True,
        "model.m": False,
        "evaluation.e": False,
        "endpoint.p": False,
        "mlform_data.fed": False,
    }
    model = unknown(planned.plan)["model.m"]
    assert model.isdisjoint({"split_digest", "code_digest", "address"})
    fed = change_of(planned, "mlform_data.fed")
    assert [path for path in fed.after_unknown if path[0] == "input"] == [
        ("input", "auc"),
        ("input", "of"),
    ]
    assert ("triggers_replace",) not in fed.after_unknown


def test_code_and_sources_are_known_before_the_task_ran(engine: Engine) -> None:
    engine.file("data.csv", "x,y\n9,9\n")
    after = change_of(engine.plan(), "dataset.d").after
    assert after is not None
    assert json.dumps(after["source_fingerprint"]).startswith('"sha256:')
