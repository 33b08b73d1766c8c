"""Operations besides plan and apply, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlform.addresses import parse_address
from mlform.backends.base import LockInfo
from mlform.backends.memory import MemoryBackend
from mlform.digests import Json
from mlform.errors import StateConflict, StateCorrupt, StateLocked, UsageError
from mlform.lang.values import Value
from mlform.operations.console import open_console
from mlform.operations.graph import graph_dot
from mlform.operations.state import Edit, move, remove
from mlform.operations.validate import validate
from mlform.operations.verify import verify
from mlform.operations.world import Fingerprints
from mlform.runtimes.memory import MemoryWork
from tests.contracts.state_samples import journals
from tests.engine import DATA, Engine, actions

HOLDER = LockInfo(
    id="lock-1", operation="apply", who="other@host", pid=7, created="then", version="0"
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine(tmp_path).with_pipeline()
    engine.file("main.mlf.hcl", engine.hcl)
    return engine


def test_locked_state_names_its_holder(engine: Engine) -> None:
    planned = engine.plan()
    engine.place.holder = HOLDER
    for work in (engine.plan, lambda: engine.carry_out(planned)):
        with pytest.raises(StateLocked, match=r"other@host \(process 7\).*lock-1"):
            work()
    assert engine.place.holder == HOLDER


def test_lock_is_given_back_whatever_happens(engine: Engine) -> None:
    engine.ok()
    assert engine.place.holder is None
    engine.edit("rounds = 10", "rounds = 10\n    params = { depth = 99 }").apply()
    assert engine.place.holder is None


def test_corrupt_state_stops_everything_and_stays(engine: Engine) -> None:
    engine.ok()
    engine.place.snapshot = b'{"half'
    with pytest.raises(StateCorrupt):
        engine.plan()
    assert engine.place.snapshot == b'{"half'


def test_state_replaced_meanwhile_is_refused_and_the_new_server_removed(engine: Engine) -> None:
    engine.ok()
    server = engine.runtime.running()
    inner = engine.work["evaluation"]

    def replaced(work: MemoryWork) -> Mapping[str, Json]:
        assert engine.place.snapshot is not None
        engine.place.snapshot = engine.place.snapshot.replace(b"somebody@", b"nobody@")
        return inner(work)

    engine.edit("rounds = 10", "rounds = 11")
    engine.rework("evaluation", replaced)
    with pytest.raises(StateConflict):
        engine.apply()
    assert engine.runtime.running() == server


def test_validate_looks_at_nothing_outside(engine: Engine) -> None:
    (engine.folder / "data.csv").unlink()
    assert validate(engine.environment([])) == ()
    engine.file("main.mlf.hcl", engine.hcl.replace('target = "y"', 'targt = "y"'))
    assert [item.summary for item in validate(engine.environment([]))] == [
        "Missing required argument",
        "Unsupported argument",
    ]
    assert engine.place.snapshot is None


def test_validating_says_nothing_of_assertions_that_wait_for_apply(engine: Engine) -> None:
    engine.hcl += (
        'check "c" {\n  assert {\n    condition     = model.m.digest != ""\n'
        '    error_message = "none"\n  }\n}\n'
    )
    engine.file("main.mlf.hcl", engine.hcl)
    assert validate(engine.environment([])) == ()
    assert [item.summary for item in engine.plan().plan.warnings] == [
        "Check block assertion known after apply"
    ]


def test_state_rm_forgets_without_destroying(engine: Engine) -> None:
    engine.ok()
    environment = engine.environment([])
    with pytest.raises(UsageError, match=r"no model\.z"):
        remove(environment, (parse_address("model.z"),), Edit())
    address = parse_address("endpoint.p")
    assert remove(environment, (address,), Edit(dry_run=True)) == (address,)
    assert engine.state.current(address) is not None
    assert remove(environment, (address,), Edit()) == (address,)
    assert engine.state.current(address) is None
    assert len(engine.runtime.running()) == 1
    assert actions(engine.plan().plan) == {"endpoint.p": "create"}


def test_console_knows_variables_state_and_outputs(engine: Engine) -> None:
    engine.hcl += 'variable "v" {\n  default = 3\n}\nlocals {\n  six = var.v * 2\n}\n'
    engine.ok()
    console = open_console(engine.environment([]))
    assert console.evaluate("local.six + 1")[0] is not None
    value, problems = console.evaluate("evaluation.e.metrics.score")
    assert isinstance(value, Value)
    assert (value.payload, problems) == (1, ())
    value, problems = console.evaluate("model.nothing")
    assert value is None
    assert problems
    assert console.complete("var.") == ["var.v"]
    assert "local.six" in console.complete("local.s")
    assert console.complete("model.") == ["model.m"]
    assert console.complete("lengt") == ["length("]
    assert "evaluation.e.metrics.score" in console.complete("evaluation.e.metrics.")


def test_graph_leaves_out_what_follows(engine: Engine) -> None:
    text = graph_dot(engine.environment([]))
    assert '"endpoint.p" -> "evaluation.e";' in text
    assert '"endpoint.p" -> "model.m";' not in text


def test_verify_runs_again_and_compares(engine: Engine) -> None:
    engine.ok()
    found = verify(engine.environment([]), ())
    assert [(str(item.address), item.same) for item in found] == [
        ("dataset.d", True),
        ("split.s", True),
        ("model.m", True),
        ("evaluation.e", True),
    ]
    artifact = engine.record("model.m").artifact
    assert artifact is not None
    engine.store.damage(artifact, "model.txt", b"?" * 10)
    with pytest.raises(UsageError):
        verify(engine.environment([]), (parse_address("endpoint.p"),))


def test_verify_tells_a_task_that_does_not_repeat(engine: Engine) -> None:
    engine.ok()
    inner, count = engine.work["model"], iter(range(100))

    def unsteady(work: MemoryWork) -> Mapping[str, Json]:
        answer = inner(work)
        (work.artifact / "model.txt").write_text(str(next(count)))
        return answer

    engine.rework("model", unsteady)
    (found,) = verify(engine.environment([]), (parse_address("model.m"),))
    assert not found.same
    assert found.differences == ("model.txt: other content",)


def test_fingerprints_are_kept_only_of_files_that_settled(tmp_path: Path) -> None:
    import os

    file = tmp_path / "data.csv"
    file.write_text(DATA)
    folder = tmp_path / ".mlform"
    folder.mkdir()
    fresh = Fingerprints(folder / "fingerprints.json")
    first = fresh.digest(file)
    fresh.save()
    assert not (folder / "fingerprints.json").exists()
    os.utime(file, ns=(1, 1))
    settled = Fingerprints(folder / "fingerprints.json")
    assert settled.digest(file) == first
    settled.save()
    assert (folder / "fingerprints.json").exists()
    file.write_text(DATA + "more")
    assert Fingerprints(folder / "fingerprints.json").digest(file) != first


def test_a_whole_pipeline_can_be_called_differently_without_a_task(engine: Engine) -> None:
    engine.ok()
    servers = engine.runtime.running()
    names = {"dataset.d": "dd", "split.s": "ss", "model.m": "mm", "evaluation.e": "ee"}
    names["endpoint.p"] = "pp"
    for source, name in names.items():
        kind, old = source.split(".")
        moves = move(
            engine.environment([]), parse_address(source), parse_address(f"{kind}.{name}"), Edit()
        )
        assert len(moves) == 1
        engine.hcl = engine.hcl.replace(f'"{kind}" "{old}"', f'"{kind}" "{name}"')
        engine.hcl = re.sub(rf"\b{source}\b", f"{kind}.{name}", engine.hcl)
        engine.file("main.mlf.hcl", engine.hcl)
    # A server answers under its endpoint's name, so that one alone has to be replaced.
    assert actions(engine.plan().plan) == {"endpoint.pp": "create-delete"}
    assert engine.record("endpoint.pp").attributes["address"] == "endpoint.pp"
    assert engine.record("evaluation.ee").dependencies == ("model.mm",)
    assert engine.ok().ran == ["endpoint.pp"]
    assert len(engine.runtime.running()) == len(servers) == 1
    assert engine.runtime.running() != servers
    assert not engine.plan().plan.has_changes


def test_a_moved_object_is_told_as_moved_in_the_history(engine: Engine) -> None:
    engine.ok()
    move(engine.environment([]), parse_address("model.m"), parse_address("model.n"), Edit())
    last = journals(MemoryBackend(engine.place))[-1]
    assert last.run.operation == "state mv"
    assert [type(entry).__name__ for entry in last.entries] == ["Moved", "Recorded", "Recorded"]
