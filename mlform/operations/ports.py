"""The outside world as apply uses it, made from the environment of an operation."""

from __future__ import annotations

from mlform.apply.ports import Ports
from mlform.apply.stop import Stop
from mlform.backends.base import StateBackend
from mlform.operations.environment import Environment
from mlform.operations.world import World


def make_ports(environment: Environment, world: World, backend: StateBackend, stop: Stop) -> Ports:
    """Return the ports through which tasks and servers are run."""
    settings = environment.settings
    return Ports(
        backend=backend,
        store=world.store,
        reality=world,
        runtime=world.runtime,
        now=environment.now,
        monotonic=environment.monotonic,
        machine=environment.machine,
        new_id=environment.new_id,
        who=environment.who,
        data_folder=settings.work_folder,
        patience=settings.patience,
        parallelism=settings.parallelism,
        on_event=environment.on_event,
        stop=stop,
    )
