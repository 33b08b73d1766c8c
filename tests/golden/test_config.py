"""What people are told about configurations with problems: one folder per case."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from mlform import __version__
from mlform.config.early import EarlyContext
from mlform.config.load import load_config
from mlform.config.versions import check_required_versions
from mlform.lang.functions import FunctionContext, functions
from mlform.views.diagnostics import render_diagnostics

CASES = Path(__file__).parent / "config"
WIDTH = 78
CONTEXT = EarlyContext(functions=functions(FunctionContext()), partial=True)


class Comparison(Protocol):
    def check(self, expected: Path, actual: str) -> None: ...


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_problems_are_told(case: str, golden: Comparison) -> None:
    config, problems = load_config(CASES / case, context=CONTEXT)
    versions = check_required_versions(config.root.required_versions, __version__)
    shown = render_diagnostics((*problems, *versions), color=False, width=WIDTH)
    golden.check(CASES / case / "diagnostics.txt", shown)
