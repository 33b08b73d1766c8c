"""Runtime blocks resolved: which engine, which image, and what tasks get by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.config.blocks import Module, ResourceBlock, RuntimeBlock
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.digests import JsonObject
from mlform.graph.arguments import BodyResolver, plain, range_of
from mlform.lang.construct import has_unknown
from mlform.lang.scope import Scope
from mlform.lang.types import NUMBER, STRING
from mlform.requirements import requirements_of, requirements_problems
from mlform.schema import Attribute, BlockSchema
from mlform.tasks import Requirements

_REQUIREMENTS: Final = (
    Attribute(name="cpus", type=NUMBER, description="Cores of a task that asks for none."),
    Attribute(name="memory", type=STRING, description='Memory of a task, such as `"4GiB"`.'),
    Attribute(name="gpus", type=NUMBER, description="GPUs of a task that asks for none."),
    Attribute(name="timeout", type=STRING, description='Time limit of a task, such as `"30m"`.'),
)

SCHEMAS: Final[Mapping[str, BlockSchema]] = {
    "process": BlockSchema(attributes=_REQUIREMENTS),
    "docker": BlockSchema(
        attributes=(
            Attribute(
                name="image",
                type=STRING,
                required=True,
                description="Image with mlform's worker; its digest is pinned in the lock file.",
            ),
            Attribute(
                name="host",
                type=STRING,
                description="Address of the engine; by default `DOCKER_HOST` or the local one.",
            ),
            *_REQUIREMENTS,
        )
    ),
}
"""Arguments by type of runtime."""

DEFAULT_RUNTIME: Final = "process.default"
"""The runtime of resources that name none where none named `default` is declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """A runtime block, resolved.

    Attributes:
        address: `type.name`.
        type: Which adapter it is.
        arguments: As configured; absent ones are null.
        image: Name of the image, or empty.
        requirements: What tasks get that ask for nothing, or None for a share of the machine.
        range: Where it is declared, or None for the implicit one.
    """

    address: str
    type: str
    arguments: JsonObject
    image: str = ""
    requirements: Requirements | None = None
    range: SourceRange | None = None


def resolve_runtimes(
    module: Module, scope: Scope, diagnostics: Diagnostics
) -> Mapping[str, RuntimeSettings]:
    """Return the runtimes of a module by `type.name`, with the implicit `process.default`.

    Args:
        module: Declares them.
        scope: Has variables and functions; resources are not known yet.
        diagnostics: Where problems are recorded.
    """
    found = {
        "process.default": RuntimeSettings(address="process.default", type="process", arguments={})
    }
    for block in module.runtimes.values():
        resolved = _resolved(block, scope, diagnostics)
        if resolved is not None:
            found[block.address] = resolved
    return found


def _resolved(
    block: RuntimeBlock, scope: Scope, diagnostics: Diagnostics
) -> RuntimeSettings | None:
    schema = SCHEMAS.get(block.type)
    if schema is None:
        diagnostics.error(
            "Unsupported runtime type",
            f'There is no runtime of type "{block.type}". Known are: {", ".join(sorted(SCHEMAS))}.'
            f"{did_you_mean(block.type, SCHEMAS)}",
            range=block.range,
        )
        return None
    value = BodyResolver(scope=scope, diagnostics=diagnostics).resolve(
        schema, block.body, block.range
    )
    arguments = plain(value)
    assert isinstance(arguments, Mapping)  # noqa: S101 - a body gives an object
    if has_unknown(value):
        return None
    problems = requirements_problems(arguments)
    for name, message in problems:
        diagnostics.error(
            "Invalid requirement", message, range=range_of(block.body, (name,), block.range)
        )
    if problems:
        return None
    asked = any(arguments.get(name) is not None for name in ("cpus", "memory", "gpus", "timeout"))
    return RuntimeSettings(
        address=block.address,
        type=block.type,
        arguments=arguments,
        image=str(arguments.get("image") or ""),
        requirements=requirements_of(arguments, Requirements()) if asked else None,
        range=block.range,
    )


def runtime_of(block: ResourceBlock, module: Module) -> str:
    """Return `type.name` of the runtime that a resource runs on."""
    if block.runtime is not None:
        return block.runtime
    for address, runtime in module.runtimes.items():
        if runtime.name == "default":
            return address
    return DEFAULT_RUNTIME
