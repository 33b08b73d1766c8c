"""Configuration, state and reality to a plan. Pure: the world is asked through `Reality` only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlform.addresses import InstanceKey, ResourceAddress
from mlform.config.blocks import Module, ResourceBlock
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic, Diagnostics, Severity
from mlform.digests import Json
from mlform.errors import PlanError
from mlform.graph.arguments import plain, range_of
from mlform.graph.attributes import exposed, loaded, unknown_computed
from mlform.graph.desired import DesiredResource
from mlform.graph.evaluation import Evaluation, instance_of
from mlform.graph.nodes import LocalNode, Node, OutputNode, ResourceNode
from mlform.lang.construct import has_unknown, marks_deep, object_of
from mlform.lang.encode import sensitive_paths, unknown_paths
from mlform.lang.values import Mark, Value, string
from mlform.plan.changes import (
    Action,
    Basis,
    Cause,
    Change,
    Drift,
    Mode,
    OutputChange,
    Plan,
    Reason,
)
from mlform.plan.diff import Circumstances, Decision, decide
from mlform.plan.lifecycle import create_first_blocks, ignoring_changes, triggers
from mlform.plan.ordering import critical_path, order_steps
from mlform.plan.reality import Reality
from mlform.plan.recipes import plain_object
from mlform.plan.recorded import hidden_paths, recorded_value
from mlform.plan.steps import Step
from mlform.plan.targets import Selection, select, with_dependents
from mlform.requirements import requirements_problems
from mlform.resources.base import AnyKind
from mlform.state.snapshot import CURRENT, ResourceRecord, State

DEFAULT_RUNTIME = "process.default"
"""The runtime of resources that name none where none named `default` is declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked of the plan.

    Attributes:
        mode: Normal or destroy.
        refresh: Whether to look at reality beyond what the state says.
        replace: Instances to make anew.
        targets: Instances or blocks to limit the plan to; empty for all.
    """

    mode: Mode = Mode.NORMAL
    refresh: bool = True
    replace: frozenset[ResourceAddress] = frozenset()
    targets: tuple[ResourceAddress, ...] = ()


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
    _check_known(state, kinds)
    module, graph = evaluation.module, evaluation.graph
    planner = Planner(
        evaluation=evaluation,
        kinds=kinds,
        state=state,
        reality=reality,
        wishes=wishes,
        create_first=create_first_blocks(module, graph, kinds),
        selection=select(wishes.targets, module, graph, state) if wishes.targets else None,
        recorded=state.by_block if wishes.targets else {},
    )
    if wishes.mode is Mode.DESTROY:
        planner.destroy_all()
    else:
        planner.walk()
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
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    changes: dict[ResourceAddress, Change] = field(default_factory=dict)
    deposed: list[Change] = field(default_factory=list)
    outputs: dict[str, OutputChange] = field(default_factory=dict)
    create_first: frozenset[ResourceAddress] = frozenset()
    selection: Selection | None = None
    recorded: Mapping[ResourceAddress, tuple[ResourceRecord, ...]] = field(default_factory=dict)
    environments: dict[str, str] = field(default_factory=dict)

    @property
    def module(self) -> Module:
        """The root module."""
        return self.evaluation.module

    def walk(self) -> None:
        """Plan every node in the graph's order, as far as the targets reach."""
        for target in () if self.selection is None else self.selection.unknown:
            self.diagnostics.error(
                "Unknown target", f"There is no {target} in the configuration or the state."
            )
        for node in self.evaluation.graph.dag.order():
            match node:
                case ResourceNode():
                    self._plan_block(self.module.resources[node.address])
                case LocalNode() if self._is_selected(node):
                    self.evaluation.resolve_local(node.name, self.diagnostics)
                case OutputNode() if self._is_selected(node):
                    self._plan_output(node.name)
                case _:
                    continue
        if self.selection is None:
            for name in self.state.outputs:
                if name not in self.module.outputs:
                    self._remove_output(name)

    def _is_selected(self, node: Node) -> bool:
        return self.selection is None or node in self.selection.values

    def _plan_block(self, block: ResourceBlock) -> None:
        selection = self.selection
        if selection is not None:
            self._keep_unselected(block.address, selection)
            if block.address not in selection.instances:
                return
        for key in self.evaluation.keys(block, self.diagnostics):
            address = instance_of(block.address, key)
            if selection is None or selection.plans(address):
                self._plan_instance(block, key)

    def _keep_unselected(self, block: ResourceAddress, selection: Selection) -> None:
        """Take what the state says of instances that are not planned."""
        kind = self.kinds[block.kind]
        for record in self.recorded.get(block, ()):
            if not selection.plans(record.address):
                self.evaluation.record(record.address, recorded_value(record, kind))

    def _plan_instance(self, block: ResourceBlock, key: InstanceKey) -> None:
        found = Diagnostics()
        desired = self.evaluation.desired(block, key, found)
        kind = self.kinds[block.address.kind]
        if not found.has_errors:
            self._check(kind, desired, found)
        if found.has_errors:
            self.diagnostics.extend(found)
            self.evaluation.record(desired.address, self._unknown_object(kind, desired))
            return
        self.diagnostics.extend(found)
        record = self.state.current(desired.address)
        circumstances = self._circumstances(kind, desired, record)
        desired = ignoring_changes(desired, record, kind)
        decision = decide(desired, circumstances, self.reality)
        self._report_sources(desired, decision)
        change = self._change(desired, decision, circumstances)
        self._check_destruction(block, change)
        self.changes[desired.address] = change
        value = exposed(kind.schema, decision.attributes)
        self.evaluation.record(desired.address, value)
        self.evaluation.check_postconditions(block, key, value, self.diagnostics)

    def _check(self, kind: AnyKind, desired: DesiredResource, found: Diagnostics) -> None:
        arguments = plain_object(desired.arguments)
        for name, message in requirements_problems(arguments.get("requirements")):
            found.error(
                "Invalid requirement",
                message,
                range=range_of(desired.block.body, ("requirements", name), desired.block.range),
                address=str(desired.address),
            )
        for problem in kind.check(arguments, desired.upstream):
            found.error(
                problem.summary,
                problem.detail,
                range=range_of(desired.block.body, problem.path, desired.block.range),
                address=str(desired.address),
            )

    def _unknown_object(self, kind: AnyKind, desired: DesiredResource) -> Value:
        payload = desired.arguments.payload
        arguments = payload if isinstance(payload, dict) else {}
        attributes = {**arguments, **unknown_computed(kind.schema)}
        if "address" in attributes:
            attributes["address"] = string(str(desired.address))
        return exposed(kind.schema, attributes)

    def _circumstances(
        self, kind: AnyKind, desired: DesiredResource, record: ResourceRecord | None
    ) -> Circumstances:
        runtime = "" if kind.sort == "value" else runtime_of(desired.block, self.module)
        if runtime and runtime not in self.environments:
            self.environments[runtime] = self.reality.environment(runtime).description
        demands = []
        if desired.address in self.wishes.replace or desired.address.block in self.wishes.replace:
            demands.append(Reason(cause=Cause.REQUESTED, message="its replacement was requested"))
        demands.extend(
            Reason(
                cause=Cause.REQUESTED,
                message=f"{reference} changes (replace_triggered_by)",
                upstream=str(reference),
            )
            for reference in desired.block.lifecycle.replace_triggered_by
            if triggers(reference, self.changes.values())
        )
        return Circumstances(
            kind=kind,
            record=record,
            runtime=runtime,
            create_first=desired.address.block in self.create_first,
            configured=desired.arguments,
            demands=tuple(demands) if record is not None else (),
            observe=self.wishes.refresh,
        )

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
        self, desired: DesiredResource, decision: Decision, circumstances: Circumstances
    ) -> Change:
        record, kind = circumstances.record, circumstances.kind
        after = object_of(decision.attributes)
        runs = decision.action not in {Action.NO_OP, Action.UPDATE} and not decision.reused
        expected = record.provenance.duration if record is not None and runs else None
        return Change(
            address=desired.address,
            action=decision.action,
            before=None if record is None else self._plain(record),
            after=plain_object(after),
            after_unknown=unknown_paths(after),
            before_sensitive=() if record is None else hidden_paths(record.sensitive, kind),
            after_sensitive=hidden_paths(sensitive_paths(after), kind),
            replace_paths=decision.replace_paths,
            reasons=decision.reasons,
            conditional=decision.conditional,
            reused=decision.reused,
            expected_seconds=expected,
            runtime=circumstances.runtime,
            recipe_digest=decision.ingredients.digest if decision.ingredients else None,
            sources={} if decision.ingredients is None else decision.ingredients.recipe.sources,
        )

    def _plain(self, record: ResourceRecord) -> Mapping[str, Json]:
        schema = self.kinds[record.address.kind].schema
        return plain_object(object_of(loaded(schema, record.attributes)))

    def _check_destruction(self, block: ResourceBlock, change: Change) -> None:
        destroys = change.action is Action.DELETE or change.action.is_replace
        if block.lifecycle.prevent_destroy and destroys:
            self.diagnostics.error(
                "Instance cannot be destroyed",
                f"{change.address} has lifecycle.prevent_destroy set, but the plan calls for it "
                "to be destroyed. Remove prevent_destroy, or undo the change that asks for it.",
                range=block.range,
                address=str(change.address),
            )

    def _plan_output(self, name: str) -> None:
        block = self.module.outputs[name]
        value = self.evaluation.output(name, self.diagnostics)
        hidden = Mark.SENSITIVE in marks_deep(value)
        if hidden and not block.sensitive:
            self.diagnostics.error(
                "Output refers to sensitive values",
                "To show that this is intended, add sensitive = true to the output; the value is "
                "then hidden. Otherwise take the sensitive part out of the value.",
                range=block.value.range,
            )
        prior = self.state.outputs.get(name)
        unknown = has_unknown(value)
        after = plain(value)
        if prior is None:
            action = Action.NO_OP if value.is_null else Action.CREATE
        elif not unknown and prior.value == after and prior.sensitive == block.sensitive:
            action = Action.NO_OP
        else:
            action = Action.UPDATE
        self.outputs[name] = OutputChange(
            name=name,
            action=action,
            before=None if prior is None else prior.value,
            after=None if unknown else after,
            after_unknown=unknown,
            sensitive=block.sensitive or (prior is not None and prior.sensitive),
        )

    def _remove_output(self, name: str) -> None:
        prior = self.state.outputs[name]
        self.outputs[name] = OutputChange(
            name=name,
            action=Action.DELETE,
            before=prior.value,
            after=None,
            sensitive=prior.sensitive,
        )

    def remove_orphans(self) -> None:
        """Plan to destroy objects that the configuration does not ask for any more."""
        if self.diagnostics.has_errors:
            return
        for record in self.state.records:
            if record.address not in self.changes and self._may_remove(record.address):
                self._remove(record, CURRENT, _absence(record.address, self.module))
        self._remove_deposed(self._may_remove)

    def _may_remove(self, address: ResourceAddress) -> bool:
        return self.selection is None or self.selection.may_remove(address)

    def destroy_all(self) -> None:
        """Plan to destroy every object, or the targets and what depends on them."""
        targets = self.wishes.targets
        wanted = with_dependents(targets, self.state)
        for record in self.state.records:
            if not targets or record.address in wanted:
                self._remove(record, CURRENT, "everything is to be destroyed")
        self._remove_deposed(lambda address: not targets or address in wanted)
        if not targets:
            for name in self.state.outputs:
                self._remove_output(name)

    def _remove_deposed(self, wanted: Callable[[ResourceAddress], bool]) -> None:
        for key, record in self.state.deposed:
            if wanted(record.address):
                self._remove(record, key, "it was replaced, but not yet destroyed")

    def _remove(self, record: ResourceRecord, deposed: str, message: str) -> None:
        change = Change(
            address=record.address,
            action=Action.DELETE,
            deposed=deposed,
            before=self._plain(record),
            after=None,
            before_sensitive=hidden_paths(record.sensitive, self.kinds[record.address.kind]),
            reasons=(Reason(cause=Cause.REMOVED, message=message),),
            runtime=str(record.handle.get("runtime") or ""),
        )
        if deposed != CURRENT:
            self.deposed.append(change)
            return
        self.changes[record.address] = change
        block = self.module.resources.get(record.address.block)
        if block is not None:
            self._check_destruction(block, change)

    def finish(self, basis: Basis) -> Plan:
        """Return the plan."""
        changes = (*self.changes.values(), *self.deposed)
        prior_needs: dict[str, list[str]] = {}
        for record in self.state.objects.values():
            needed = prior_needs.setdefault(str(record.address.block), [])
            needed.extend(item for item in record.dependencies if item not in needed)
        graph = self.evaluation.graph
        needs = {
            str(address): [str(item) for item in graph.resource_needs(ResourceNode(address))]
            for address in self.module.resources
        }
        key = unused_key(self.state, basis.serial)
        steps = order_steps(
            [c for c in changes if c.action is not Action.NO_OP], needs, prior_needs, key
        )
        seconds, path = critical_path(steps, _durations(steps, changes))
        return Plan(
            mode=self.wishes.mode,
            changes=changes,
            outputs=self.outputs,
            drift=_drift(changes),
            steps=steps,
            basis=basis,
            environments=self.environments,
            expected_seconds=seconds,
            critical_path=path,
            warnings=tuple(item for item in self.diagnostics if item.severity is Severity.WARNING)
            + self._gate_warnings(),
        )

    def _gate_warnings(self) -> tuple[Diagnostic, ...]:
        found = []
        for change in self.changes.values():
            kind = self.kinds[change.address.kind]
            if kind.sort != "artifact" or change.after is None or change.after_unknown:
                continue
            for problem in kind.failures(change.after):
                block = self.module.resources.get(change.address.block)
                found.append(
                    Diagnostic(
                        severity=Severity.WARNING,
                        summary=problem.summary,
                        detail=f"{problem.detail}. What requires {change.address} is not created "
                        "or replaced until it passes.",
                        range=None
                        if block is None
                        else range_of(block.body, problem.path, block.range),
                        address=str(change.address),
                    )
                )
        return tuple(found)


