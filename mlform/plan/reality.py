"""The port through which a plan looks at the world.

What there is to look at depends on arguments that are known only while planning, so the planner
asks instead of being handed everything. Each answer is fixed for the length of one plan; with the
same answers the planner gives the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass
from mlform.digests import Digest, Json
from mlform.plan.origins import ImportedObject, ImportProblem
from mlform.resources.base import SourceAnswer, SourceQuery
from mlform.runtimes.base import RuntimeEnvironment, ServerObservation
from mlform.state.snapshot import ResourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The begin or the end of a look at an object, for whoever watches a plan being made.

    Attributes:
        address: Of the object.
        id: Its identity, or empty.
        over: Whether it ended, and well.
    """

    address: ResourceAddress
    id: str
    over: bool


class Reality(Protocol):
    """Reads the world and changes nothing."""

    def source(self, query: SourceQuery) -> SourceAnswer:
        """Return what the named files are now."""
        ...

    def environment(self, runtime: str) -> RuntimeEnvironment:
        """Return the environment of a runtime, by `type.name`.

        Raises:
            RuntimeFailure: If its engine or image is not there.
        """
        ...

    def recall(self, recipe: Digest) -> Mapping[str, Json] | None:
        """Return the stored result of a recipe, or None."""
        ...

    def has_artifact(self, record: ResourceRecord) -> bool:
        """Whether the artifact of an object is in the store whole; so if it has none."""
        ...

    def observe(self, record: ResourceRecord) -> ServerObservation:
        """Look at a served object."""
        ...

    def imported(self, kind: str, id: str) -> ImportedObject | ImportProblem | None:  # noqa: A002 - the argument's name in an import block
        """Return an object of the world that is to be taken into the state.

        Or why there is none; None where the world is not looked at.
        """
        ...
