"""What plans look like: one folder per case, configurations in; text, Markdown, JSON, steps out.

A case has a folder `now` with the configuration to plan, perhaps a folder `before` with the one
that was applied before, and `expected`. The tests' own engine makes everything up, so the text is
the same everywhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from mlform.plan.changes import Mode
from mlform.views.documents import plan_document
from mlform.views.human import render_plan
from mlform.views.markdown import render_markdown
from mlform.wiring import KindTable
from tests.engine import Engine, Looks

CASES = Path(__file__).parent / "plan"
WIDTH = 90
PLANNED_AT = "2026-01-02T04:00:00Z"
REPLACED = {"requested": ("model.m",)}
TARGETS = {"targeted": ("mlform_data.b",)}
EXCLUDED = {"excluded": ("mlform_data.b",)}
MODES = {"refresh_only": Mode.REFRESH_ONLY}
TAMPERED = ("refresh_only", "drift_and_edit")
"""Cases in which the server was entered, and the evaluation taken out of the store."""


class Comparison(Protocol):
    def check(self, expected: Path, actual: str) -> None: ...


def take(engine: Engine, folder: Path) -> None:
    """Replace the files of the project by those of a folder."""
    engine.hcl = (folder / "main.mlf.hcl").read_text()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            engine.file(path.relative_to(folder).as_posix(), path.read_text())


def tamper(engine: Engine) -> None:
    """Do to the pipeline what nobody should."""
    server = engine.record("endpoint.p").handle["server"]
    assert isinstance(server, dict)
    engine.runtime.touch(server, "container p-1 was entered: a command was run in it (sh)")
    artifact = engine.record("evaluation.e").artifact
    assert artifact is not None
    engine.store.damage(artifact, "metrics.json", None)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_plan(case: str, tmp_path: Path, golden: Comparison) -> None:
    engine = Engine(tmp_path, monotonic=Looks())
    if (CASES / case / "before").is_dir():
        take(engine, CASES / case / "before")
        engine.ok()
    take(engine, CASES / case / "now")
    if case in TAMPERED:
        tamper(engine)
    planned = engine.plan(
        mode=MODES.get(case, Mode.NORMAL),
        replaced=REPLACED.get(case, ()),
        targets=TARGETS.get(case, ()),
        excluded=EXCLUDED.get(case, ()),
    )
    # However often the apply before it looked at the clock.
    plan = replace(planned.plan, basis=replace(planned.plan.basis, planned_at=PLANNED_AT))
    schemas = {name: kind.schema for name, kind in KindTable().items()}
    bodies = {name: schema.body for name, schema in schemas.items()}
    expected = CASES / case / "expected"
    expected.mkdir(exist_ok=True)
    golden.check(
        expected / "plan.txt",
        render_plan(plan, schemas=bodies, color=False, width=WIDTH),
    )
    golden.check(expected / "plan.md", render_markdown(plan, schemas=bodies))
    document = plan_document(plan, state=planned.state, variables={}, version="0", schemas=schemas)
    golden.check(expected / "plan.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    steps = "".join(
        f"{step.id}" + (f"  after {', '.join(step.needs)}" if step.needs else "") + "\n"
        for step in plan.steps
    )
    golden.check(expected / "steps.txt", steps)
