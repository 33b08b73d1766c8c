"""One object removed from the world."""

from __future__ import annotations

from mlform.apply.ports import Ports
from mlform.apply.served import remove_note
from mlform.apply.servers import close_gateway, gateway_of, handle_part
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
    runtime = ports.runtime(str(record.handle["runtime"])).runtime
    runtime.stop_server(handle_part(record, "server"))
    remove_note(record, ports)
    if successor is None or gateway_of(successor) != gateway_of(record):
        close_gateway(record, ports)
