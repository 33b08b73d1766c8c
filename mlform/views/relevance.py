"""Which attributes of resources a plan's values come from, followed through modules and locals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlform.addresses import InstanceKey, ModulePath, ModuleStep, ResourceAddress, without_keys
from mlform.config.blocks import Config
from mlform.dataclass import dataclass, field
from mlform.digests import JsonObject
from mlform.graph.bodies import body_references
from mlform.lang.references import Reference, references
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
    search = _Search(config=config, schemas=schemas)
    for address in resources:
        search.resource(address)
    places: list[tuple[ModulePath, str]] = [((), name) for name in outputs]
    for path in modules:
        called = config.modules.get(without_keys(path))
        places += [(path, name) for name in (called.outputs if called else ())]
    for path, name in places:
        output = config.modules[without_keys(path)].outputs.get(name)
        search.follow(references(output.value) if output else (), path)
    found = sorted(search.found, key=str)
    return [{"resource": resource, "attribute": list(path)} for resource, path in found]


@dataclass(slots=True, kw_only=True)
class _Search:
    """What was found so far; nothing is looked at twice."""

    config: Config
    schemas: Mapping[str, BlockSchema]
    found: dict[tuple[str, tuple[str | int, ...]], None] = field(default_factory=dict)
    seen: set[tuple[ModulePath, Reference]] = field(default_factory=set)

    def resource(self, address: ResourceAddress) -> None:
        """Look at what the arguments of a resource refer to."""
        block = self.config.resource(address.block)
        if block is not None:
            schema = self.schemas.get(address.kind)
            self.follow(body_references(block.body, schema), address.module)

    def follow(self, wanted: Iterable[Reference], instance: ModulePath) -> None:
        """Look at references written in an instance of a module."""
        waiting = [(reference, instance) for reference in wanted]
        while waiting:
            reference, place = waiting.pop(0)
            if (place, reference) not in self.seen:
                self.seen.add((place, reference))
                waiting += self._next(reference, place)

    def _next(
        self, reference: Reference, place: ModulePath
    ) -> Iterator[tuple[Reference, ModulePath]]:
        module = self.config.modules.get(without_keys(place))
        name = reference.steps[0] if reference.steps else None
        if module is None or not isinstance(name, str):
            return
        if reference.root == "local" and name in module.locals:
            for item in references(module.locals[name].expression):
                yield item, place
        elif reference.root == "var" and place:
            caller = self.config.modules[without_keys(place)[:-1]]
            argument = caller.calls[place[-1].name].arguments.get(name)
            for item in references(argument.expression) if argument is not None else ():
                yield item, place[:-1]
        elif reference.root == "module" and name in module.calls:
            call = module.calls[name]
            keyed = call.count is not None or call.for_each is not None
            key, rest = _key(reference, keyed=keyed)
            yield from self._output(rest, (*place, ModuleStep(name, key)))
        else:
            self._take(reference, name, place)

    def _output(
        self, rest: tuple[str | int | None, ...], place: ModulePath
    ) -> Iterator[tuple[Reference, ModulePath]]:
        called = self.config.modules.get(without_keys(place))
        output = called.outputs.get(str(rest[0])) if called is not None and rest else None
        for item in references(output.value) if output is not None else ():
            yield item, place

    def _take(self, reference: Reference, name: str, place: ModulePath) -> None:
        holder = ResourceAddress(reference.root, name, None, place)
        block = self.config.resource(holder.block)
        if block is None:
            return
        keyed = block.count is not None or block.for_each is not None
        key, rest = _key(reference, keyed=keyed)
        address = ResourceAddress(reference.root, name, key, place)
        path = tuple(step for step in rest if step is not None)
        self.found[(str(address), path)] = None


def _key(reference: Reference, *, keyed: bool) -> tuple[InstanceKey, tuple[str | int | None, ...]]:
    """Return the key of the instance that a reference names, and the steps after it."""
    rest = reference.steps[1:]
    return (rest[0], rest[1:]) if keyed and rest else (None, rest)
