"""What tasks and servers printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlform.addresses import ResourceAddress
from mlform.apply.attempt_logs import AttemptLog, log_folder, logs_of
from mlform.errors import MlformError, UsageError
from mlform.operations.environment import Environment
from mlform.operations.loading import load
from mlform.operations.pins import resolve_pins
from mlform.operations.results import LogFile
from mlform.operations.show import read_state
from mlform.operations.world import World
from mlform.state.snapshot import ResourceRecord, State


def read_logs(
    environment: Environment, address: ResourceAddress, *, attempt: int | None
) -> tuple[LogFile, ...]:
    """Return the log of an object.

    Args:
        environment: The outside world.
        address: The object.
        attempt: Number of an attempt; None for the newest one, or the running server.

    Raises:
        UsageError: If there is no such log.
    """
    attempts = logs_of(environment.settings.work_folder, address)
    state = read_state(environment)
    record = None if state is None else state.current(address)
    found: list[LogFile] = []
    if record is not None and "server" in record.handle and attempt is None:
        found.append(LogFile(path=None, text=_server_log(environment, record, state)))
    elif attempts:
        path = _chosen(attempts, attempt, address).path
        found.append(LogFile(path=path, text=path.read_text(encoding="utf-8", errors="replace")))
    if not found:
        raise _no_log(environment, address)
    return tuple(found)


def list_attempts(environment: Environment, address: ResourceAddress) -> tuple[AttemptLog, ...]:
    """Return the attempts at an object of which there is a log, the newest last.

    Raises:
        UsageError: If there is none.
    """
    found = logs_of(environment.settings.work_folder, address)
    if not found:
        raise _no_log(environment, address)
    return found


def _chosen(
    attempts: Sequence[AttemptLog], number: int | None, address: ResourceAddress
) -> AttemptLog:
    for attempt in reversed(attempts):
        if number in {None, attempt.number}:
            return attempt
    kept = ", ".join(str(attempt.number) for attempt in attempts)
    detail = f"There are logs of these attempts at {address}: {kept}. Older ones are not kept."
    raise UsageError("No such attempt", detail)


def _no_log(environment: Environment, address: ResourceAddress) -> UsageError:
    folder = log_folder(environment.settings.work_folder, address)
    return UsageError(
        "No log", f"{address} has not run in this folder: there is no log in {folder}."
    )


def _server_log(environment: Environment, record: ResourceRecord, state: State | None) -> str:
    loaded = load(environment, partial=True)
    pins = resolve_pins(environment, loaded.runtimes.values(), readonly=True)
    world = World(environment, loaded.runtimes, pins.images, state)
    server = record.handle["server"]
    try:
        runtime = world.runtime(str(record.handle["runtime"])).runtime
        if not isinstance(server, Mapping):
            raise MlformError("No log", "The state does not say what serves it.")
        return runtime.server_log(server)
    finally:
        world.close()
