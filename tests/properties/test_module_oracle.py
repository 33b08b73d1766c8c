"""Terraform as oracle for trees of modules, names that change, and checks."""

from __future__ import annotations

from pathlib import Path
from random import Random  # noqa: TID251 - seeded

import pytest

from tests.engine import Engine
from tests.properties.module_oracle import ModuleStory
from tests.properties.test_oracle import (
    TERRAFORM,
    Terraform,
    Uuids,
    ours_applied,
    ours_planned,
    theirs_applied,
    theirs_planned,
)

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")


def check_module_story(seed: int, folder: Path, steps: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "ours").mkdir()
    terraform = Terraform(folder / "theirs")
    engine = Engine(folder / "ours", new_id=Uuids())
    story = ModuleStory(Random(seed))  # noqa: S311 - a generator of cases
    story.begin()
    told: list[str] = []
    for step in range(steps):
        if step:
            story.edit()
        files = story.files()
        told.append("\n".join(f"### {name}\n{text}" for name, text in files.items()))
        shown = f"seed {seed}, step {step}:\n" + "\n##### then\n".join(told[-2:])
        write(engine, folder, files)
        terraform.run("init", "-input=false", "-no-color")
        theirs = theirs_planned(terraform.plan(files["main.tf"]))
        planned = engine.plan()
        assert ours_planned(planned.plan) == theirs, shown
        state = theirs_applied(terraform.apply())
        ran = engine.carry_out(planned)
        assert not ran.failed, shown
        if engine.place.snapshot is not None:
            assert ours_applied(engine.state) == state, shown
        assert not engine.plan().plan.has_changes, f"not settled\n{shown}"


def write(engine: Engine, folder: Path, files: dict[str, str]) -> None:
    """Give both programs the files, each in its own words."""
    for name, text in files.items():
        theirs = folder / "theirs" / name
        theirs.parent.mkdir(parents=True, exist_ok=True)
        theirs.write_text(text)
        ours = text.replace("terraform_data", "mlform_data")
        if name == "main.tf":
            engine.hcl = ours
            continue
        path = folder / "ours" / name.replace(".tf", ".mlf.hcl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ours)


@pytest.mark.parametrize("seed", range(6))
def test_both_programs_do_the_same_with_modules(seed: int, tmp_path: Path) -> None:
    check_module_story(seed, tmp_path / "story", 4)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2000, 2060))
def test_both_programs_do_the_same_with_modules_for_long(seed: int, tmp_path: Path) -> None:
    check_module_story(seed, tmp_path / "story", 8)
