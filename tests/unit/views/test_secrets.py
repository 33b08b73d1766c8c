"""Nothing that is sensitive is shown, whatever happens to what is around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.plan.changes import Mode
from mlform.views.human import render_plan
from mlform.views.markdown import render_markdown
from mlform.wiring import KindTable
from tests.engine import Engine

SECRET = "swordfish"  # noqa: S105 - what must not be seen
VARIABLE = 'variable "key" {\n  sensitive = true\n}\n'
BLOCK = 'resource "mlform_data" "a" {\n  input = INPUT\n}\n'
FORMS = (
    "var.key",
    '{ user = "me", key = var.key }',
    "[1, var.key, { deep = [var.key] }]",
    '"begin ${var.key} end"',
    "{ key = var.key, other = mlform_data.b.output }",
    "jsonencode({ a = 1, key = var.key })",
    '[{ name = var.key, id = "i", v = mlform_data.b.output }, var.key, "plain"]',
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def shown(engine: Engine, text: str, key: str, mode: Mode = Mode.NORMAL) -> str:
    engine.hcl = VARIABLE + 'resource "mlform_data" "b" {}\n' + text
    planned = engine.plan(variables={"key": key}, mode=mode)
    schemas = {name: kind.schema.body for name, kind in KindTable().items()}
    return render_plan(planned.plan, schemas=schemas) + render_markdown(
        planned.plan, schemas=schemas
    )


@pytest.mark.parametrize("form", FORMS)
def test_secrets_stay_hidden(engine: Engine, form: str) -> None:
    block = BLOCK.replace("INPUT", form)
    told = shown(engine, block, SECRET)
    assert "mlform_data.a will be created" in told
    engine.ok(variables={"key": SECRET})
    told += shown(engine, block, f"{SECRET}-new")
    assert "mlform_data.a will be updated" in told
    told += shown(engine, BLOCK.replace("INPUT", "mlform_data.b"), SECRET)
    told += shown(engine, BLOCK.replace("INPUT", '"plain"'), SECRET)
    told += shown(engine, BLOCK.replace("INPUT", "[0, 0, 1, { deep = 2 }]"), SECRET)
    told += shown(engine, BLOCK.replace("  input = INPUT\n", ""), SECRET)
    told += shown(engine, "", SECRET)
    told += shown(engine, block, SECRET, Mode.DESTROY)
    assert SECRET not in told
    assert "(sensitive value)" in told
