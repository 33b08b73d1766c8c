"""An apply of 200 nodes that dies at a write of the state: nothing is lost, the next one converges.

With one step at a time, each node that runs has a write of its own: the outcome of the one before
and its intent.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.apply.events import StepFinished
from tests.engine import Engine, actions
from tests.faults import Died, Life, MortalBackend

EACH = 50
NODES = 4 * EACH
LARGE = f"""
resource "dataset" "d" {{
  count = {EACH}
  source "file" {{
    path = "data.csv"
  }}
  limit = count.index + 1
}}

resource "split" "s" {{
  count   = {EACH}
  dataset = dataset.d[count.index]
  ratio {{
    partitions = {{ train = 0.5, eval = 0.5 }}
  }}
}}

resource "model" "m" {{
  count  = {EACH}
  split  = split.s[count.index]
  target = "y"
  algorithm "xgboost" {{
    rounds = 10
  }}
}}

resource "mlform_data" "seen" {{
  count = {EACH}
  input = model.m[count.index].digest
}}
"""


def die(folder: Path, *, writes: int) -> bool:
    """Let an apply die at one write of the state, and check all; return whether it came to that."""
    folder.mkdir()
    engine = Engine(folder, LARGE, parallelism=1)
    (folder / "data.csv").write_text("x,y\n1,0\n2,1\n")
    told: list[object] = []
    life = Life(left=writes)
    mortal = Engine(
        folder,
        LARGE,
        place=engine.place,
        now=engine.now,
        new_id=engine.new_id,
        parallelism=1,
        wrap_backend=lambda inner: MortalBackend(inner, life),
        on_event=told.append,
    )
    mortal.share(engine)
    try:
        mortal.apply()
    except Died:
        engine.place.holder = None  # the system gives the lock of a dead process back
    for event in told:
        if isinstance(event, StepFinished):
            record = engine.state.current(event.address)
            assert record is not None, f"{event.address} was said to be complete"
            assert str(record.attributes["id"]) == event.id
    engine.ok()
    assert actions(engine.plan().plan) == {}, f"not settled after death at write {writes}"
    assert len(engine.state.records) == NODES
    assert not engine.state.intents
    return life.over


@pytest.mark.parametrize("writes", [1, 2, 3, 4, 57, 150])
def test_death_at_some_writes(writes: int, tmp_path: Path) -> None:
    assert die(tmp_path / "project", writes=writes)


@pytest.mark.soak
def test_death_at_every_write(tmp_path: Path) -> None:
    writes = 1
    while die(tmp_path / str(writes), writes=writes):
        writes += 1
    assert writes > 3 * EACH
