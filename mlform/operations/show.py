"""Reading the state."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config
from mlform.errors import UsageError
from mlform.operations.access import backend_alone
from mlform.operations.environment import Environment
from mlform.operations.kept_variables import variables_from_json
from mlform.operations.loading import load_snapshot
from mlform.operations.results import Planned
from mlform.state.snapshot import CURRENT, ResourceRecord, State


def read_state(environment: Environment) -> State | None:
    """Return the state, or None where nothing was applied yet.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
        BackendError: If the state cannot be read.
    """
    return backend_alone(environment).read()


def existing_state(environment: Environment) -> State:
    """Return the state.

    Raises:
        UsageError: If there is none yet.
        ConfigurationError: If the backend block cannot be understood.
        BackendError: If the state cannot be read.
    """
    state = read_state(environment)
    if state is None:
        raise no_state()
    return state


def no_state() -> UsageError:
    """Return the failure to raise where nothing was applied yet."""
    return UsageError(
        "No state file was found",
        "State management commands require a state, and nothing was applied here yet. Run mlform "
        "apply, choose the folder with -chdir, or the workspace with MLF_WORKSPACE.",
    )


def planned_config(environment: Environment, planned: Planned) -> Config:
    """Return the configuration that a plan was made from.

    Raises:
        ConfigurationError: If it cannot be used, which only a damaged plan can cause.
    """
    variables = variables_from_json(planned.variables)
    return load_snapshot(environment, planned.files, variables, partial=True).config


def find_record(environment: Environment, address: ResourceAddress) -> ResourceRecord:
    """Return the current object at an address.

    Raises:
        UsageError: If the state has none.
    """
    record = find_objects(environment, address).get(CURRENT)
    if record is None:
        detail = f"There are only deposed objects at {address}; the next apply destroys them."
        raise UsageError("No instance found for the given address!", detail)
    return record


def find_objects(
    environment: Environment, address: ResourceAddress
) -> Mapping[str, ResourceRecord]:
    """Return the objects at an address by their deposed key, the current one first.

    Raises:
        UsageError: If the state has none.
    """
    state = existing_state(environment)
    found = {key: record for key, record in state.in_order if record.address == address}
    if not found:
        from mlform.diagnostics import did_you_mean

        known = [str(item.address) for item in state.records]
        raise UsageError(
            "No instance found for the given address!",
            f"The state has no {address}.{did_you_mean(str(address), known)} This command requires "
            "that the address references one specific instance. To view the available instances, "
            'use "mlform state list".',
        )
    return found
