"""Terraform as oracle for trees of modules, names that change, and checks."""

from __future__ import annotations

from pathlib import Path
from random import Random  # noqa: TID251 - seeded

import pytest

from tests.properties.both import Both, ours
from tests.properties.module_oracle import ModuleStory
from tests.properties.terraform import TERRAFORM

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")


def check_module_story(seed: int, folder: Path, steps: int) -> None:
    both = Both(folder)
    story = ModuleStory(Random(seed))  # noqa: S311 - a generator of cases
    story.begin()
    told: list[str] = []
    for step in range(steps):
        if step:
            story.edit()
        wish = story.wish(list(both.recorded), both.tainted)
        files = story.files()
        told.append("\n".join(f"### {name}\n{text}" for name, text in files.items()))
        shown = f"seed {seed}, step {step}, {wish}:\n" + "\n##### then\n".join(told[-2:])
        write(both, files)
        both.terraform.run("init", "-input=false", "-no-color")
        if not both.step(files["main.tf"], wish, shown):
            return


def write(both: Both, files: dict[str, str]) -> None:
    """Give both programs the files, each in its own words."""
    for name, text in files.items():
        theirs = both.terraform.folder / name
        theirs.parent.mkdir(parents=True, exist_ok=True)
        theirs.write_text(text)
        if name != "main.tf":
            both.engine.file(name.replace(".tf", ".mlf.hcl"), ours(text))


@pytest.mark.parametrize("seed", range(6))
def test_both_programs_do_the_same_with_modules(seed: int, tmp_path: Path) -> None:
    check_module_story(seed, tmp_path / "story", 4)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2000, 2060))
def test_both_programs_do_the_same_with_modules_for_long(seed: int, tmp_path: Path) -> None:
    check_module_story(seed, tmp_path / "story", 8)
