"""What this project shows to people is in canonical form: its HCL files and those in its pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlform.diagnostics import Source
from mlform.hcl.formatter import format_source
from mlform.operations.format_files import SUFFIXES, format_files
from mlform.views.file_diff import render_file_diff

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("examples", "modules", "tests/golden/plan")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(path for top in ("docs", *FOLDERS) for path in ROOT.glob(f"{top}/**/*.md")),
    ]
)
_SNIPPET = re.compile(r"^```hcl\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", FOLDERS)
def test_files_are_in_canonical_form(name: str) -> None:
    done = format_files(ROOT, [name], recursive=True, write=False)
    assert not done.problems
    assert [file.name for file in done.files if file.changed] == []


def test_the_examples_are_found() -> None:
    done = format_files(ROOT, ["examples"], recursive=True, write=False)
    assert {Path(file.name).name for file in done.files} >= {"main.mlf.hcl"}
    assert all(file.name.endswith(SUFFIXES) for file in done.files)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_snippets_in_pages_are_in_canonical_form(path: Path) -> None:
    """Those with syntax errors are none: what is left out in them is not HCL."""
    for snippet in _SNIPPET.findall(path.read_text(encoding="utf-8")):
        result, _ = format_source(Source(path.name, snippet))
        assert result == snippet, render_file_diff(path.name, snippet, result, color=False)
