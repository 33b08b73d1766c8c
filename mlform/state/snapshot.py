"""One version of the state, and the entries that lead from one version to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass, field, replace
from mlform.digests import Digest, Json, JsonObject

Path: TypeAlias = tuple[str | int, ...]
"""Steps into a JSON document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who made an object, with what.

    Attributes:
        applied_at: Time in UTC, ISO 8601 with seconds.
        applied_by: `user@host`.
        mlform_version: Version that applied it.
        runtime: Description of the runtime's environment, or empty.
        image: Pinned image reference, or empty.
        duration: Seconds that its step took.
        reused: Whether the result came from the store without running anything.
    """

    applied_at: str
    applied_by: str
    mlform_version: str
    runtime: str = ""
    image: str = ""
    duration: float = 0.0
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRecord:
    """One object that exists.

    Attributes:
        address: Its instance address.
        schema_version: Version of the kind's schema that `attributes` follow.
        attributes: All arguments and computed attributes, as encoded by the kind's schema.
        sensitive: Paths into `attributes` of sensitive values.
        recipe: What the artifact depends on, by component; empty for kinds without artifact.
        recipe_digest: Digest of the recipe, or None.
        artifact: The artifact, or None.
        handle: What the runtime needs to find a served object again; empty otherwise.
        dependencies: Block addresses that its configuration refers to directly, sorted.
        tainted: Whether its creation failed half-way, so that it must be replaced.
        create_before_destroy: Whether its replacement is created before it is destroyed.
        stays: Whether it is forgotten instead of destroyed when it goes.
        provenance: Who made it.
    """

    address: ResourceAddress
    schema_version: int = 1
    attributes: JsonObject
    sensitive: tuple[Path, ...] = ()
    recipe: JsonObject = field(default_factory=dict)
    recipe_digest: Digest | None = None
    artifact: Digest | None = None
    handle: JsonObject = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    tainted: bool = False
    create_before_destroy: bool = False
    stays: bool = False
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRecord:
    """The value of a root output; `type` is in cty's JSON form of types."""

    value: Json
    type: Json
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedObject:
    """How the conditions of one object stood: `messages` are those of the ones that failed."""

    address: str
    status: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """How the conditions of something stood when the state was last applied.

    Attributes:
        kind: `resource`, `output_value`, `check` or `var`, as in Terraform's JSON.
        block: Its address without keys.
        status: `pass`, `fail`, `error` or `unknown`: the worst of its objects.
        objects: Its instances that were looked at.
    """

    kind: str
    block: str
    status: str
    objects: tuple[CheckedObject, ...] = ()


ObjectKey: TypeAlias = tuple[ResourceAddress, str]
"""An object: its address, and a deposed key or an empty string for the current object."""

