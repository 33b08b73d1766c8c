"""Whether this machine has what the objects to be made ask for, as far as that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlform.config.blocks import Config
from mlform.diagnostics import Diagnostics
from mlform.digests import Json
from mlform.graph.arguments import range_of
from mlform.machine import Machine, remedy, shortage
from mlform.plan.changes import Action, Change, Plan
from mlform.requirements import requirements_of
from mlform.state.snapshot import ResourceRecord, State
from mlform.tasks import Requirements

_RUNNING = {
    Action.CREATE,
    Action.REBUILD,
    Action.DELETE_THEN_CREATE,
    Action.CREATE_THEN_DELETE,
    Action.FORGET_THEN_CREATE,
    Action.CREATE_THEN_FORGET,
}
"""Actions for which a task or server has to run."""


def check_capacity(
    plan: Plan,
    state: State,
    config: Config,
    defaults: Mapping[str, Requirements | None],
    measure: Callable[[], Machine],
) -> None:
    """Refuse a plan that this machine can never carry out.

    Args:
        plan: The plan.
        state: It was made from.
        config: It was made from.
        defaults: What a runtime gives to those that ask for nothing, by `type.name`.
        measure: Measures the machine; not called where nothing asks for anything.

    Raises:
        ConfigurationError: With each object that asks for more than there is.
    """
    diagnostics = Diagnostics()
    asking = [each for each in plan.changes if _runs(each) and _asks(each, defaults)]
    machine = measure() if asking else Machine()
    for change in asking:
        default = defaults.get(change.runtime) or Requirements()
        wanted = machine.cut(requirements_of(_block(change), default))
        short = shortage(wanted, machine, _held(plan.changes, state, change))
        if short is not None:
            _report(change, short, config, diagnostics)
    diagnostics.raise_if_errors()


def _runs(change: Change) -> bool:
    return change.action in _RUNNING and not change.reused and bool(change.runtime)


def _block(change: Change) -> Json:
    return None if change.after is None else change.after.get("requirements")


def _asks(change: Change, defaults: Mapping[str, Requirements | None]) -> bool:
    return _block(change) is not None or defaults.get(change.runtime) is not None


def _held(changes: Iterable[Change], state: State, asking: Change) -> int:
    """Return how many GPUs servers have that are neither destroyed nor replaced."""
    going = {(each.address, each.deposed) for each in changes if each.action.destroys}
    going.add((asking.address, asking.deposed))
    return sum(len(_devices(each)) for key, each in state.objects.items() if key not in going)


def _devices(record: ResourceRecord) -> tuple[Json, ...]:
    spec = record.handle.get("spec")
    needs = spec.get("requirements") if isinstance(spec, Mapping) else None
    devices = needs.get("devices") if isinstance(needs, Mapping) else None
    return tuple(devices) if isinstance(devices, list | tuple) else ()


def _report(
    change: Change, short: tuple[str, str], config: Config, diagnostics: Diagnostics
) -> None:
    name, sentence = short
    block = config.resource(change.address.block)
    diagnostics.error(
        "Machine too small",
        f"{sentence} {remedy(name)}",
        range=None if block is None else range_of(block.body, ("requirements", name), block.range),
        address=str(change.address),
    )
