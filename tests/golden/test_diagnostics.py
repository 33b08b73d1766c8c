"""What `validate` tells people about mistakes: one file per case, its answer beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from mlform.operations.environment import Settings
from mlform.operations.validate import validate
from mlform.views.diagnostics import render_report
from mlform.wiring import build_environment

CASES = Path(__file__).parent / "diagnostics"
SUFFIX = ".mlf.hcl"
WIDTH = 78


class Comparison(Protocol):
    def check(self, expected: Path, actual: str) -> None: ...


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob(f"*{SUFFIX}")))
def test_mistakes_are_told(case: str, golden: Comparison, tmp_path: Path) -> None:
    (tmp_path / f"main{SUFFIX}").write_bytes((CASES / case).read_bytes())
    settings = Settings(folder=tmp_path, data_folder=tmp_path / ".mlform")
    problems = validate(build_environment(settings, lambda _: None))
    shown = render_report(problems, color=False, width=WIDTH)
    golden.check(CASES / case.replace(SUFFIX, ".txt"), shown)


def test_every_case_has_a_mistake() -> None:
    told = {path.stem: path.read_text(encoding="utf-8") for path in CASES.glob("*.txt")}
    assert [name for name, text in told.items() if "Error: " not in text] == []
    assert len(told) >= 60
