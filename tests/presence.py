"""What a test does that needs something this machine may not have."""

from __future__ import annotations

import os

import pytest


def absent(reason: str, *, required_by: str) -> None:
    """Skip a test for want of something, or fail it where that must be there.

    Args:
        reason: What is missing.
        required_by: A variable that is `1` where it must be there; it must in CI in any case.
    """
    variables = os.environ  # noqa: TID251 - tests read their own settings
    if variables.get("CI") == "true" or variables.get(required_by) == "1":
        pytest.fail(f"{reason} (and CI or {required_by} say that it must be there)")
    pytest.skip(reason)
