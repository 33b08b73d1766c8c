"""Proving that applied artifacts can be made again, to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mlform.addresses import ResourceAddress
from mlform.apply.events import StepFailed, StepFinished, StepProgress, StepStarted
from mlform.apply.making import Making, run_task
from mlform.apply.needs import needs_of
from mlform.apply.ports import Ports
from mlform.apply.slots import Slots
from mlform.apply.stop import Stop
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostics
from mlform.digests import Digest
from mlform.errors import MlformError, UsageError
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import ResourceNode
from mlform.graph.runtimes import runtime_of
from mlform.operations.access import open_backend
from mlform.operations.environment import Environment
from mlform.operations.loading import Loaded, load
from mlform.operations.pins import resolve_pins
from mlform.operations.ports import make_ports
from mlform.operations.results import Verified
from mlform.operations.world import World
from mlform.plan.recipes import gather
from mlform.plan.recorded import recorded_value
from mlform.plan.steps import Operation
from mlform.resources.base import ArtifactKind
from mlform.state.snapshot import ResourceRecord, State
from mlform.tasks import TaskEvent


def verify(environment: Environment, addresses: Sequence[ResourceAddress]) -> tuple[Verified, ...]:
    """Run the tasks of applied artifacts again and compare digests; the state is not changed.

    Args:
        environment: The outside world.
        addresses: Which ones; empty for all.

    Raises:
        UsageError: If an address has no artifact.
        MlformError: If state, store or a runtime cannot be used.
    """
    loaded = load(environment)
    backend = open_backend(environment, loaded)
    state = backend.read() or State(lineage=environment.new_id())
    pins = resolve_pins(environment, loaded.runtimes.values(), readonly=True)
    world = World(environment, loaded.runtimes, pins.images, state)
    ports = make_ports(environment, world, backend, Stop())
    try:
        return tuple(_Verification(environment, loaded, state, ports).run(tuple(addresses)))
    finally:
        world.close()


@dataclass(frozen=True, slots=True)
class _Verification:
    """One pass over applied artifacts."""

    environment: Environment
    loaded: Loaded
    state: State
    ports: Ports

    def run(self, addresses: tuple[ResourceAddress, ...]) -> list[Verified]:
        wanted = _wanted(self.state, addresses)
        evaluation = self.loaded.evaluation(self.environment)
        diagnostics = Diagnostics()
        found: list[Verified] = []
        recorded = self.state.by_block
        for record in self.state.records:
            kind = self.environment.kinds[record.address.kind]
            evaluation.record(record.address, partial(recorded_value, record, kind))
        evaluation.settle(diagnostics)
        for node in self.loaded.graph.dag.order():
            if not isinstance(node, ResourceNode):
                continue
            kind = self.environment.kinds[node.address.kind]
            found += [
                self._artifact(kind, evaluation, record)
                for record in recorded.get(node.address, ())
                if record.address in wanted and kind.sort == "artifact"
            ]
        absent = sorted(wanted - {item.address for item in found})
        if absent:
            detail = (
                f"{absent[0]} is in the state, but not in the configuration, so its work cannot "
                'be done again. See "mlform plan".'
            )
            raise UsageError("Not in the configuration", detail)
        return found

    def _artifact(
        self, kind: ArtifactKind, evaluation: Evaluation, record: ResourceRecord
    ) -> Verified:
        address, emit = record.address, self.ports.on_event
        emit(StepStarted(address=address, operation=Operation.REBUILD))
        began = self.ports.monotonic()
        try:
            made = self._made_again(kind, evaluation, record)
            differences = self._differences(record, made)
        except MlformError as error:
            emit(
                StepFailed(
                    address=address,
                    operation=Operation.REBUILD,
                    summary=error.summary,
                    detail=error.detail,
                )
            )
            return _verdict(record, None, (f"{error.summary}: {error.detail}",))
        seconds = self.ports.monotonic() - began
        emit(
            StepFinished(
                address=address, operation=Operation.REBUILD, seconds=seconds, unchanged=True
            )
        )
        return _verdict(record, made, differences)

    def _made_again(
        self, kind: ArtifactKind, evaluation: Evaluation, record: ResourceRecord
    ) -> Digest:
        """Run the task of a recorded artifact and return the digest of what it made."""
        block = self.loaded.config.resource(record.address.block)
        assert block is not None  # noqa: S101 - found by its node in the graph
        diagnostics = Diagnostics()
        desired = evaluation.desired(block, record.address, diagnostics)
        diagnostics.raise_if_errors()
        making = Making(
            desired=desired,
            prior=record,
            step=self.ports.new_id(),
            project=self.state.lineage,
            runtime=runtime_of(block, self.loaded.config.root),
            create_first=False,
            forced=True,
            expected_recipe=record.recipe_digest,
        )
        slots = Slots(self.ports.machine)
        needs = needs_of(kind, making, self.ports, slots.machine)
        making = replace(making, granted=slots.take(making.step, needs))
        ingredients = gather(kind, desired, making.runtime, self.ports.reality)
        if ingredients.digest != record.recipe_digest:
            raise MlformError(
                "Not what was applied",
                f"Configuration, sources, code or environment of {record.address} changed since "
                "it was applied, so its artifact cannot be compared. Apply first.",
            )

        def on_progress(event: TaskEvent) -> None:
            self.ports.on_event(StepProgress(address=record.address, progress=event))

        result = run_task(kind, making, self.ports, ingredients, on_progress)
        return Digest(str(result["artifact"]))

    def _differences(self, record: ResourceRecord, made: Digest) -> tuple[str, ...]:
        """Return the paths that differ from the recorded artifact, and damage in the store."""
        if record.artifact is None:
            return ()
        damaged = tuple(
            f"{path}: the stored file is damaged"
            for path in self.ports.store.verify(record.artifact)
        )
        if made == record.artifact:
            return damaged
        old = {file.path: file.sha256 for file in self.ports.store.describe(record.artifact).files}
        new = {file.path: file.sha256 for file in self.ports.store.describe(made).files}
        return damaged + tuple(
            f"{path}: {_how(path in old, path in new)}"
            for path in sorted({*old, *new})
            if old.get(path) != new.get(path)
        )


def _how(before: bool, now: bool) -> str:  # noqa: FBT001 - two sides of one comparison
    if before and now:
        return "other content"
    return "not made this time" if before else "not there before"


def _wanted(state: State, addresses: tuple[ResourceAddress, ...]) -> frozenset[ResourceAddress]:
    applied = [record.address for record in state.records if record.artifact is not None]
    for address in addresses:
        if not any(address in (item, item.block) for item in applied):
            detail = f'The state has no artifact at {address}. See "mlform state list".'
            raise UsageError("Nothing to verify", detail)
    return frozenset(
        item
        for item in applied
        if not addresses or any(address in (item, item.block) for address in addresses)
    )


def _verdict(record: ResourceRecord, made: Digest | None, differences: tuple[str, ...]) -> Verified:
    return Verified(
        address=record.address,
        same=made == record.artifact and not differences,
        expected=str(record.artifact),
        found=made,
        differences=differences,
    )
