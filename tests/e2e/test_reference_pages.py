"""The pages: generated ones are current, links lead somewhere, HCL in them is understood."""

from __future__ import annotations

import re
import subprocess  # noqa: TID251 - the program as `make docs` runs it
import sys
from pathlib import Path

import pytest

from tests.e2e.cli import ROOT, Cli
from tests.second_opinion import same_tree

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/*.md")]
)
LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def test_generated_pages_are_current() -> None:
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make on a site for repositories."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name}: {link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{page.name}: {link} leaves the repository"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link} leads to no heading"


def test_configuration_in_pages_is_understood() -> None:
    texts = [
        text
        for page in PAGES
        for language, text in FENCED.findall(page.read_text(encoding="utf-8"))
        if language == "hcl"
    ]
    assert texts
    for text in texts:
        same_tree(text)


def test_the_configuration_in_the_readme_is_valid(tmp_path: Path) -> None:
    (text, *_) = (
        text
        for language, text in FENCED.findall((ROOT / "README.md").read_text(encoding="utf-8"))
        if language == "hcl"
    )
    assert 'resource "endpoint"' in text
    outcome = Cli(tmp_path).file("main.mlf.hcl", text).run("validate").ok()
    assert "Success" in outcome.stdout