CURRENT: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Written before a step touches the world.

    Attributes:
        step: Identity of the step in the world: label of its containers and processes.
        address: Of the resource.
        operation: Name of the step's operation, such as `create`.
        runtime: Name of the runtime it uses (`type.name`), or empty.
        at: When it was written.
    """

    step: str
    address: ResourceAddress
    operation: str
    runtime: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An object exists as recorded; ends the intent of `step`."""

    step: str
    record: ResourceRecord
    deposed: str = CURRENT
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """An object is gone, or forgotten; ends the intent of `step`."""

    step: str
    address: ResourceAddress
    deposed: str = CURRENT
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposed:
    """The current object was set aside under a deposed key, to be destroyed later."""

    address: ResourceAddress
    deposed: str
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The object at `source` is called differently from now on: `record` takes its place."""

    source: ResourceAddress
    record: ResourceRecord
    deposed: str = CURRENT
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """A step failed and left nothing behind; ends its intent."""

    step: str
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsSet:
    """The root outputs have these values from now on."""

    outputs: Mapping[str, OutputRecord]
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksSet:
    """The conditions stand like this from now on."""

    checks: tuple[CheckRecord, ...]
    at: str = ""


Entry: TypeAlias = (
    Intent | Recorded | Removed | Deposed | Moved | Abandoned | OutputsSet | ChecksSet
)
"""What happened; `at` is when, in UTC, ISO 8601, and empty where only the run tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One version of the state.

    Attributes:
        lineage: Identity of this line of states; also the label of everything it owns.
        serial: Grows with every version written.
        objects: Current and deposed objects.
        outputs: Root outputs.
        checks: How the conditions stood when it was last applied.
        intents: Steps that began and have not ended: only after a run died.
    """

    lineage: str
    serial: int = 0
    objects: Mapping[ObjectKey, ResourceRecord] = field(default_factory=dict)
    outputs: Mapping[str, OutputRecord] = field(default_factory=dict)
    checks: tuple[CheckRecord, ...] = ()
    intents: tuple[Intent, ...] = ()

    def current(self, address: ResourceAddress) -> ResourceRecord | None:
        """Return the current object at an address, or None."""
        return self.objects.get((address, CURRENT))

    @property
    def in_order(self) -> tuple[tuple[str, ResourceRecord], ...]:
        """All objects with their deposed keys, in order of address, then key."""
        keys = sorted(self.objects, key=lambda key: (key[0].order, key[1]))
        return tuple((key[1], self.objects[key]) for key in keys)

    @property
    def records(self) -> tuple[ResourceRecord, ...]:
        """The current objects, in order of address."""
        return tuple(record for deposed, record in self.in_order if deposed == CURRENT)

    @property
    def by_block(self) -> Mapping[ResourceAddress, tuple[ResourceRecord, ...]]:
        """The current objects of each block, in order of address."""
        found: dict[ResourceAddress, list[ResourceRecord]] = {}
        for record in self.records:
            found.setdefault(record.address.block, []).append(record)
        return {block: tuple(records) for block, records in found.items()}

    @property
    def deposed(self) -> tuple[tuple[str, ResourceRecord], ...]:
        """The deposed objects with their keys, in order of address and key."""
        return tuple(item for item in self.in_order if item[0] != CURRENT)


def entries_to(before: State, after: State) -> tuple[Entry, ...]:
    """Return entries that lead from one state to another of the same lineage."""
    found: list[Entry] = [
        Removed(step="", address=address, deposed=deposed)
        for address, deposed in sorted(before.objects)
        if (address, deposed) not in after.objects
    ]
    found.extend(
        Recorded(step="", record=record, deposed=deposed)
        for (_, deposed), record in after.objects.items()
        if _differs(before.objects.get((record.address, deposed)), record)
    )
    if before.outputs != after.outputs:
        found.append(OutputsSet(outputs=after.outputs))
    if before.checks != after.checks:
        found.append(ChecksSet(checks=after.checks))
    left = {intent.step for intent in after.intents}
    found.extend(
        Abandoned(step=intent.step) for intent in before.intents if intent.step not in left
    )
    return tuple(found)


def _differs(before: ResourceRecord | None, after: ResourceRecord) -> bool:
    # Most objects of a large state are the very same ones: no need to look into them.
    return before is not after and before != after


def apply_entries(state: State, entries: tuple[Entry, ...]) -> State:
    """Return the state after these entries; serial and lineage stay."""
    unfolded = Unfolded(state)
    for entry in entries:
        unfolded.add(entry)
    return unfolded.state


class Unfolded:
    """A state that entries are added to one by one, each at a cost that does not grow with it."""

    def __init__(self, state: State) -> None:
        self._state: State | None = state
        self._base = state
        self._outputs = state.outputs
        self._checks = state.checks
        self._objects = dict(state.objects)
        self._intents = {intent.step: intent for intent in state.intents}

    @property
    def objects(self) -> Mapping[ObjectKey, ResourceRecord]:
        """The objects as they are now and will be: it changes with every entry."""
        return self._objects

    @property
    def state(self) -> State:
        """The state after the entries so far; costs as much as it has objects."""
        if self._state is None:
            self._state = self._base = replace(
                self._base,
                objects=dict(self._objects),
                outputs=self._outputs,
                checks=self._checks,
                intents=tuple(self._intents.values()),
            )
        return self._state

    def add(self, entry: Entry) -> None:
        """Apply one entry."""
        self._state = None
        objects, intents = self._objects, self._intents
        match entry:
            case Intent():
                intents[entry.step] = entry
            case Recorded():
                objects[(entry.record.address, entry.deposed)] = entry.record
                intents.pop(entry.step, None)
            case Removed():
                objects.pop((entry.address, entry.deposed), None)
                intents.pop(entry.step, None)
            case Deposed():
                record = objects.pop((entry.address, CURRENT), None)
                if record is not None:
                    objects[(entry.address, entry.deposed)] = record
            case Moved():
                objects.pop((entry.source, entry.deposed), None)
                objects[(entry.record.address, entry.deposed)] = entry.record
            case Abandoned():
                intents.pop(entry.step, None)
            case OutputsSet():
                self._outputs = entry.outputs
            case ChecksSet():
                self._checks = entry.checks
