"""Terraform as oracle: the same configurations, planned and applied by both programs."""

from __future__ import annotations

from pathlib import Path
from random import Random  # noqa: TID251 - seeded

import pytest

from tests.properties.both import Both
from tests.properties.oracle import Story
from tests.properties.terraform import TERRAFORM

STEPS = 5
pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")


def check_story(seed: int, folder: Path, steps: int) -> None:
    both = Both(folder)
    story = Story(Random(seed))  # noqa: S311 - a generator of cases
    story.begin()
    texts: list[str] = []
    for step in range(steps):
        if step:
            story.edit()
        wish = story.wish(list(both.recorded), both.tainted)
        texts.append(story.text())
        shown = f"seed {seed}, step {step}, {wish}:\n" + "\n# then\n".join(texts[-2:])
        if not both.step(texts[-1], wish, shown):
            return


@pytest.mark.parametrize("seed", range(8))
def test_both_programs_do_the_same(seed: int, tmp_path: Path) -> None:
    check_story(seed, tmp_path / "story", STEPS)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_both_programs_do_the_same_for_long(seed: int, tmp_path: Path) -> None:
    check_story(seed, tmp_path / "story", 12)
