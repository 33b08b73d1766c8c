"""One object removed from the world."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.apply.ports import Ports
from mlform.digests import Json, JsonObject
from mlform.state.snapshot import ResourceRecord


def remove(record: ResourceRecord, successor: ResourceRecord | None, ports: Ports) -> None:
    """Stop the server of an object, and its gateway where no successor uses it.

    Args:
        record: The object.
        successor: The current object at the same address, if `record` was replaced by it.
        ports: The outside world.

    Raises:
        RuntimeFailure: If the engine does not do it.
    """
    handle = record.handle
    runtime = ports.runtime(str(handle["runtime"])).runtime
    runtime.stop_server(_object(handle, "server"))
    if successor is None or gateway_of(successor) != gateway_of(record):
        runtime.close_route(_object(handle, "route"))


def gateway_of(record: ResourceRecord) -> tuple[Json, ...]:
    """Return what tells the gateway of a served object from others: its runtime and its URL."""
    spec = _object(record.handle, "spec")
    return (record.handle.get("runtime"), spec.get("host"), spec.get("port"))


def _object(handle: JsonObject, name: str) -> JsonObject:
    value = handle.get(name)
    return value if isinstance(value, Mapping) else {}
