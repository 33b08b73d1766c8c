"""Which types of backend there are, and what arguments each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.lang.types import STRING
from mlform.schema import Attribute, BlockSchema

BACKENDS: Final[Mapping[str, BlockSchema]] = {
    "local": BlockSchema(
        attributes=(
            Attribute(
                name="path",
                type=STRING,
                description="File of the state; relative to the working folder.",
                default="mlform.mlfstate",
            ),
            Attribute(
                name="workspace_dir",
                type=STRING,
                description="Folder of the states of workspaces but the default one.",
                default="mlform.mlfstate.d",
            ),
        )
    )
}
"""Arguments by type of backend."""
