"""Which planned changes, or which edits, the attributes of an object change for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from mlform.addresses import ResourceAddress, covers
from mlform.config.blocks import ResourceBlock
from mlform.dataclass import dataclass, field
from mlform.digests import JsonObject
from mlform.graph.bodies import references_at
from mlform.graph.evaluation import Evaluation
from mlform.graph.reach import REPETITION, Reach, repeated_over
from mlform.lang.references import Reference
from mlform.plan.changes import Attribution, Cause, Change, Reason
from mlform.plan.differing import differences, summed_up
from mlform.plan.triggers import changes_at
from mlform.state.snapshot import Path, ResourceRecord, State

_FEW = 16
"""Instances that are named one by one; the block stands for more."""


@dataclass(slots=True, kw_only=True)
class Origins:
    """Finds the changes that arguments follow from, as far as changes are planned.

    Attributes:
        evaluation: The configuration.
        state: What there is.
        planned: The changes of each block.
    """

    evaluation: Evaluation
    state: State
    planned: dict[ResourceAddress, list[Change]] = field(default_factory=dict)
    _recorded: Mapping[ResourceAddress, tuple[ResourceRecord, ...]] | None = None
    _named: dict[tuple[ResourceAddress, Path], tuple[int, tuple[str, ...]]] = field(
        default_factory=dict
    )

    def add(self, change: Change) -> None:
        """Take note of a planned change."""
        self.planned.setdefault(change.address.block, []).append(change)

    def of(self, block: ResourceBlock, address: ResourceAddress, path: Path) -> tuple[str, ...]:
        """Return the addresses of the changed objects, or blocks, that an argument comes from.

        Args:
            block: The resource.
            address: Of the instance.
            path: Into its arguments.
        """
        reach = Reach(config=self.evaluation.config)
        reach.follow(self._written(block, path), address.module)
        found: dict[str, None] = {}
        for holder, steps in reach.found:
            found.update(dict.fromkeys(self._names(holder, steps)))
        return tuple(found)

    def _names(self, holder: ResourceAddress, steps: Path) -> tuple[str, ...]:
        """Return the addresses of what changes, or of the block where that is very much.

        Found once, because every instance of a block that refers to the instances of another one
        asks for the same.
        """
        planned = len(self.planned.get(holder.block, ()))
        known = self._named.get((holder, steps))
        if known is None or known[0] != planned:
            names = tuple(str(each) for each in self._changed(holder, steps))
            if len(names) > _FEW:
                names = (str(holder),)
            known = self._named[(holder, steps)] = (planned, names)
        return known[1]

    def _written(self, block: ResourceBlock, path: Path) -> Iterator[Reference]:
        schema = self.evaluation.schemas.get(block.address.kind)
        found = tuple(references_at(block.body, None if schema is None else schema.body, path))
        yield from found
        if any(item.root in REPETITION for item in found):
            yield from repeated_over(block)

    def _changed(self, holder: ResourceAddress, steps: Path) -> Iterator[ResourceAddress]:
        schema = self.evaluation.schemas[holder.kind]
        if steps and steps[0] in schema.exposed:
            steps = (schema.exposed[str(steps[0])], *steps[1:])
        planned = self.planned.get(holder.block, [])
        for change in planned:
            if covers(holder, change.address) and changes_at(change, steps):
                yield change.address
        if not planned or holder.key is not None:
            return
        there = {change.address for change in planned}
        if self._recorded is None:
            self._recorded = self.state.by_block
        for record in self._recorded.get(holder.block, ()):
            # It is not planned to stay, so it goes.
            if record.address not in there and covers(holder, record.address):
                yield record.address


def attributions(
    change: Change, computed: frozenset[str], upstream: Callable[[Path], tuple[str, ...]]
) -> tuple[Attribution, ...]:
    """Return why each attribute of an object that is there already changes.

    Args:
        change: What happens to it.
        computed: Names of the attributes that follow from all the others.
        upstream: Returns the changes that an argument follows from.
    """
    if change.before is None or change.after is None:
        return ()
    return tuple(_attributions(change, change.before, change.after, computed, upstream))


def _attributions(
    change: Change,
    before: JsonObject,
    after: JsonObject,
    computed: frozenset[str],
    upstream: Callable[[Path], tuple[str, ...]],
) -> Iterator[Attribution]:
    unknown = {str(path[0]) for path in change.after_unknown}
    for name in sorted({*before, *after, *unknown}):
        found = differences(before.get(name), after.get(name), (name,))
        if name in computed:
            if found or name in unknown:
                yield _of_all(name, change.reasons)
            continue
        paths = [item.path for item in found]
        known = set(paths)
        # What was null and is unknown now is no difference, and changes all the same.
        paths += [
            path
            for path in change.after_unknown
            if path[0] == name and known.isdisjoint(path[:at] for at in range(1, len(path) + 1))
        ]
        for path in summed_up(paths) if paths else ():
            sources = upstream(path)
            cause = Cause.UPSTREAM if sources else Cause.CONFIG
            yield Attribution(path=path, causes=(cause,), upstream=sources)


def _of_all(name: str, reasons: Iterable[Reason]) -> Attribution:
    causes = dict.fromkeys(reason.cause for reason in reasons if reason.cause is not Cause.NEW)
    sources = dict.fromkeys(reason.upstream for reason in reasons if reason.upstream)
    return Attribution(
        path=(name,), causes=tuple(causes), upstream=tuple(name for name in sources if name)
    )
