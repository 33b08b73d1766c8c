"""Making plans."""

from __future__ import annotations

from typing import Final

from mlform.dataclass import replace
from mlform.operations.access import config_digest, locked, open_backend
from mlform.operations.environment import Environment
from mlform.operations.kept_variables import lasting, variables_to_json
from mlform.operations.loading import Ask, Loaded, load
from mlform.operations.pins import Pins, resolve_pins
from mlform.operations.results import Planned, PlanOptions
from mlform.operations.world import World
from mlform.plan.capacity import check_capacity
from mlform.plan.changes import Basis, Mode, Plan
from mlform.plan.planner import make_plan as plan_changes
from mlform.plan.ports import check_ports
from mlform.plan.wishes import Wishes
from mlform.state.snapshot import State

_TO_DESTROY: Final = (
    'To destroy what was applied from files that are gone, plan it with "mlform plan -destroy" or '
    'do it with "mlform destroy": they need none.'
)


def make_plan(environment: Environment, options: PlanOptions, ask: Ask | None = None) -> Planned:
    """Plan what would bring reality to what the configuration of the working folder asks for.

    Args:
        environment: The outside world.
        options: What to plan.
        ask: Asks a person for a variable without value.

    Raises:
        ConfigurationError: With everything that is wrong in the configuration.
        MlformError: If state, store or a runtime cannot be used.
    """
    if options.generate_config_out is not None:
        from mlform.operations.generating import check_target

        check_target(options.generate_config_out)
    planned_at = environment.timestamp()
    loaded = load(
        environment,
        options=options.variables,
        ask=ask,
        # What is not configured any more can be destroyed all the same.
        without_files=None if options.mode is Mode.DESTROY else _TO_DESTROY,
    )
    backend = open_backend(environment, loaded)
    with locked(backend, environment, "plan", options.lock_timeout):
        state = backend.read() or State(lineage=environment.new_id())
    pins = resolve_pins(environment, loaded.runtimes.values(), readonly=options.lockfile_readonly)
    if options.generate_config_out is not None and options.mode is Mode.NORMAL:
        loaded = _with_generated(environment, loaded, pins, state, options)
    variables = variables_to_json(loaded.variables, withheld=loaded.sealing.variables)
    basis = Basis(
        lineage=state.lineage,
        serial=state.serial,
        config_digest=config_digest(loaded.config.files, lasting(variables)),
        lock_digest=pins.digest,
        planned_at=planned_at,
        workspace=environment.settings.workspace,
    )
    plan = _planned(environment, loaded, pins, state, basis, options)
    defaults = {name: runtime.requirements for name, runtime in loaded.runtimes.items()}
    check_capacity(plan, state, loaded.config, defaults, environment.machine)
    check_ports(plan, loaded.config, environment.kinds)
    return Planned(
        plan=replace(plan, warnings=(*loaded.warnings, *plan.warnings)),
        state=state,
        files=loaded.config.files,
        variables=variables,
        images=pins.images,
        modules=pins.modules,
        sensitive_variables=tuple(
            name for name, value in loaded.variables.items() if value.is_sensitive
        ),
        sealing=loaded.sealing,
        loaded=loaded,
    )


def _with_generated(
    environment: Environment, loaded: Loaded, pins: Pins, state: State, options: PlanOptions
) -> Loaded:
    from mlform.operations.generating import with_generated

    assert options.generate_config_out is not None  # noqa: S101 - asked by the caller
    world = World(environment, loaded.runtimes, pins.images, state)
    try:
        return with_generated(
            environment, loaded, state, world, options.generate_config_out, options.names
        )
    finally:
        world.close()


def _planned(
    environment: Environment,
    loaded: Loaded,
    pins: Pins,
    state: State,
    basis: Basis,
    options: PlanOptions,
) -> Plan:
    world = World(environment, loaded.runtimes, pins.images, state)
    try:
        if options.refresh:
            world.look_ahead(state.objects.values())
        return plan_changes(
            loaded.evaluation(environment, planned_at=basis.planned_at),
            environment.kinds,
            state,
            world,
            Wishes(
                mode=options.mode,
                refresh=options.refresh,
                replace=frozenset(options.replace),
                targets=options.targets,
                excluded=options.excluded,
            ),
            basis,
        )
    finally:
        world.close()
