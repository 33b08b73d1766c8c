"""`mlform_data`: holds values and nothing else, as Terraform's `terraform_data` does."""

from __future__ import annotations

from typing import Final, Literal

from mlform.digests import JsonObject
from mlform.lang.types import DYNAMIC, STRING
from mlform.resources.base import Problem, Upstream
from mlform.schema import Attribute, BlockSchema, Effect, ResourceSchema

SCHEMA: Final = ResourceSchema(
    kind="mlform_data",
    version=1,
    description="Holds values in the state; replaced when `triggers_replace` changes.",
    body=BlockSchema(
        attributes=(
            Attribute(
                name="input",
                type=DYNAMIC,
                description="Any value; the same value is found in `output` after apply.",
                effect=Effect.UPDATE,
            ),
            Attribute(
                name="triggers_replace",
                type=DYNAMIC,
                description="Any value; the object is replaced when it changes.",
                effect=Effect.REPLACE,
            ),
            Attribute(
                name="output",
                type=DYNAMIC,
                description="The value of `input`, known after apply.",
                computed=True,
            ),
            Attribute(
                name="id", type=STRING, description="A unique id of the object.", computed=True
            ),
        )
    ),
)


class DataKind:
    """The kind `mlform_data`."""

    schema = SCHEMA
    sort: Literal["value"] = "value"

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:  # noqa: ARG002 - any value is fine
        """Return nothing: every value is accepted."""
        return ()


KIND: Final = DataKind()
