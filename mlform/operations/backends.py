"""Which types of backend there are, and what arguments each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.lang.types import BOOL, STRING
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
    ),
    "pg": BlockSchema(
        attributes=(
            Attribute(
                name="conn_str",
                type=STRING,
                description="How to connect: a URL such as postgres://host/database, or key=value "
                "pairs. What it leaves out is taken from PGHOST, PGUSER, PGPASSWORD and so on.",
                sensitive=True,
            ),
            Attribute(
                name="schema_name",
                type=STRING,
                description="Schema of the database that the states are in.",
                default="mlform_remote_state",
            ),
            Attribute(
                name="skip_schema_creation",
                type=BOOL,
                description="Never create the schema: an administrator did.",
                default=False,
            ),
            Attribute(
                name="skip_table_creation",
                type=BOOL,
                description="Never create tables: an administrator did.",
                default=False,
            ),
            Attribute(
                name="skip_index_creation",
                type=BOOL,
                description="Never create indexes: an administrator did.",
                default=False,
            ),
        )
    ),
}
"""Arguments by type of backend."""
