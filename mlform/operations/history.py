"""What was applied to which address and when, from the journals of all runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from mlform.addresses import Target, covers
from mlform.backends.base import StateBackend
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostic, Severity
from mlform.operations.access import backend_alone
from mlform.operations.environment import Environment
from mlform.state.history import Happening, Replay, in_order
from mlform.state.journal import Damaged
from mlform.state.snapshot import State

_NAMED: Final = 3
"""Journals that are named of those with the same problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time and the objects that are asked about.

    Attributes:
        targets: Resources and modules, or instances of them; empty for all.
        since: From then on, in UTC, ISO 8601; empty for from the beginning.
        until: Up to then; empty for to the end.
    """

    targets: tuple[Target, ...] = ()
    since: str = ""
    until: str = ""

    def takes(self, happening: Happening) -> bool:
        """Whether something is asked about."""
        if happening.at < self.since or (self.until and happening.at > self.until):
            return False
        ends = (happening.address, *(() if happening.source is None else (happening.source,)))
        return not self.targets or any(
            covers(target, end) for target in self.targets for end in ends
        )


Warn = Callable[[Diagnostic], None]


def read_history(environment: Environment, span: Span, warn: Warn) -> Iterator[Happening]:
    """Return what happened, in the order of the runs; the journals are read one by one.

    Args:
        environment: The outside world.
        span: What is asked about.
        warn: Takes what is missing or damaged.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
        BackendError: If the history cannot be read.
    """
    backend = backend_alone(environment)
    replay = Replay(now=environment.timestamp())
    for happened in _replayed(backend, replay, warn):
        yield from (each for each in happened if span.takes(each))


def state_at(environment: Environment, moment: str, span: Span, warn: Warn) -> State:
    """Return the objects and outputs that there were at a moment.

    Args:
        environment: The outside world.
        moment: In UTC, ISO 8601.
        span: Which objects are asked about.
        warn: Takes what is missing or damaged.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
        BackendError: If state or history cannot be read.
    """
    backend = backend_alone(environment)
    current = backend.read()
    replay = Replay(now=environment.timestamp(), moment=moment)
    for _ in _replayed(backend, replay, warn):
        pass
    found = replay.state_then(current)
    if not span.targets:
        return found
    objects = {
        key: record
        for key, record in found.objects.items()
        if any(covers(target, key[0]) for target in span.targets)
    }
    return replace(found, objects=objects, outputs={})


def _replayed(backend: StateBackend, replay: Replay, warn: Warn) -> Iterator[tuple[Happening, ...]]:
    holder = backend.holder()
    damaged: list[Damaged] = []
    for each in in_order(backend.history()):
        if isinstance(each, Damaged):
            damaged.append(each)
            continue
        at_work = holder is not None and holder.id == each.run.id
        yield replay.add(replace(each, died=each.died and not at_work))
    for detail in damage_told(damaged):
        warn(_warning("Part of the history cannot be read", detail))
    for serial in replay.gaps:
        warn(
            _warning(
                "The history has a gap",
                f"What was done before the state had serial {serial} is not told, or only in part: "
                "its journals were not kept, are damaged, or the state was replaced by hand.",
            )
        )


def damage_told(damaged: Iterable[Damaged]) -> Iterator[str]:
    """Return what is wrong with journals, once for all that lack the same key or end alike."""
    places: dict[str, list[str]] = {}
    for each in damaged:
        places.setdefault(each.problem, []).append(each.where)
    for problem, found in places.items():
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        yield f"{'; '.join(found[:_NAMED])}{more}: {problem}"


def _warning(summary: str, detail: str) -> Diagnostic:
    return Diagnostic(severity=Severity.WARNING, summary=summary, detail=detail)
