"""Which types of backend there are, and what arguments each takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.lang.types import BOOL, NUMBER, STRING, MapType
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
    "http": BlockSchema(
        attributes=(
            Attribute(
                name="address",
                type=STRING,
                description="URL of the state. This and every other argument but headers can be "
                "given as MLF_HTTP_ADDRESS and so on.",
            ),
            Attribute(
                name="update_method",
                type=STRING,
                description="HTTP method that stores the state.",
                default="POST",
            ),
            Attribute(
                name="lock_address",
                type=STRING,
                description="URL of the lock; without one, only runs in this folder exclude "
                "each other.",
            ),
            Attribute(
                name="unlock_address",
                type=STRING,
                description="URL that gives the lock back; the same as lock_address where it is "
                "not set.",
            ),
            Attribute(
                name="lock_method",
                type=STRING,
                description="HTTP method that takes the lock.",
                default="LOCK",
            ),
            Attribute(
                name="unlock_method",
                type=STRING,
                description="HTTP method that gives the lock back.",
                default="UNLOCK",
            ),
            Attribute(
                name="username",
                type=STRING,
                description="User, for basic authentication.",
            ),
            Attribute(
                name="password",
                type=STRING,
                description="Password or token, for basic authentication.",
                sensitive=True,
            ),
            Attribute(
                name="headers",
                type=MapType(STRING),
                description="Headers that are sent with every request.",
                sensitive=True,
            ),
            Attribute(
                name="skip_cert_verification",
                type=BOOL,
                description="Whether any certificate of the server will do.",
                default=False,
            ),
            Attribute(
                name="client_ca_certificate_pem",
                type=STRING,
                description="Certificates in PEM to check the server by, instead of those of "
                "the system.",
            ),
            Attribute(
                name="client_certificate_pem",
                type=STRING,
                description="Certificate of this client in PEM.",
            ),
            Attribute(
                name="client_private_key_pem",
                type=STRING,
                description="Its private key in PEM.",
                sensitive=True,
            ),
            Attribute(
                name="retry_max",
                type=NUMBER,
                description="How often a request that failed is made again.",
                default=2,
            ),
            Attribute(
                name="retry_wait_min",
                type=NUMBER,
                description="Seconds to wait before the first of these.",
                default=1,
            ),
            Attribute(
                name="retry_wait_max",
                type=NUMBER,
                description="Seconds to wait at most.",
                default=30,
            ),
            Attribute(
                name="persist_interval",
                type=NUMBER,
                description="Seconds between two posts of an apply that works; 0 posts every "
                "step at once, for machines that are thrown away.",
                default=20,
            ),
        )
    ),
}
"""Arguments by type of backend."""