def _check_known(state: State, kinds: Mapping[str, AnyKind]) -> None:
    for address, _ in sorted(state.objects):
        if address.kind not in kinds:
            raise PlanError(
                "Unknown kind in the state",
                f"The state holds {address}, and this mlform knows no kind {address.kind}. Use the "
                f'version that applied it, or forget the object with "mlform state rm {address}".',
            )


def runtime_of(block: ResourceBlock, module: Module) -> str:
    """Return `type.name` of the runtime that a resource runs on."""
    if block.runtime is not None:
        return block.runtime
    for address, runtime in module.runtimes.items():
        if runtime.name == "default":
            return address
    return DEFAULT_RUNTIME


def unused_key(state: State, serial: int) -> str:
    """Return a key for objects to be set aside that no object of the state has."""
    taken = {key for _, key in state.objects}
    number = serial + 1
    while f"{number:08x}" in taken:
        number += 1
    return f"{number:08x}"


def _absence(address: ResourceAddress, module: Module) -> str:
    block = module.resources.get(address.block)
    if block is None:
        return f"{address} is not in the configuration"
    return f"{address} is not among the instances that count or for_each ask for"


def _drift(changes: Sequence[Change]) -> tuple[Drift, ...]:
    found = []
    for change in changes:
        problems = tuple(reason.message for reason in change.reasons if reason.cause is Cause.DRIFT)
        if problems:
            found.append(Drift(address=change.address, problems=problems))
    return tuple(found)


def _durations(steps: Sequence[Step], changes: Sequence[Change]) -> dict[str, float]:
    expected = {
        str(change.address): change.expected_seconds
        for change in changes
        if change.expected_seconds is not None
    }
    return {
        step.id: expected[str(step.address)]
        for step in steps
        if str(step.address) in expected and step.operation.value in {"create", "rebuild"}
    }
