"""Configuration, state and reality to a plan. Pure: the world is asked through `Reality` only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config, ImportBlock, ResourceBlock
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostics, Severity
from mlform.digests import LateDocument
from mlform.graph.arguments import plain_object, range_of
from mlform.graph.attributes import exposed
from mlform.graph.desired import DesiredResource
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import Node, OutputNode, ResourceNode
from mlform.graph.runtimes import runtime_of
from mlform.lang.construct import has_unknown, object_of
from mlform.lang.encode import sensitive_paths, unknown_paths
from mlform.plan.absence import absence_of, leaving_warnings, removal, said_of
from mlform.plan.attribution import Origins, attributions
from mlform.plan.changes import (
    Absence,
    Action,
    Basis,
    Cause,
    Change,
    Drift,
    Mode,
    Move,
    OutputChange,
    Plan,
    Reason,
)
from mlform.plan.checking import check_arguments, unmade
from mlform.plan.diff import Circumstances, Decision, decide
from mlform.plan.durations import critical_path, expected_durations, last_duration
from mlform.plan.gates import gate_warnings
from mlform.plan.imports import (
    ImportRequest,
    check_targets,
    imported_record,
    imports_by_block,
    requests_for,
)
from mlform.plan.lifecycle import create_first_blocks, ignoring_changes
from mlform.plan.moves import find_moves, moved_state
from mlform.plan.ordering import steps_of
from mlform.plan.outages import outage_warnings
from mlform.plan.outputs import output_change, output_removal
from mlform.plan.reality import Reality
from mlform.plan.recorded import check_kinds, hidden_paths, recorded_document, recorded_value
from mlform.plan.refresh import drift_behind, find_drift, refreshed_state
from mlform.plan.targets import (
    Selection,
    check_known,
    check_moves,
    partial_warnings,
    to_destroy,
    unmatched_warnings,
)
from mlform.plan.triggers import Triggers
from mlform.plan.wishes import Wishes, selection_of
from mlform.resources.base import AnyKind, kind_of
from mlform.state.snapshot import CURRENT, Path, ResourceRecord, State

_STAYING = {
    Action.DELETE_THEN_CREATE: Action.FORGET_THEN_CREATE,
    Action.CREATE_THEN_DELETE: Action.CREATE_THEN_FORGET,
}
"""What replacements of objects are that stay in the world."""


def make_plan(
    evaluation: Evaluation,
    kinds: Mapping[str, AnyKind],
    state: State,
    reality: Reality,
    wishes: Wishes,
    basis: Basis,
) -> Plan:
    """Return the plan that brings the state to what the configuration asks for.

    Raises:
        ConfigurationError: With everything that is wrong in the configuration.
        RuntimeFailure: If a runtime that is needed is not there.
        PlanError: If the state holds objects of a kind that there is not.
    """
    check_kinds(state, kinds)
    config, graph = evaluation.config, evaluation.graph
    diagnostics = Diagnostics()
    moves = find_moves(config, state, diagnostics)
    diagnostics.raise_if_errors()
    state = moved_state(state, moves, kinds)
    selection = selection_of(wishes, evaluation, state)
    drift: tuple[Drift, ...] = ()
    whole = wishes.mode is not Mode.REFRESH_ONLY and not wishes.is_partial
    doomed: frozenset[ResourceAddress] = frozenset()
    if wishes.mode is Mode.REFRESH_ONLY:
        looks_at = None if selection is None else selection.plans
        drift = find_drift(state, kinds, reality, looks_at, moves)
    elif wishes.mode is Mode.DESTROY:
        doomed = to_destroy(wishes.targets, wishes.excluded, state)
        if wishes.refresh:
            drift = find_drift(state, kinds, reality, doomed.__contains__, ())
    state = refreshed_state(state, drift)
    changes: dict[ResourceAddress, Change] = {}
    origins = Origins(evaluation=evaluation, state=state)
    planner = Planner(
        evaluation=evaluation,
        kinds=kinds,
        state=state,
        reality=reality,
        wishes=wishes,
        diagnostics=diagnostics,
        moves=moves,
        sources={move.target: move.source for move in moves},
        asked=imports_by_block(config),
        create_first=create_first_blocks(config, graph, kinds),
        selection=selection,
        recorded={} if whole else state.by_block,
        drift=drift,
        changes=changes,
        origins=origins,
        triggers=Triggers(
            evaluation=evaluation,
            changes=changes,
            planned=origins.planned,
            diagnostics=diagnostics,
        ),
    )
    check_known(wishes.targets, "target", config, state, diagnostics)
    check_known(wishes.excluded, "exclude", config, state, diagnostics)
    if selection is not None:
        check_moves(selection, moves, diagnostics)
    if wishes.mode is Mode.REFRESH_ONLY:
        planner.walk()
    elif wishes.mode is Mode.DESTROY:
        planner.destroy(doomed)
    else:
        planner.walk()
        planner.check_imports()
        planner.remove_orphans()
    planner.diagnostics.raise_if_errors()
    return planner.finish(basis)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """The plan under construction."""

    evaluation: Evaluation
    kinds: Mapping[str, AnyKind]
    state: State
    reality: Reality
    wishes: Wishes
    origins: Origins
    triggers: Triggers
    changes: dict[ResourceAddress, Change]
    diagnostics: Diagnostics
    deposed: list[Change] = field(default_factory=list)
    outputs: dict[str, OutputChange] = field(default_factory=dict)
    create_first: frozenset[ResourceAddress] = frozenset()
    selection: Selection | None = None
    recorded: Mapping[ResourceAddress, tuple[ResourceRecord, ...]] = field(default_factory=dict)
    environments: dict[str, str] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    sources: Mapping[ResourceAddress, ResourceAddress] = field(default_factory=dict)
    asked: Mapping[ResourceAddress, list[ImportBlock]] = field(default_factory=dict)
    imports: dict[ResourceAddress, ResourceRecord] = field(default_factory=dict)
    requests: dict[ResourceAddress, ImportRequest] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    missing: set[ResourceAddress] = field(default_factory=set)
    """Blocks with instances that neither are nor are planned: they have no value."""

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.evaluation.config

    def walk(self) -> None:
        """Plan every node in the graph's order, as far as the targets reach."""
        for node in self.evaluation.graph.dag.order():
            if isinstance(node, ResourceNode):
                block = self.config.modules[node.address.module].resources[node.address]
                if self.wishes.mode is Mode.REFRESH_ONLY:
                    self._take_recorded(block)
                else:
                    self._plan_block(block)
            elif not self._is_selected(node):
                continue
            elif isinstance(node, OutputNode) and not node.module:
                self._plan_output(node)
            else:
                self.evaluation.resolve_node(node, self.diagnostics)
        if not self.wishes.targets:
            for name in self.state.outputs:
                if name not in self.config.root.outputs:
                    self._remove_output(name)

    def _is_selected(self, node: Node) -> bool:
        if self.selection is None:
            return True
        needs = self.evaluation.graph.resource_needs(node)
        return node in self.selection.values and self.missing.isdisjoint(needs)

    def _plan_block(self, block: ResourceBlock) -> None:
        selection = self.selection
        if selection is not None:
            self._keep_unselected(block.address, selection)
            if block.address not in selection.blocks:
                return
        asked = self.asked.get(block.address, ())
        for request in requests_for(asked, self.evaluation, self.diagnostics):
            self.requests[request.address] = request
        for address in self.evaluation.instances(block, self.diagnostics):
            if selection is None or selection.plans(address):
                self._plan_instance(block, address)
            elif self.state.current(address) is None:
                self.missing.add(block.address)

    def _take_recorded(self, block: ResourceBlock) -> None:
        """Take a block as the state has it, however many instances are asked for."""
        for record in self.recorded.get(block.address, ()):
            kind = kind_of(self.kinds, record.address)
            self.evaluation.record(record.address, partial(recorded_value, record, kind))

    def _imported(self, desired: DesiredResource, kind: AnyKind) -> ResourceRecord | None:
        request = self.requests.get(desired.address)
        if request is None:
            return None
        runtime = self._runtime(kind, desired.block)
        found = imported_record(request, desired, runtime, self.reality)
        if found is None:
            return None
        if isinstance(found, ResourceRecord):
            self.imports[desired.address] = found
            return found
        self.diagnostics.error(
            found.summary, found.detail, range=request.range, address=str(request.address)
        )
        return None

    def _runtime(self, kind: AnyKind, block: ResourceBlock) -> str:
        return "" if kind.sort == "value" else runtime_of(block, self.config.root)

    def _keep_unselected(self, block: ResourceAddress, selection: Selection) -> None:
        """Take what the state says of instances that are not planned."""
        for record in self.recorded.get(block, ()):
            if not selection.plans(record.address):
                kind = kind_of(self.kinds, record.address)
                self.evaluation.record(record.address, partial(recorded_value, record, kind))

    def _plan_instance(self, block: ResourceBlock, address: ResourceAddress) -> None:
        found = Diagnostics()
        desired = self.evaluation.desired(block, address, found)
        kind = kind_of(self.kinds, address)
        if not found.has_errors:
            check_arguments(desired, kind, found)
        if found.has_errors:
            self.diagnostics.extend(found)
            self.evaluation.record(desired.address, unmade(desired, kind))
            return
        self.diagnostics.extend(found)
        record = self.state.current(address) or self._imported(desired, kind)
        circumstances = self._circumstances(kind, desired, record)
        desired = ignoring_changes(desired, record, kind)
        decision = decide(desired, circumstances, self.reality)
        self._report_sources(desired, decision)
        change = self._change(desired, decision, circumstances)
        self._check_destruction(block, change)
        self.changes[address] = change
        self.origins.add(change)
        self.evaluation.record(
            address, lambda: exposed(kind.schema, object_of(decision.attributes))
        )
        self.evaluation.check_postconditions(block, address, self.diagnostics)

    def _circumstances(
        self, kind: AnyKind, desired: DesiredResource, record: ResourceRecord | None
    ) -> Circumstances:
        runtime = self._runtime(kind, desired.block)
        if runtime and runtime not in self.environments:
            self.environments[runtime] = self.reality.environment(runtime).description
        demands = self._demands(desired)
        return Circumstances(
            kind=kind,
            record=record,
            runtime=runtime,
            create_first=desired.address.block in self.create_first,
            configured=desired.arguments,
            demands=demands if record is not None else (),
            observe=self.wishes.refresh,
            upstream=self._upstream(desired),
        )

    def _demands(self, desired: DesiredResource) -> tuple[Reason, ...]:
        """Return why an object is to be made anew although nothing of it changed."""
        triggered = self.triggers.of(desired)
        if desired.address not in self.wishes.replace:
            return triggered
        return (
            Reason(cause=Cause.REQUESTED, message="its replacement was requested"),
            *triggered,
        )

    def _upstream(self, desired: DesiredResource) -> Callable[[Path], tuple[str, ...]]:
        return lambda path: self.origins.of(desired.block, desired.address, path)

    def _report_sources(self, desired: DesiredResource, decision: Decision) -> None:
        if decision.ingredients is None:
            return
        for path, message in decision.ingredients.problems:
            self.diagnostics.error(
                "Unreadable source",
                message,
                range=range_of(desired.block.body, path, desired.block.range),
                address=str(desired.address),
            )

    def _change(
        self,
        desired: DesiredResource,
        decision: Decision,
        circumstances: Circumstances,
    ) -> Change:
        record, kind = circumstances.record, circumstances.kind
        address = desired.address
        action = decision.action
        if not desired.block.lifecycle.destroy:
            action = _STAYING.get(action, action)
        runs = decision.action not in (Action.NO_OP, Action.UPDATE) and not decision.reused
        expected = last_duration(record) if record is not None and runs else None
        fresh = object_of(decision.fresh)  # what is as recorded is known and has no marks
        change = Change(
            address=address,
            action=action,
            before=None if record is None else recorded_document(record, self.kinds),
            after=LateDocument(lambda: plain_object(object_of(decision.attributes))),
            after_unknown=unknown_paths(fresh),
            before_sensitive=() if record is None else hidden_paths(record.sensitive, kind),
            after_sensitive=hidden_paths(sensitive_paths(fresh), kind),
            replace_paths=decision.replace_paths,
            reasons=decision.reasons,
            conditional=decision.conditional,
            reused=decision.reused,
            expected_seconds=expected,
            runtime=circumstances.runtime,
            recipe_digest=decision.ingredients.digest if decision.ingredients else None,
            sources={} if decision.ingredients is None else decision.ingredients.recipe.sources,
            previous_address=self.sources.get(address),
            importing=self.requests[address].id if address in self.imports else None,
        )
        if action is Action.NO_OP or record is None:
            return change
        names = frozenset(item.name for item in kind.schema.body.attributes if item.computed)
        found = attributions(change, names, circumstances.upstream)
        return replace(change, attributions=found)

    def _check_destruction(self, block: ResourceBlock, change: Change) -> None:
        if block.lifecycle.prevent_destroy and change.action.destroys:
            self.diagnostics.error(
                "Instance cannot be destroyed",
                f"{change.address} has lifecycle.prevent_destroy set, but the plan calls for it "
                "to be destroyed. Remove prevent_destroy, or undo the change that asks for it.",
                range=block.range,
                address=str(change.address),
            )

    def _plan_output(self, node: OutputNode) -> None:
        name = node.name
        block = self.config.root.outputs[name]
        value = self.evaluation.output(node, (), self.diagnostics)
        prior = self.state.outputs.get(name)
        if self.wishes.mode is Mode.REFRESH_ONLY and has_unknown(value):
            if prior is not None:  # nothing is made, so that it never becomes known
                self._remove_output(name)
            return
        self.outputs[name] = output_change(block, value, prior, self.diagnostics)

    def _remove_output(self, name: str) -> None:
        self.outputs[name] = output_removal(name, self.state.outputs[name])

    def check_imports(self) -> None:
        """Record a problem for each import of something that is not to be."""
        if self.selection is None:
            check_targets(self.config, frozenset(self.changes), self.requests, self.diagnostics)

    def remove_orphans(self) -> None:
        """Plan to destroy objects that the configuration does not ask for any more."""
        if self.diagnostics.has_errors:
            return
        for record in self.state.records:
            if record.address not in self.changes and self._may_remove(record.address):
                absence = absence_of(record.address, self.evaluation)
                if record.address in self.sources and absence is Absence.NO_BLOCK:
                    absence = Absence.NO_MOVE_TARGET
                self._remove(record, CURRENT, said_of(record.address, absence), absence)
        self._remove_deposed(self._may_remove)

    def _may_remove(self, address: ResourceAddress) -> bool:
        return self.selection is None or self.selection.may_remove(address)

    def destroy(self, doomed: frozenset[ResourceAddress]) -> None:
        """Plan to destroy what is left of objects."""
        because = "everything is to be destroyed"
        if self.wishes.targets:
            because = "it is a target, or depends on one"
        for record in self.state.records:
            if record.address in doomed:
                self._remove(record, CURRENT, because)
        self._remove_deposed(doomed.__contains__)
        if not self.wishes.is_partial:
            for name in self.state.outputs:
                self._remove_output(name)

    def _remove_deposed(self, wanted: Callable[[ResourceAddress], bool]) -> None:
        for key, record in self.state.deposed:
            if wanted(record.address):
                self._remove(record, key, "it was replaced, but not yet destroyed")

    def _remove(
        self,
        record: ResourceRecord,
        deposed: str,
        message: str,
        absence: Absence | None = None,
    ) -> None:
        destroying = self.wishes.mode is Mode.DESTROY
        change = removal(record, deposed, message, self.config, self.kinds, destroying=destroying)
        previous = None if destroying else self.sources.get(record.address)
        change = replace(change, absence=absence, previous_address=previous)
        if deposed != CURRENT:
            self.deposed.append(change)
            return
        self.changes[record.address] = change
        block = self.config.resource(record.address.block)
        if block is not None:
            self._check_destruction(block, change)

    def _drift_behind(self, changes: Sequence[Change]) -> tuple[Drift, ...]:
        return drift_behind(
            changes, self.state, self.kinds, self.reality, observe=self.wishes.refresh
        )

    def finish(self, basis: Basis) -> Plan:
        """Return the plan."""
        changes = (*self.changes.values(), *self.deposed)
        steps = steps_of(changes, self.config, self.evaluation.graph, self.state, basis.serial)
        seconds, path = critical_path(steps, expected_durations(steps, changes))
        return Plan(
            mode=self.wishes.mode,
            changes=changes,
            outputs=self.outputs,
            drift=self.drift or self._drift_behind(changes),
            steps=steps,
            basis=basis,
            environments=self.environments,
            expected_seconds=seconds,
            critical_path=path,
            warnings=tuple(item for item in self.diagnostics if item.severity is Severity.WARNING)
            + partial_warnings(self.wishes.targets, self.wishes.excluded)
            + unmatched_warnings(self.wishes.replace, tuple(self.changes))
            + leaving_warnings(changes)
            + gate_warnings(self.changes.values(), self.kinds, self.config)
            + outage_warnings(self.changes.values(), self.kinds, self.config),
            moves=self.moves,
            imports=tuple(self.imports.values()),
            checks=tuple(self.evaluation.verdicts.values()),
            module_outputs=() if self.wishes.is_partial else self.evaluation.known.module_outputs(),
            complete=not self.wishes.is_partial,
        )
