"""The pages of the reference that are generated say what the program does now."""

from __future__ import annotations

import subprocess  # noqa: TID251 - the program as `make docs` runs it
import sys

from tests.e2e.cli import ROOT


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
