"""What tasks and servers printed."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import ResourceAddress
from mlform.apply.ports import log_folder
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
    """Return the logs of an object, the newest last.

    Args:
        environment: The outside world.
        address: The object.
        attempt: Which attempt, from 1; None for the newest one. The log of a running server
            comes after it.

    Raises:
        UsageError: If there is no such log.
    """
    folder = log_folder(environment.settings.work_folder, address)
    files = sorted(folder.glob("*.log")) if folder.is_dir() else []
    state = read_state(environment)
    record = None if state is None else state.current(address)
    found: list[LogFile] = []
    if record is not None and "server" in record.handle and attempt is None:
        found.append(LogFile(path=None, text=_server_log(environment, record, state)))
    elif files:
        position = len(files) if attempt is None else attempt
        if not 1 <= position <= len(files):
            detail = f"There are {len(files)} attempts at {address}, numbered from 1."
            raise UsageError("No such attempt", detail)
        path = files[position - 1]
        found.append(LogFile(path=path, text=path.read_text(encoding="utf-8", errors="replace")))
    if not found:
        detail = f"{address} has not run in this folder: there is no log in {folder}."
        raise UsageError("No log", detail)
    return tuple(found)


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
