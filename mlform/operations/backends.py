"""Which types of backend there are, and what arguments each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.lang.types import BOOL, STRING, MapType
from mlform.schema import Attribute, BlockSchema

_OBJECT_STORE: Final = BlockSchema(
    attributes=(
        Attribute(
            name="url",
            type=STRING,
            description="Folder in a bucket: `s3://bucket/prefix`, `gs://bucket/prefix`, "
            "`az://container/prefix`, or the address at amazonaws.com or windows.net.",
            required=True,
        ),
        Attribute(
            name="endpoint",
            type=STRING,
            description="Address of the service, if it is not the provider's own: of MinIO, R2, "
            "an emulator.",
        ),
        Attribute(name="region", type=STRING, description="S3: region of the bucket."),
        Attribute(
            name="profile",
            type=STRING,
            description="S3: profile in `~/.aws` to take credentials from.",
        ),
        Attribute(
            name="access_key", type=STRING, description="S3: id of the access key.", sensitive=True
        ),
        Attribute(
            name="secret_key", type=STRING, description="S3: secret access key.", sensitive=True
        ),
        Attribute(
            name="token",
            type=STRING,
            description="S3: session token. Google: access token.",
            sensitive=True,
        ),
        Attribute(
            name="credentials",
            type=STRING,
            description="Google: file of credentials, or what it holds.",
            sensitive=True,
        ),
        Attribute(name="account", type=STRING, description="Azure: storage account."),
        Attribute(
            name="account_key",
            type=STRING,
            description="Azure: key of the storage account.",
            sensitive=True,
        ),
        Attribute(
            name="sas_token",
            type=STRING,
            description="Azure: shared access signature.",
            sensitive=True,
        ),
        Attribute(name="tenant_id", type=STRING, description="Azure: tenant of the client."),
        Attribute(name="client_id", type=STRING, description="Azure: client that asks."),
        Attribute(
            name="client_secret",
            type=STRING,
            description="Azure: secret of the client.",
            sensitive=True,
        ),
        Attribute(
            name="options",
            type=MapType(STRING),
            description="Anything else that `obstore` knows for the provider, by its names, such "
            "as `sse_kms_key_id`.",
            sensitive=True,
        ),
    )
)

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
    "object_store": _OBJECT_STORE,
}
"""Arguments by type of backend."""
