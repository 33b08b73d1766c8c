"""What a run that died left in the world, cleaned up before the next one begins."""

from __future__ import annotations

from mlform.apply.events import Recovered
from mlform.apply.ports import Ports
from mlform.apply.record import Recorder
from mlform.apply.servers import restore_traffic
from mlform.runtimes.base import Owner
from mlform.state.snapshot import Intent


def recover(recorder: Recorder, ports: Ports) -> None:
    """Stop and remove what unfinished steps started, and end their intents.

    Traffic that such a step had taken goes back to the server that the state knows.

    Raises:
        RuntimeFailure: If the engine does not do it; the intents then stay.
    """
    for intent in recorder.state.intents:
        if intent.runtime:
            clean(intent, recorder, ports)
        recorder.abandoned(intent.step)
    recorder.flush()


def clean(intent: Intent, recorder: Recorder, ports: Ports) -> None:
    """Stop and remove what an unfinished step started; the recorded server has the traffic again.

    Raises:
        RuntimeFailure: If the engine does not do it.
    """
    runtime = ports.runtime(intent.runtime).runtime
    owner = Owner(project=recorder.lineage, address=str(intent.address), step=intent.step)
    removed = runtime.abandon(owner)
    for message in removed:
        ports.on_event(Recovered(address=intent.address, message=message))
    record = recorder.current(intent.address)
    if not removed or record is None or "spec" not in record.handle:
        return
    restore_traffic(record, recorder.state.lineage, ports)
    ports.on_event(
        Recovered(address=intent.address, message="traffic sent back to the recorded server")
    )
