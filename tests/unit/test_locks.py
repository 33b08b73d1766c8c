"""The lock files agree: what runs in images and what tests add has the versions of mlform's own."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)((?: ; [^\\\n]*)?) *\\?$", re.MULTILINE)


def pins(name: str) -> set[tuple[str, ...]]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = {tuple(part.strip() for part in match) for match in PINNED.findall(text)}
    entries = [line for line in text.splitlines() if line[:1].isalnum()]
    assert len(found) == len(entries), "a line is not understood"
    return found


def test_every_lock_has_the_versions_of_the_largest() -> None:
    largest = {pin[:2] for pin in pins("requirements-dev.lock")}
    for name in ("requirements.lock", "mlform/runtimes/requirements.lock"):
        assert {pin[:2] for pin in pins(name)} <= largest, name


def test_locks_name_no_index_and_hash_everything() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "mlform/runtimes/requirements.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "\n-" not in text
        blocks = re.split(r"\n(?=[a-z0-9])", text)
        assert all("--hash=sha256:" in block for block in blocks), name
