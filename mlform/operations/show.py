"""Reading the state."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.errors import UsageError
from mlform.operations.access import backend_alone
from mlform.operations.environment import Environment
from mlform.state.snapshot import ResourceRecord, State


def read_state(environment: Environment) -> State | None:
    """Return the state, or None where nothing was applied yet.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
        BackendError: If the state cannot be read.
    """
    return backend_alone(environment).read()


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
