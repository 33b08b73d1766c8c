"""`taint` and `untaint`: marks in the state, written like every other change of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlform.addresses import parse_address
from mlform.errors import MlformError, UsageError
from mlform.operations.state import Edit
from mlform.operations.state_taint import NoSuchObject, set_tainted
from tests.engine import Engine, actions, causes, change_of

HCL = """
resource "mlform_data" "a" {
  input = "one"
}
resource "mlform_data" "n" {
  count = 2
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine(tmp_path, hcl=HCL)
    engine.ok()
    return engine


def mark(engine: Engine, address: str, *, tainted: bool) -> None:
    set_tainted(engine.environment([]), parse_address(address), Edit(), tainted=tainted)


def test_a_tainted_object_is_replaced_and_an_untainted_one_is_not(engine: Engine) -> None:
    serial = engine.state.serial
    mark(engine, "mlform_data.n[1]", tainted=True)
    assert engine.state.serial == serial + 1
    planned = engine.plan()
    assert actions(planned.plan) == {"mlform_data.n[1]": "delete-create"}
    assert causes(change_of(planned, "mlform_data.n[1]")) == ["tainted"]
    mark(engine, "mlform_data.n[1]", tainted=False)
    assert engine.state.serial == serial + 2
    assert not engine.plan().plan.has_changes


def test_a_mark_made_after_a_plan_makes_it_stale(engine: Engine) -> None:
    engine.edit('"one"', '"two"')
    planned = engine.plan()
    mark(engine, "mlform_data.a", tainted=True)
    with pytest.raises(MlformError, match="stale"):
        engine.carry_out(planned)


def test_marking_twice_changes_nothing(engine: Engine) -> None:
    mark(engine, "mlform_data.a", tainted=True)
    serial = engine.state.serial
    mark(engine, "mlform_data.a", tainted=True)
    assert engine.state.serial == serial


def test_there_is_no_mark_to_take_away(engine: Engine) -> None:
    with pytest.raises(UsageError, match="not tainted"):
        mark(engine, "mlform_data.a", tainted=False)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mlform_data.z", "has no object mlform_data.z"),
        ("mlform_data.n", "mlform_data.n[0]\n  mlform_data.n[1]"),
        ("mlform_data.n[7]", "has no object mlform_data.n[7]"),
    ],
)
def test_what_is_not_there_cannot_be_marked(engine: Engine, address: str, said: str) -> None:
    with pytest.raises(NoSuchObject) as caught:
        mark(engine, address, tainted=True)
    assert caught.value.summary == "No such resource instance"
    assert said in caught.value.detail


def test_a_deposed_object_cannot_be_marked(engine: Engine) -> None:
    state, record = engine.state, engine.record("mlform_data.a")
    objects = {key: item for key, item in state.objects.items() if key[0] != record.address}
    engine.write(replace(state, objects={**objects, (record.address, "00000009"): record}))
    with pytest.raises(NoSuchObject, match="No such resource instance") as caught:
        mark(engine, "mlform_data.a", tainted=True)
    assert "Only deposed objects" in caught.value.detail


def test_without_a_state_there_is_nothing_to_mark(tmp_path: Path) -> None:
    empty = Engine(tmp_path / "empty").file("main.mlf.hcl", "")
    with pytest.raises(UsageError):
        mark(empty, "mlform_data.a", tainted=True)
