"""From one version of the file format to the next."""

from __future__ import annotations

import pytest

from mlform.errors import StateCorrupt
from mlform.state.codec import decode_state
from mlform.state.migrations import VERSION, migrate


def test_a_document_of_this_version_stays() -> None:
    document: dict[str, object] = {"version": VERSION, "serial": 1}
    assert migrate(document) == document


def test_migrations_run_one_after_another() -> None:
    def first(document: dict[str, object]) -> dict[str, object]:
        return {**document, "steps": ["first"]}

    def second(document: dict[str, object]) -> dict[str, object]:
        return {**document, "steps": [document["steps"], "second"]}

    migrated = migrate({"version": 1}, version=3, migrations={1: first, 2: second})
    assert migrated == {"version": 3, "steps": [["first"], "second"]}


def test_a_newer_version_is_refused_with_what_to_install() -> None:
    with pytest.raises(StateCorrupt) as caught:
        decode_state(b'{"version": 99, "mlform_version": "7.1.0"}')
    assert "newer mlform" in caught.value.summary
    assert "7.1.0" in caught.value.detail


def test_a_state_of_terraform_is_not_taken_for_a_newer_one() -> None:
    with pytest.raises(StateCorrupt, match="one of Terraform") as caught:
        decode_state(b'{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "a"}')
    assert "1.11.4" in caught.value.detail


def test_a_version_that_never_was_is_refused() -> None:
    with pytest.raises(StateCorrupt, match="never was"):
        migrate({"version": -1})
