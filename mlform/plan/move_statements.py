"""What is said of objects that are called differently, in the order in which it is applied.

The rules are Terraform's: chains from their beginning, inner moves after the outer ones. Whatever
has to do with a place is looked up, not searched for: there may be as many statements as objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlform.addresses import (
    InstanceKey,
    ModulePath,
    ModuleStep,
    ResourceAddress,
    Target,
    covers,
    print_target,
    without_keys,
)
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, SourceRange
from mlform.graph.dag import Dag


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveStatement:
    """From where to where, as seen from each instance of `module`.

    Attributes:
        module: Without keys.
        source: A resource or module.
        target: Likewise.
        whole: Whether it moves all instances, which keep their keys.
        range: Of the block, or None where it follows from a changed `count`.
    """

    module: ModulePath
    source: Target
    target: Target
    whole: bool
    range: SourceRange | None

    def relocated(self, address: ResourceAddress) -> ResourceAddress | None:
        """Return where an object goes, or None if the statement does not speak of it."""
        depth = len(self.module)
        outer, inner = address.module[:depth], address.module[depth:]
        if without_keys(outer) != self.module:
            return None
        source, target = self.source, self.target
        if isinstance(source, ResourceAddress):
            assert isinstance(target, ResourceAddress)  # noqa: S101 - checked with the statement
            named = (source.kind, source.name, source.module)
            if named != (address.kind, address.name, inner) or not self._takes(
                source.key, address.key
            ):
                return None
            key = address.key if self.whole else target.key
            return ResourceAddress(target.kind, target.name, key, (*outer, *target.module))
        assert not isinstance(target, ResourceAddress)  # noqa: S101 - checked with the statement
        at = len(source) - 1
        if inner[:at] != source[:at] or [step.name for step in inner[at : at + 1]] != [
            source[at].name
        ]:
            return None
        if not self._takes(source[at].key, inner[at].key):
            return None
        key = inner[at].key if self.whole else target[-1].key
        path = (*outer, *target[:-1], ModuleStep(target[-1].name, key), *inner[at + 1 :])
        return ResourceAddress(address.kind, address.name, address.key, path)

    def _takes(self, wanted: InstanceKey, key: InstanceKey) -> bool:
        return self.whole or wanted == key

    def absolute(self, end: Target) -> Target:
        """Return one of its ends as seen from the root module."""
        if isinstance(end, ResourceAddress):
            return ResourceAddress(end.kind, end.name, end.key, (*self.module, *end.module))
        return (*self.module, *end)


class Places:
    """Where objects are, while statements are applied one after the other."""

    def __init__(self, addresses: Iterable[ResourceAddress]) -> None:
        """Begin where objects are recorded."""
        self.sources: dict[ResourceAddress, ResourceAddress] = {}
        self._inside: dict[Target, set[ResourceAddress]] = {}
        for address in addresses:
            self._put(address, address)

    def reached_by(self, statement: MoveStatement) -> list[tuple[ResourceAddress, ResourceAddress]]:
        """Return what a statement speaks of and where each goes, in order of address."""
        last_key = not statement.whole
        end = _without_keys(statement.absolute(statement.source), last_key=last_key)
        found = []
        for address in self._inside.get(end, ()):
            target = statement.relocated(address)
            if target is not None and target != address:
                found.append((address, target))
        return sorted(found)

    def move(self, address: ResourceAddress, target: ResourceAddress) -> None:
        """Take an object to another place, where nothing is."""
        for end in _ends_around(address):
            self._inside[end].discard(address)
        self._put(target, self.sources.pop(address))

    def _put(self, address: ResourceAddress, source: ResourceAddress) -> None:
        self.sources[address] = source
        for end in _ends_around(address):
            self._inside.setdefault(end, set()).add(address)


def _without_keys(end: Target, *, last_key: bool) -> Target:
    """Return an end without keys, or with that of its last step alone."""
    if isinstance(end, ResourceAddress):
        key = end.key if last_key else None
        return ResourceAddress(end.kind, end.name, key, without_keys(end.module))
    return (*without_keys(end[:-1]), end[-1] if last_key else ModuleStep(end[-1].name))


def _ends_around(address: ResourceAddress) -> Iterator[Target]:
    """Return every source of a statement that may speak of an object, as `Places` looks it up."""
    for last_key in {False, address.key is not None}:
        yield _without_keys(address, last_key=last_key)
    for depth, step in enumerate(address.module, 1):
        for last_key in {False, step.key is not None}:
            yield _without_keys(address.module[:depth], last_key=last_key)


def in_order(
    statements: list[MoveStatement], diagnostics: Diagnostics
) -> tuple[MoveStatement, ...]:
    """Return statements in the order in which they are applied; those in a circle are a problem."""
    ends = [(each.absolute(each.source), each.absolute(each.target)) for each in statements]
    sources = _Ends(source for source, _ in ends)
    targets = _Ends(target for _, target in ends)
    needs = {}
    for at, (source, target) in enumerate(ends):
        near = {*targets.same(source), *targets.around(source), *targets.around(target)}
        if not isinstance(source, ResourceAddress):
            near.update(sources.within(source), targets.within(source))
        near.discard(at)
        needs[at] = tuple(other for other in sorted(near) if _comes_first(ends[other], ends[at]))
    order = Dag(needs).order()
    if len(order) < len(statements):
        done = frozenset(order)
        left = [statements[at] for at in needs if at not in done]
        lines = [
            f"  {item.range}: {print_target(item.absolute(item.source))} to "
            f"{print_target(item.absolute(item.target))}"
            for item in left
        ]
        diagnostics.error(
            "Cyclic dependency in move statements",
            "Objects would move in a circle:\n"
            + "\n".join(lines)
            + "\n\nRemove one of the blocks.",
            range=left[0].range,
        )
    return tuple(statements[at] for at in order)


class _Ends:
    """The sources or the targets of all statements; answers are positions, rather too many."""

    def __init__(self, ends: Iterable[Target]) -> None:
        self._exact: dict[Target, list[int]] = {}
        self._whole: dict[Target, list[int]] = {}
        self._blocks: dict[Target, list[int]] = {}
        self._inside: dict[Target, list[int]] = {}
        for at, end in enumerate(ends):
            block = _block(end)
            self._exact.setdefault(end, []).append(at)
            self._blocks.setdefault(block, []).append(at)
            if isinstance(end, ResourceAddress) and end.key is None:
                self._whole.setdefault(block, []).append(at)
            for outer in _modules(end):
                self._inside.setdefault(outer, []).append(at)

    def same(self, end: Target) -> list[int]:
        """Return those that name what another end names, or instances of it."""
        block = _block(end)
        if isinstance(end, ResourceAddress) and end.key is None:
            return self._blocks.get(block, [])
        return self._exact.get(end, []) + self._whole.get(block, [])

    def around(self, end: Target) -> list[int]:
        """Return the modules that an end lies in."""
        return [at for outer in _modules(end) for at in self._blocks.get(outer, ())]

    def within(self, module: ModulePath) -> list[int]:
        """Return those that lie in a module."""
        return self._inside.get(without_keys(module), [])


def _block(end: Target) -> Target:
    return end.block if isinstance(end, ResourceAddress) else without_keys(end)


def _modules(end: Target) -> Iterator[ModulePath]:
    """Return the modules that an end lies in, without keys."""
    path = without_keys(end.module if isinstance(end, ResourceAddress) else end[:-1])
    return (path[:depth] for depth in range(1, len(path) + 1))


def _comes_first(first: tuple[Target, Target], second: tuple[Target, Target]) -> bool:
    """Whether a statement, of which these are the ends, is to be applied before another one."""
    return (
        _same(second[0], first[1])
        or _is_within(second[0], first[1])
        or _is_within(second[1], first[1])
        or _is_within(first[0], second[0])
        or _is_within(first[1], second[0])
    )


def _same(one: Target, other: Target) -> bool:
    """Whether two ends name the same thing, or one an instance of the other."""
    if isinstance(one, ResourceAddress) and isinstance(other, ResourceAddress):
        return one == other or (one.block == other.block and None in {one.key, other.key})
    return one == other


def _is_within(inner: Target, outer: Target) -> bool:
    """Whether something lies in a module."""
    if isinstance(outer, ResourceAddress):
        return False
    path = inner.module if isinstance(inner, ResourceAddress) else inner[:-1]
    return covers(outer, ResourceAddress("", "", None, path))
