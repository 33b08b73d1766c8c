"""Reading the state."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config
from mlform.errors import UsageError
from mlform.operations.access import backend_alone
from mlform.operations.environment import Environment
from mlform.operations.kept_variables import variables_from_json
from mlform.operations.loading import load_snapshot
from mlform.operations.results import Planned
from mlform.state.snapshot import ResourceRecord, State


def read_state(environment: Environment) -> State | None:
    """Return the state, or None where nothing was applied yet.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
        BackendError: If the state cannot be read.
    """
    return backend_alone(environment).read()


def planned_config(environment: Environment, planned: Planned) -> Config:
    """Return the configuration that a plan was made from.

    Raises:
        ConfigurationError: If it cannot be used, which only a damaged plan can cause.
    """
    variables = variables_from_json(planned.variables)
    return load_snapshot(environment, planned.files, variables).config


def find_record(environment: Environment, address: ResourceAddress) -> ResourceRecord:
    """Return the current object at an address.

    Raises:
        UsageError: If the state has none.
    """
    state = read_state(environment)
    record = None if state is None else state.current(address)
    if record is None:
        known = [] if state is None else [str(item.address) for item in state.records]
        from mlform.diagnostics import did_you_mean

        detail = f"The state has no {address}.{did_you_mean(str(address), known)}"
        raise UsageError("No such object", f'{detail} See "mlform state list".')
    return record
