"""Shells get the commands, flags and addresses that mlform itself knows."""

import subprocess  # noqa: TID251 - a shell asks a process of its own
import sys
from pathlib import Path

import pytest


def completed(words: str, position: int, folder: Path) -> list[str]:
    """Return what bash would offer."""
    environment = {
        "_MLFORM_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(position),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    run = subprocess.run(
        [sys.executable, "-m", "mlform"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "position", "offered"),
    [
        ("mlform pl", 1, ["plan"]),
        ("mlform state ", 2, ["list", "show", "rm", "mv", "pull", "push", "history"]),
        ("mlform plan -re", 2, ["-refresh", "-replace", "-refresh-only"]),
    ],
)
def test_commands_and_flags(words: str, position: int, offered: list[str], tmp_path: Path) -> None:
    assert completed(words, position, tmp_path) == offered


def test_addresses_of_a_folder_without_state(tmp_path: Path) -> None:
    assert completed("mlform state show ", 3, tmp_path) == []


def test_addresses_come_from_the_state(tmp_path: Path) -> None:
    (tmp_path / "main.mlf.hcl").write_text('resource "mlform_data" "thing" {}\n')
    subprocess.run(
        [sys.executable, "-m", "mlform", "apply", "-auto-approve"],
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert completed("mlform state show mlform_data.th", 3, tmp_path) == ["mlform_data.thing"]
