"""How much work a plan is: what nobody looks at is not read, and twice as much takes twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from mlform.digests import Json
from tests.calls import calls_of, growth
from tests.engine import DATA, Engine

READ = "mlform.graph.attributes.Loaded._value"
LINEAR = 2.2


def datasets(count: int) -> str:
    return "".join(
        f'resource "dataset" "d{number}" {{\n  source "file" {{\n    path = "data.csv"\n  }}\n}}\n'
        for number in range(count)
    )


def test_only_what_is_referred_to_is_read_from_the_state(tmp_path: Path) -> None:
    engine = Engine(tmp_path, datasets(3))
    engine.file("data.csv", DATA)
    engine.ok()
    assert calls_of(engine.plan)[READ] == 0
    engine.hcl += 'output "rows" {\n  value = dataset.d1.rows + dataset.d1.rows\n}\n'
    planned = calls_of(engine.plan)
    attributes = len(engine.record("dataset.d1").attributes)
    assert 0 < planned[READ] <= attributes


def test_moved_blocks_do_not_each_ask_every_object(tmp_path: Path) -> None:
    def values(name: str, count: int) -> str:
        return "".join(f'resource "mlform_data" "{name}{at}" {{}}\n' for at in range(count))

    def moving(count: int) -> Callable[[], object]:
        folder = tmp_path / str(count)
        folder.mkdir()
        engine = Engine(folder, values("a", count))
        engine.ok()
        engine.hcl = values("b", count) + "".join(
            f"moved {{\n  from = mlform_data.a{at}\n  to   = mlform_data.b{at}\n}}\n"
            for at in range(count)
        )
        assert len(engine.plan().plan.moves) == count
        return engine.plan

    assert growth(moving, 40) < LINEAR


def test_a_change_deep_inside_takes_work_in_line_with_its_depth(tmp_path: Path) -> None:
    def nested(leaf: str, depth: int) -> Json:
        value: Json = leaf
        for level in range(depth):
            value = {"k": value, "n": level} if level % 2 else [value, level]
        return value

    def edited(depth: int) -> Callable[[], object]:
        folder = tmp_path / str(depth)
        folder.mkdir()
        engine = Engine(folder)
        engine.hcl = (
            'resource "mlform_data" "a" {\n'
            '  input = jsondecode(file("${path.module}/deep.json"))\n}\n'
            'output "o" {\n  value = mlform_data.a.output\n}\n'
        )
        engine.file("deep.json", json.dumps(nested("one", depth)))
        engine.ok()
        engine.file("deep.json", json.dumps(nested("two", depth)))
        return engine.plan

    assert growth(edited, 40) < LINEAR
