"""What is no longer as the state says, and the state that takes note of it.

Servers are looked at, and artifacts looked for in the store. What is gone leaves the state, as
vanished objects do in Terraform; a server that somebody stopped or changed stays and is tainted,
since it can never be trusted again, and evidence of it may not last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlform.addresses import ResourceAddress
from mlform.dataclass import replace
from mlform.digests import Digest, short
from mlform.plan.changes import Cause, Change, Drift, Move
from mlform.plan.reality import Reality
from mlform.resources.base import AnyKind, kind_of
from mlform.state.snapshot import Entry, Recorded, Removed, ResourceRecord, State

_FINGERPRINT = "source_fingerprint"
"""The attribute that says which source files an object was made from."""


def problems_of(record: ResourceRecord, kind: AnyKind, reality: Reality) -> tuple[str, ...]:
    """Return what is not as the state says, one sentence each."""
    if kind.sort == "server":
        return reality.observe(record).problems
    if record.artifact is not None and not reality.has_artifact(record):
        return (f"the artifact {short(record.artifact)} is not in the store any more",)
    return ()


def refreshed(record: ResourceRecord, kind: AnyKind, reality: Reality) -> ResourceRecord | None:
    """Return what the state says of an object after a look at it; None if it is gone."""
    if kind.sort == "server":
        seen = reality.observe(record)
        if seen.gone:
            return None
        tainted = record.tainted or not seen.healthy
        attributes = {**record.attributes, **kind.condition(sound=not tainted)}
        return replace(record, tainted=tainted, attributes=attributes)
    return None if problems_of(record, kind, reality) else record


def find_drift(
    state: State,
    kinds: Mapping[str, AnyKind],
    reality: Reality,
    looks_at: Callable[[ResourceAddress], bool] | None,
    moves: Iterable[Move],
) -> tuple[Drift, ...]:
    """Return what a refresh takes note of, in order of address.

    Args:
        state: The state, moves carried out.
        kinds: By name.
        reality: Where to look.
        looks_at: Whether to look at an object; None for every one.
        moves: What is called differently.
    """
    sources = {move.target: move.source for move in moves}
    found = []
    for address, deposed in sorted(state.objects):
        record = state.objects[(address, deposed)]
        if looks_at is not None and not looks_at(address):
            continue
        kind = kind_of(kinds, address)
        after = refreshed(record, kind, reality)
        if after != record or address in sources:
            found.append(
                Drift(
                    address=address,
                    deposed=deposed,
                    problems=() if after == record else problems_of(record, kind, reality),
                    before=record,
                    after=after,
                    previous_address=sources.get(address),
                )
            )
    return tuple(found)


def drift_behind(
    changes: Iterable[Change],
    state: State,
    kinds: Mapping[str, AnyKind],
    reality: Reality,
    *,
    observe: bool,
) -> tuple[Drift, ...]:
    """Return what changed outside of mlform and is a reason of changes.

    Args:
        changes: All changes.
        state: The state.
        kinds: By name.
        reality: Where to look.
        observe: Whether to look beyond the files that objects are made from.
    """
    found = []
    for change in changes:
        problems = tuple(reason.message for reason in change.reasons if reason.cause is Cause.DRIFT)
        record = state.current(change.address)
        if not problems or record is None:
            continue
        kind = kind_of(kinds, change.address)
        after = refreshed(record, kind, reality) if observe else record
        if after is not None:
            after = _with_source(after, change.sources)
        if after != record:
            found.append(
                Drift(address=change.address, problems=problems, before=record, after=after)
            )
    return tuple(found)


def _with_source(record: ResourceRecord, sources: Mapping[str, Digest]) -> ResourceRecord:
    """Return a record with the fingerprint that its source files have now."""
    digest = sources.get("source")
    if digest is None or _FINGERPRINT not in record.attributes:
        return record
    return replace(record, attributes={**record.attributes, _FINGERPRINT: digest})


def refreshed_state(state: State, drift: tuple[Drift, ...]) -> State:
    """Return the state that took note of drift."""
    if not drift:
        return state
    objects = dict(state.objects)
    for item in drift:
        key = (item.address, item.deposed)
        if item.after is None:
            objects.pop(key, None)
        else:
            objects[key] = item.after
    return replace(state, objects=objects)


def refresh_entries(drift: Iterable[Drift]) -> tuple[Entry, ...]:
    """Return the entries that take note of drift."""
    found: list[Entry] = []
    for item in drift:
        step = f"refresh {item.address}"
        if item.after is None:
            found.append(Removed(step=step, address=item.address, deposed=item.deposed))
        elif item.after != item.before:
            found.append(Recorded(step=step, record=item.after, deposed=item.deposed))
    return tuple(found)
