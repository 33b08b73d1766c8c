"""Which attributes of resources a plan's values come from, followed through modules and locals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import ModulePath, ResourceAddress, without_keys
from mlform.config.blocks import Config
from mlform.digests import JsonObject
from mlform.graph.bodies import body_references
from mlform.graph.reach import Reach
from mlform.lang.references import references
from mlform.schema import BlockSchema


def relevant_attributes(
    config: Config,
    schemas: Mapping[str, BlockSchema],
    *,
    resources: Iterable[ResourceAddress],
    outputs: Iterable[str],
    modules: Iterable[ModulePath],
) -> list[JsonObject]:
    """Return `{resource, attribute}` for all that these refer to, in order of address.

    Args:
        config: The modules.
        schemas: Schema of the body of each kind.
        resources: Instances that change.
        outputs: Names of the root outputs that change.
        modules: Instances of modules, all of whose outputs count: no state tells them apart.
    """
    reach = Reach(config=config)
    for address in resources:
        block = config.resource(address.block)
        if block is not None:
            reach.follow(body_references(block.body, schemas.get(address.kind)), address.module)
    places: list[tuple[ModulePath, str]] = [((), name) for name in outputs]
    for path in modules:
        called = config.modules.get(without_keys(path))
        places += [(path, name) for name in (called.outputs if called else ())]
    for path, name in places:
        output = config.modules[without_keys(path)].outputs.get(name)
        reach.follow(references(output.value) if output else (), path)
    found = sorted(((str(address), path) for address, path in reach.found), key=str)
    return [{"resource": resource, "attribute": list(path)} for resource, path in found]
