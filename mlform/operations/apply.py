"""Carrying out a plan."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.apply.execute import Execution
from mlform.apply.ports import Ports
from mlform.apply.record import Recorder
from mlform.apply.recovery import recover
from mlform.apply.stop import Stop
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Diagnostics, Severity
from mlform.digests import JsonObject
from mlform.errors import PlanStale
from mlform.graph.arguments import plain
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import OutputNode
from mlform.lang.construct import has_unknown
from mlform.lang.encode import from_json
from mlform.lang.json_types import type_from_json, type_to_json
from mlform.lang.values import SENSITIVE, Value
from mlform.operations.access import locked, open_backend, state_digest
from mlform.operations.environment import Environment
from mlform.operations.loading import Loaded, load_snapshot
from mlform.operations.ports import make_ports
from mlform.operations.results import Applied, Planned
from mlform.operations.world import World
from mlform.plan.changes import Mode
from mlform.state.snapshot import OutputRecord, OutputsSet, State


def apply_plan(
    environment: Environment, planned: Planned, stop: Stop, *, lock_timeout: float = 0.0
) -> Applied:
    """Do what a plan says, record every step, and return how it went.

    Raises:
        PlanStale: If the state has moved since the plan was made; nothing was done.
        MlformError: If the state cannot be written.
    """
    loaded = load_snapshot(environment, planned.files, variables_from_json(planned.variables))
    backend = open_backend(environment, loaded)
    with locked(backend, environment, "apply", lock_timeout):
        state = _fresh_state(backend.read(), planned)
        world = World(environment, loaded.runtimes, planned.images, state)
        try:
            recorder = Recorder(backend, state)
            ports = make_ports(environment, world, backend, stop)
            return _carry_out(environment, loaded, planned, recorder, ports)
        finally:
            world.close()


def _fresh_state(found: State | None, planned: Planned) -> State:
    basis = planned.plan.basis
    if found is None and basis.serial == 0 and not planned.state.objects:
        return planned.state
    if found is None or (found.lineage, found.serial) != (basis.lineage, basis.serial):
        at = "there is none" if found is None else f"serial {found.serial}"
        detail = (
            f"The plan was made from serial {basis.serial} of the state, now it is {at}: somebody "
            "applied something in between. Nothing was done. Make a new plan and apply that."
        )
        raise PlanStale("Saved plan is stale", detail)
    if state_digest(found) != basis.state_digest:
        detail = (
            "The state was changed since the plan was made. Nothing was done. Make a new plan and "
            "apply that."
        )
        raise PlanStale("Saved plan is stale", detail)
    return found


def _carry_out(
    environment: Environment,
    loaded: Loaded,
    planned: Planned,
    recorder: Recorder,
    ports: Ports,
) -> Applied:
    if not planned.plan.has_changes and not recorder.state.intents:
        return Applied(added=0, changed=0, destroyed=0, outputs=recorder.state.outputs)
    recorder.begin()
    recover(recorder, ports)
    evaluation = loaded.evaluation(environment)
    execution = Execution(planned.plan, evaluation, environment.kinds, recorder, ports)
    execution.run()
    warnings = Diagnostics()
    outputs = _outputs(planned, evaluation, execution, recorder.state, warnings)
    if outputs != recorder.state.outputs:
        recorder.outputs(OutputsSet(outputs=outputs))
    recorder.fold()
    tally = execution.tally
    return Applied(
        added=tally.added,
        changed=tally.changed,
        destroyed=tally.destroyed,
        outputs=recorder.state.outputs,
        failures=tuple(tally.failures),
        skipped=tally.skipped,
        interrupted=ports.stop.requested,
        warnings=tuple(warnings) if not tally.failures else (),
    )


def _outputs(
    planned: Planned,
    evaluation: Evaluation,
    execution: Execution,
    state: State,
    diagnostics: Diagnostics,
) -> Mapping[str, OutputRecord]:
    """Return the root outputs as far as they are known; others keep their recorded value."""
    if planned.plan.mode is Mode.DESTROY:
        return {} if not state.objects else state.outputs
    found: dict[str, OutputRecord] = {}
    for name, block in evaluation.module.outputs.items():
        needs = evaluation.graph.resource_needs(OutputNode(name))
        if name not in planned.plan.outputs or execution.unfinished.intersection(needs):
            if name in state.outputs:
                found[name] = state.outputs[name]
            continue
        problems = Diagnostics()
        execution.prepare_output(name, problems)
        value = evaluation.output(name, problems)
        if has_unknown(value) or problems.has_errors:
            if name in state.outputs:
                found[name] = state.outputs[name]
            diagnostics.extend(_as_warnings(problems))
        elif not value.is_null:
            found[name] = OutputRecord(
                value=plain(value), type=type_to_json(value.type), sensitive=block.sensitive
            )
    return found


def _as_warnings(problems: Diagnostics) -> tuple[Diagnostic, ...]:
    return tuple(replace(item, severity=Severity.WARNING) for item in problems)


def variables_from_json(document: JsonObject) -> Mapping[str, Value]:
    """Return the values that `variables_to_json` gave."""
    found: dict[str, Value] = {}
    for name, item in document.items():
        assert isinstance(item, Mapping)  # noqa: S101 - the plan file was checked
        value = from_json(item["value"], type_from_json(item["type"]))
        found[name] = value.with_marks(SENSITIVE) if item["sensitive"] else value
    return found
