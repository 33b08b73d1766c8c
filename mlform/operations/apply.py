"""Carrying out a plan."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from mlform import __version__
from mlform.apply.attempt_logs import remove_old_logs
from mlform.apply.checked import checks_after, checks_noted
from mlform.apply.execute import Execution
from mlform.apply.ports import Ports
from mlform.apply.preparing import wanted_recipes
from mlform.apply.record import Recorder
from mlform.apply.recovery import recover
from mlform.apply.served import remove_note
from mlform.apply.servers import is_served
from mlform.apply.stop import Stop
from mlform.apply.untouched import check_untouched
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Diagnostics, Severity
from mlform.errors import PlanStale
from mlform.graph.arguments import plain
from mlform.graph.conditions import Status
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import OutputNode
from mlform.lang.construct import has_unknown
from mlform.lang.json_types import type_to_json
from mlform.operations.access import locked, open_backend, state_digest
from mlform.operations.environment import Environment
from mlform.operations.kept_variables import variables_from_json
from mlform.operations.loading import Loaded, load_snapshot
from mlform.operations.ports import make_ports
from mlform.operations.results import Applied, Planned
from mlform.operations.world import World
from mlform.plan.changes import Basis, Drift, Mode, Plan
from mlform.plan.checked import planned_checks
from mlform.plan.moves import adopted_state, entries_between, moved_state
from mlform.plan.refresh import refresh_entries
from mlform.state.snapshot import OutputRecord, Provenance, State


def apply_plan(
    environment: Environment, planned: Planned, stop: Stop, *, lock_timeout: float | None = 0.0
) -> Applied:
    """Do what a plan says, record every step, and return how it went.

    Raises:
        PlanStale: If the state has moved since the plan was made; nothing was done.
        MlformError: If the state cannot be written.
    """
    loaded = planned.loaded
    if loaded is None:
        variables = variables_from_json(planned.variables)
        loaded = load_snapshot(environment, planned.files, variables)
    return apply_loaded(environment, loaded, planned, stop, lock_timeout=lock_timeout)


def apply_loaded(
    environment: Environment,
    loaded: Loaded,
    planned: Planned,
    stop: Stop,
    *,
    lock_timeout: float | None = 0.0,
) -> Applied:
    """Do what a plan says with the configuration that it was made from; see `apply_plan`."""
    _check_workspace(planned, environment.settings.workspace)
    backend = open_backend(environment, loaded)
    with locked(backend, environment, "apply", lock_timeout, stop) as run:
        state = _fresh_state(backend.read(), planned)
        renew = backend.is_outdated()
        world = World(environment, loaded.runtimes, planned.images, state)
        try:
            recorder = Recorder(backend, state, run, timestamp=environment.timestamp)
            ports = make_ports(environment, world, backend, stop)
            return _carry_out(environment, loaded, planned, recorder, ports, renew=renew)
        finally:
            world.close()


def _check_workspace(planned: Planned, workspace: str) -> None:
    made_in = planned.plan.basis.workspace
    if made_in and made_in != workspace:
        raise PlanStale(
            "Saved plan is for another workspace",
            f'The plan was made in the workspace "{made_in}", and "{workspace}" is in use. Nothing '
            f'was done. Go there with "mlform workspace select {made_in}", or make a new plan.',
        )


def _fresh_state(found: State | None, planned: Planned) -> State:
    basis = planned.plan.basis
    if found is None and basis.serial == 0 and not planned.state.objects:
        return planned.state
    if found is None or (found.lineage, found.serial) != (basis.lineage, basis.serial):
        raise PlanStale("Saved plan is stale", _what_moved(found, basis))
    if state_digest(found) != state_digest(planned.state):
        detail = (
            "The state was changed since the plan was made. Nothing was done. Make a new plan and "
            "apply that."
        )
        raise PlanStale("Saved plan is stale", detail)
    return found


def _what_moved(found: State | None, basis: Basis) -> str:
    """Say how the state that is there is not the one that a plan was made from."""
    if found is None:
        moved = f"serial {basis.serial} of a state, and here is no state"
    elif basis.serial == 0:
        moved = f"no state, and now there is one of serial {found.serial}"
    elif found.lineage != basis.lineage:
        moved = "another state than the one that is here now: their lineages differ"
    else:
        moved = (
            f"serial {basis.serial} of the state, now it is serial {found.serial}: something "
            "changed it in between"
        )
    return f"The plan was made from {moved}. Nothing was done. Make a new plan and apply that."


def _carry_out(
    environment: Environment,
    loaded: Loaded,
    planned: Planned,
    recorder: Recorder,
    ports: Ports,
    *,
    renew: bool,
) -> Applied:
    """Do what a plan says; `renew` writes the state also where there is nothing to do."""
    noted = () if planned.plan.mode is Mode.NORMAL else planned.plan.drift
    pending = renew or noted or recorder.state.intents or _stay_differently(loaded, recorder.state)
    if not planned.plan.has_changes and not pending:
        _note_checks(planned.plan, loaded, recorder)
        return Applied(added=0, changed=0, destroyed=0, outputs=recorder.state.outputs)
    recorder.begin()
    recover(recorder, environment.kinds, ports, wanted_recipes(planned.plan))
    _adopt(environment, planned, recorder)
    _take_in(noted, recorder, ports)
    if planned.plan.mode is Mode.REFRESH_ONLY:
        return _take_note(planned.plan, loaded, recorder)
    basis = planned.plan.basis
    evaluation = loaded.evaluation(environment, planned_at=basis.planned_at, applying=True)
    execution = Execution(planned.plan, evaluation, environment.kinds, recorder, ports)
    execution.run()
    found = Diagnostics()
    resolver, unfinished = execution.resolver, execution.unfinished
    resolver.check_all(_open_checks(planned.plan), unfinished, found)
    found.extend(check_untouched(planned.plan, resolver, environment.kinds, recorder, unfinished))
    outputs = _outputs(planned, evaluation, execution, recorder.state, found)
    recorder.outputs(outputs)
    recorder.checks(checks_after(planned.plan, evaluation, unfinished))
    recorder.fold()
    if planned.plan.complete:
        wanted = (change.address for change in planned.plan.changes)
        known = (address for address, _ in recorder.objects)
        remove_old_logs(ports.data_folder, chain(wanted, known), ports.now())
    tally = execution.tally
    return Applied(
        added=tally.added,
        changed=tally.changed,
        destroyed=tally.destroyed,
        outputs=recorder.state.outputs,
        failures=tuple(tally.failures),
        skipped=tally.skipped,
        # A wish to stop that comes when all is done is no reason to call it incomplete.
        interrupted=ports.stop.requested and bool(tally.skipped or tally.failures),
        warnings=tuple(each for each in found if each.severity is Severity.WARNING)
        + _partial(planned.plan),
        problems=tuple(each for each in found if each.severity is Severity.ERROR),
    )


def _note_checks(plan: Plan, loaded: Loaded, recorder: Recorder) -> None:
    """Record how conditions stand where nothing else is to be done."""
    state = recorder.state
    if plan.mode is Mode.DESTROY or not (state.objects or state.outputs):
        return
    if plan.mode is Mode.REFRESH_ONLY:
        found = checks_noted(plan, loaded.config, state.checks)
    else:
        found = planned_checks(plan, loaded.config)
    if found != state.checks:
        recorder.begin()
        recorder.checks(found)
        recorder.fold()


def _take_in(drift: tuple[Drift, ...], recorder: Recorder, ports: Ports) -> None:
    """Record what changed outside of mlform; of servers that are gone no note is left."""
    recorder.adopt(refresh_entries(drift))
    for item in drift:
        if item.after is None and is_served(item.before):
            remove_note(item.before, ports)


def _take_note(plan: Plan, loaded: Loaded, recorder: Recorder) -> Applied:
    """Record the outputs that follow from what changed outside of mlform."""
    declared = loaded.config.root.outputs
    planned = plan.outputs
    kept = {name: item for name, item in recorder.state.outputs.items() if name not in planned}
    noted = {
        name: OutputRecord(value=item.after, type=item.type, sensitive=declared[name].sensitive)
        for name, item in planned.items()
        if name in declared and item.after is not None
    }
    recorder.outputs({**kept, **noted})
    recorder.checks(checks_noted(plan, loaded.config, recorder.state.checks))
    recorder.fold()
    return Applied(
        added=0,
        changed=0,
        destroyed=0,
        outputs=recorder.state.outputs,
        warnings=_partial(plan),
    )


def _partial(plan: Plan) -> tuple[Diagnostic, ...]:
    """Return a warning if not everything was planned."""
    if plan.complete:
        return ()
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary="Applied changes may be incomplete",
            detail="The plan was made with -target or -exclude, so some of what the configuration "
            "asks for may not have been applied. mlform plan, without those, tells whether "
            "anything is left.",
        ),
    )


def _open_checks(plan: Plan) -> frozenset[str]:
    """Return what to check again: all checks, and what else no step checks and was not decided."""
    return frozenset(
        item.block
        for item in plan.checks
        if item.kind == "check"
        or (item.kind in {"var", "output_value"} and item.status is Status.UNKNOWN)
    )


def _stay_differently(loaded: Loaded, state: State) -> bool:
    """Whether a block says now that its objects stay when they go, or no longer says so.

    That has to be in the state before the block is removed.
    """
    for record in state.records:
        block = loaded.config.resource(record.address.block)
        if block is not None and block.lifecycle.destroy is record.stays:
            return True
    return False


def _adopt(environment: Environment, planned: Planned, recorder: Recorder) -> None:
    """Record what is called differently now, and what is imported."""
    plan = planned.plan
    if not plan.moves and not plan.imports:
        return
    provenance = Provenance(
        applied_at=environment.timestamp(),
        applied_by=environment.who,
        mlform_version=__version__,
    )
    imports = tuple(replace(record, provenance=provenance) for record in plan.imports)
    before = recorder.state
    after = adopted_state(moved_state(before, plan.moves, environment.kinds), imports)
    recorder.adopt(entries_between(before, after, plan.moves))


def _outputs(
    planned: Planned,
    evaluation: Evaluation,
    execution: Execution,
    state: State,
    diagnostics: Diagnostics,
) -> Mapping[str, OutputRecord]:
    """Return the root outputs as far as they are known; others keep their recorded value."""
    if planned.plan.mode is Mode.DESTROY:
        return {} if planned.plan.complete and not state.objects else state.outputs
    outputs = planned.plan.outputs
    found = {name: record for name, record in state.outputs.items() if name not in outputs}
    for name, block in evaluation.config.root.outputs.items():
        if name not in outputs:
            continue
        needs = evaluation.graph.resource_needs(OutputNode(name))
        if execution.unfinished.intersection(needs):
            if name in state.outputs:
                found[name] = state.outputs[name]
            continue
        problems = Diagnostics()
        execution.resolver.prepare(OutputNode(name), problems)
        value = evaluation.output(OutputNode(name), (), problems)
        if has_unknown(value) or problems.has_errors:
            if name in state.outputs:
                found[name] = state.outputs[name]
            diagnostics.extend(problems)
        elif not value.is_null:
            found[name] = OutputRecord(
                value=plain(value), type=type_to_json(value.type), sensitive=block.sensitive
            )
    return found
