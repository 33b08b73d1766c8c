"""Cases compared as whole text; `pytest tests/golden --update-golden` writes them anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="write what the golden tests expect anew; review the difference",
    )


@dataclass(frozen=True)
class Golden:
    """Compares a text with a file, or writes the file."""

    update: bool

    def check(self, expected: Path, actual: str) -> None:
        if self.update:
            expected.write_text(actual, encoding="utf-8")
        assert actual == expected.read_text(encoding="utf-8")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=bool(request.config.getoption("--update-golden", default=False)))
