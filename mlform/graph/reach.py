"""Which attributes of resources expressions come from, followed through modules and locals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from mlform.addresses import InstanceKey, ModulePath, ModuleStep, ResourceAddress, without_keys
from mlform.config.blocks import Config, ModuleCall, ResourceBlock
from mlform.dataclass import dataclass, field
from mlform.hcl import ast
from mlform.lang.references import Reference, references

REPETITION = frozenset({"count", "each"})
"""Roots that stand for what a block or call repeats over."""

Steps: TypeAlias = tuple[str | int, ...]
"""Constant steps after the address of a resource."""


@dataclass(slots=True, kw_only=True)
class Reach:
    """What was found so far; nothing is looked at twice.

    A whole module stands for all its outputs, `each` and `count` for what is repeated over.

    Attributes:
        config: The modules.
        found: Resources with the steps after them; no key stands for all instances.
    """

    config: Config
    found: dict[tuple[ResourceAddress, Steps], None] = field(default_factory=dict)
    seen: set[tuple[ModulePath, Reference]] = field(default_factory=set)

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
            call = caller.calls[place[-1].name]
            argument = call.arguments.get(name)
            if argument is not None:
                for item in self._of(argument.expression, call):
                    yield item, place[:-1]
        elif reference.root == "module" and name in module.calls:
            key, rest = split_key(reference, module.calls[name])
            yield from self._output(rest, (*place, ModuleStep(name, key)))
        elif (resource := named_resource(reference, self.config, place)) is not None:
            self.found[resource] = None

    def _of(self, expression: ast.Expression, call: ModuleCall) -> Iterator[Reference]:
        found = references(expression)
        yield from found
        if any(item.root in REPETITION for item in found):
            yield from repeated_over(call)

    def _output(
        self, rest: tuple[str | int | None, ...], place: ModulePath
    ) -> Iterator[tuple[Reference, ModulePath]]:
        called = self.config.modules.get(without_keys(place))
        if called is None:
            return
        rest = tuple(step for step in rest if step is not None)
        names = (str(rest[0]),) if rest else tuple(called.outputs)
        for name in names:
            if name in called.outputs:
                for item in references(called.outputs[name].value):
                    yield item, place


def named_resource(
    reference: Reference, config: Config, place: ModulePath
) -> tuple[ResourceAddress, Steps] | None:
    """Return the resource that a reference names, with the steps after it; None if it names none.

    Args:
        reference: Written in an instance of a module.
        config: The modules.
        place: The instance.
    """
    name = reference.steps[0] if reference.steps else None
    if not isinstance(name, str):
        return None
    block = config.resource(ResourceAddress(reference.root, name, None, place).block)
    if block is None:
        return None
    key, rest = split_key(reference, block)
    steps = tuple(step for step in rest if step is not None)
    return ResourceAddress(reference.root, name, key, place), steps


def split_key(
    reference: Reference, block: ModuleCall | ResourceBlock
) -> tuple[InstanceKey, tuple[str | int | None, ...]]:
    """Return the key of the instance of a block that is referred to, and the steps after it."""
    rest = reference.steps[1:]
    keyed = block.count is not None or block.for_each is not None
    return (rest[0], rest[1:]) if keyed and rest else (None, rest)


def repeated_over(block: ModuleCall | ResourceBlock) -> Iterator[Reference]:
    """Return what `count` or `for_each` of a block refers to."""
    for expression in (block.count, block.for_each):
        if expression is not None:
            yield from references(expression)
