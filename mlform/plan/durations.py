"""How long a plan takes, from how long everything took last time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlform.plan.changes import Change
from mlform.plan.steps import Operation, Step
from mlform.state.snapshot import ResourceRecord


def last_duration(record: ResourceRecord) -> float | None:
    """Return how long the last run took that made an object, in seconds, if that is known."""
    made = record.provenance
    # What came from the store without a run before it has no duration.
    return None if made.reused and not made.duration else made.duration


def expected_durations(steps: Sequence[Step], changes: Sequence[Change]) -> dict[str, float]:
    """Return the seconds that steps took last time, by id, as far as that is known."""
    expected = {
        str(change.address): change.expected_seconds
        for change in changes
        if change.expected_seconds
    }
    return {
        step.id: expected[str(step.address)]
        for step in steps
        if str(step.address) in expected and step.operation in {Operation.CREATE, Operation.REBUILD}
    }


def critical_path(
    steps: Sequence[Step], durations: Mapping[str, float]
) -> tuple[float | None, tuple[str, ...]]:
    """Return how long the steps take at least, in seconds, and the addresses that decide it.

    Args:
        steps: In a valid order.
        durations: Expected seconds by step id; a step that is absent is not known.
    """
    if not durations:
        return None, ()
    total: dict[str, float] = {}
    came_from: dict[str, str | None] = {}
    for step in steps:
        before = max(step.needs, key=lambda item: total[item], default=None)
        total[step.id] = durations.get(step.id, 0.0) + (total[before] if before else 0.0)
        came_from[step.id] = before
    at: str | None = max(total, key=lambda item: total[item])
    seconds = total[at] if at else 0.0
    addresses = {step.id: str(step.address) for step in steps}
    path: list[str] = []
    while at is not None:
        if at in durations:
            path.append(addresses[at])
        at = came_from[at]
    return seconds, tuple(reversed(path))
