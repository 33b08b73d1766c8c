"""Which attributes of resources a plan's values come from, followed wherever expressions lead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from mlform.addresses import ModulePath, ModuleStep, ResourceAddress, without_keys
from mlform.config.blocks import Config, Module
from mlform.dataclass import dataclass, field
from mlform.digests import JsonObject
from mlform.graph.bodies import references_at
from mlform.graph.reach import REPETITION, Steps, named_resource, repeated_over, split_key
from mlform.lang.references import Reference, references
from mlform.schema import BlockSchema


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expression stands: in an instance of a module, and perhaps in a block there."""

    module: ModulePath
    holder: ResourceAddress | None = None


_Lead: TypeAlias = tuple[Reference, _Place]


def relevant_attributes(
    config: Config,
    schemas: Mapping[str, BlockSchema],
    *,
    resources: Iterable[ResourceAddress],
    outputs: Iterable[tuple[ModulePath, str]],
) -> list[JsonObject]:
    """Return `{resource, attribute}` for all that these come from, in order of address.

    Args:
        config: The modules.
        schemas: Schema of the body of each kind.
        resources: Instances that change.
        outputs: Those that change, with their instances of modules.
    """
    search = _Search(config=config, schemas=schemas)
    for address in resources:
        search.follow(search.within(address, ()))
    for path, name in outputs:
        search.follow(search.of_outputs(path, (name,)))
    found = sorted(((str(address), path) for address, path in search.found), key=str)
    return [{"resource": resource, "attribute": list(path)} for resource, path in found]


@dataclass(slots=True, kw_only=True)
class _Search:
    """What was found so far; nothing is looked at twice.

    As in Terraform, a key that is not constant ends a reference: a resource is then meant as it is,
    a module with all of its outputs and without key.
    """

    config: Config
    schemas: Mapping[str, BlockSchema]
    found: dict[tuple[ResourceAddress, Steps], None] = field(default_factory=dict)
    seen: set[_Lead] = field(default_factory=set)

    def follow(self, leads: Iterable[_Lead]) -> None:
        """Look at references, and at all that they lead to."""
        waiting = list(leads)
        while waiting:
            lead = waiting.pop()
            if lead not in self.seen:
                self.seen.add(lead)
                waiting += self._next(*lead)

    def within(self, address: ResourceAddress, path: Steps) -> Iterator[_Lead]:
        """Return what the arguments of a resource refer to, below a path into them."""
        block = self.config.resource(address.block)
        if block is not None:
            place = _Place(address.module, address)
            schema = self.schemas.get(address.kind)
            for reference in references_at(block.body, schema, path):
                yield reference, place

    def of_outputs(self, path: ModulePath, names: Iterable[str] | None) -> Iterator[_Lead]:
        """Return what outputs of an instance of a module refer to; all of them without names."""
        module = self.config.modules.get(without_keys(path))
        if module is None:
            return
        for name in module.outputs if names is None else names:
            if name in module.outputs:
                for reference in references(module.outputs[name].value):
                    yield reference, _Place(path)

    def _next(self, reference: Reference, place: _Place) -> Iterator[_Lead]:
        module = self.config.modules[without_keys(place.module)]
        name = reference.steps[0] if reference.steps else None
        if not isinstance(name, str):
            return
        if reference.root == "local" and name in module.locals:
            for item in references(module.locals[name].expression):
                yield item, _Place(place.module)
        elif reference.root == "var" and place.module:
            yield from self._argument(name, place.module)
        elif reference.root == "module" and name in module.calls:
            yield from self._called(reference, name, module, place.module)
        elif reference.root in REPETITION and place.holder is not None:
            block = self.config.resource(place.holder.block)
            for item in () if block is None else repeated_over(block):
                yield item, _Place(place.module)
        elif (named := named_resource(reference, self.config, place.module)) is not None:
            self.found[named] = None
            address, steps = named
            path = steps[:1] if steps and isinstance(steps[0], str) else ()
            yield from self.within(address, path)

    def _argument(self, name: str, module: ModulePath) -> Iterator[_Lead]:
        outer = module[:-1]
        call = self.config.modules[without_keys(outer)].calls[module[-1].name]
        argument = call.arguments.get(name)
        if argument is not None:
            for item in references(argument.expression):
                yield item, _Place(outer)

    def _called(
        self, reference: Reference, name: str, module: Module, place: ModulePath
    ) -> Iterator[_Lead]:
        key, rest = split_key(reference, module.calls[name])
        output = rest[0] if rest else None
        names = None if output is None else (str(output),)
        yield from self.of_outputs((*place, ModuleStep(name, key)), names)
