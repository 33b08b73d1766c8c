"""Versions of the state's file format, and the steps from one to the next.

A migration is a pure function from a document of version N to one of version N + 1. To change the
format: raise `VERSION`, add the function for the old version to `MIGRATIONS`, and keep a file of
the old version among the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from mlform.errors import StateCorrupt
from mlform.state.documents import Document

VERSION: Final = 1
"""The version this mlform writes."""

Migration: TypeAlias = Callable[[dict[str, object]], dict[str, object]]

MIGRATIONS: Final[Mapping[int, Migration]] = {}
"""By the version they start from."""


def migrate(
    document: dict[str, object],
    *,
    version: int = VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> dict[str, object]:
    """Return the document in the version asked for.

    Args:
        document: A parsed state file of any version.
        version: The version to reach.
        migrations: The steps, by the version they start from.

    Raises:
        StateCorrupt: If the document has no version, a newer one, or one that no step leads from.
    """
    if "terraform_version" in document and "mlform_version" not in document:
        raise StateCorrupt(
            "The state is one of Terraform",
            f"Terraform or OpenTofu {document['terraform_version']} wrote it, which manage other "
            "things. Keep the states of mlform in a place of their own, and check the path, "
            "name or address of the backend. The file was left as it is.",
        )
    found = Document(document, "").integer("version")
    if found > version:
        written_by = document.get("mlform_version", "unknown")
        raise StateCorrupt(
            "The state was written by a newer mlform",
            f"It has format version {found} (mlform {written_by}); this mlform reads up to version "
            f"{version}. Install that mlform or a newer one. The file was left as it is.",
        )
    while found < version:
        step = migrations.get(found)
        if step is None:
            raise StateCorrupt(
                "The state has a format version that never was",
                f"version: {found} is none of the versions 1 to {version}. The file was left as it "
                "is. Restore it from its backup, or undo the edit.",
            )
        document = {**step(document), "version": found + 1}
        found += 1
    return document
