"""What the configuration asks for, resolved."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import ResourceAddress
from mlform.config.blocks import ResourceBlock
from mlform.dataclass import dataclass
from mlform.digests import JsonObject
from mlform.lang.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredResource:
    """One instance of a resource block with its arguments resolved.

    Attributes:
        address: Of the instance.
        block: Where it is declared.
        arguments: An object by the kind's schema, addresses in place of whole resources; may hold
            unknown values and carries marks.
        upstream: Attributes of the resources that reference arguments name; unknown ones null.
        dependencies: Blocks it refers to directly, sorted, as printed.
    """

    address: ResourceAddress
    block: ResourceBlock
    arguments: Value
    upstream: Mapping[str, tuple[JsonObject, ...]]
    dependencies: tuple[str, ...]
