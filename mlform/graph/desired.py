"""What the configuration asks for, resolved."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import ResourceAddress
from mlform.config.blocks import ResourceBlock
from mlform.dataclass import dataclass, field
from mlform.digests import JsonObject
from mlform.graph.arguments import plain_object
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
    _document: JsonObject | None = field(default=None, init=False, compare=False, repr=False)

    @property
    def document(self) -> JsonObject:
        """The arguments as plain JSON, unknown ones null; made once, since much asks for it."""
        known = self._document
        if known is None:
            known = plain_object(self.arguments)
            object.__setattr__(self, "_document", known)
        return known
