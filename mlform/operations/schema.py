"""What configurations may hold: kinds of resources, other blocks of types, functions."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.dataclass import dataclass, field
from mlform.diagnostics import did_you_mean
from mlform.errors import UsageError
from mlform.graph.runtimes import SCHEMAS as RUNTIMES
from mlform.lang.function import Function
from mlform.operations.backends import BACKENDS
from mlform.operations.environment import Environment
from mlform.operations.key_providers import KEY_PROVIDERS
from mlform.operations.loading import make_functions
from mlform.schema import BlockSchema, ResourceSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What configurations may hold.

    Attributes:
        kinds: Of resources, by name, in the order in which they build on each other.
        blocks: Blocks that are none of resources, such as `runtime`: arguments by type of each.
        functions: By name.
    """

    kinds: Mapping[str, ResourceSchema]
    blocks: Mapping[str, Mapping[str, BlockSchema]] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)


def read_vocabulary(environment: Environment, kind: str = "") -> Vocabulary:
    """Return what configurations may hold, or one kind of resource alone.

    Raises:
        UsageError: If there is no such kind.
    """
    known = environment.kinds
    if kind and kind not in known:
        detail = (
            f'There is no kind of resource "{kind}".{did_you_mean(kind, known)} '
            f"Known are: {', '.join(known)}."
        )
        raise UsageError("Unknown kind of resource", detail)
    if kind:
        return Vocabulary(kinds={kind: known[kind].schema})
    return Vocabulary(
        kinds={name: item.schema for name, item in known.items()},
        blocks={"runtime": RUNTIMES, "backend": BACKENDS, "key_provider": KEY_PROVIDERS},
        functions=make_functions(environment.settings.folder, environment),
    )
