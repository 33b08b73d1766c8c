"""One object removed from the world."""

from __future__ import annotations

from collections.abc import Iterable

from mlform.apply.ports import Ports
from mlform.apply.served import remove_note
from mlform.apply.servers import close_gateway, gateway_of, handle_part
from mlform.state.snapshot import ResourceRecord


def remove(record: ResourceRecord, others: Iterable[ResourceRecord], ports: Ports) -> None:
    """Stop the server of an object, and its gateway where nobody else uses it.

    Args:
        record: The object.
        others: The other served objects; one of them may have taken over its gateway.
        ports: The outside world.

    Raises:
        RuntimeFailure: If the engine does not do it.
    """
    runtime = ports.runtime(str(record.handle["runtime"])).runtime
    runtime.stop_server(handle_part(record, "server"))
    remove_note(record, ports)
    if all(gateway_of(other) != gateway_of(record) for other in others):
        close_gateway(record, ports)
