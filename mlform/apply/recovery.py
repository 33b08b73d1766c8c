"""What a run that died left in the world, cleaned up before the next one begins."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.apply.adoption import adopt
from mlform.apply.events import Recovered
from mlform.apply.ports import Ports
from mlform.apply.record import Recorder
from mlform.apply.servers import is_served, restore_traffic
from mlform.apply.work_folders import remove_work, sweep
from mlform.digests import Digest
from mlform.errors import ServerFailed
from mlform.resources.base import AnyKind, kind_of
from mlform.runtimes.base import Owner
from mlform.state.snapshot import Intent, ResourceRecord


def recover(
    recorder: Recorder,
    kinds: Mapping[str, AnyKind],
    ports: Ports,
    awaited: frozenset[Digest] = frozenset(),
) -> None:
    """Stop and remove what unfinished steps started, and end their intents.

    Traffic that such a step had taken goes back to the server that the state knows.

    Args:
        recorder: Of the state.
        kinds: Resource kinds by name.
        ports: The outside world.
        awaited: Recipes whose task is waited for where it still runs.

    Raises:
        RuntimeFailure: If the engine does not do it; the intents then stay.
    """
    for intent in recorder.state.intents:
        for message in clean(intent, recorder, kinds, ports, awaited):
            ports.on_event(Recovered(address=intent.address, message=message))
        recorder.abandoned(intent.step)
    recorder.flush()
    sweep(ports.data_folder)


def clean(
    intent: Intent,
    recorder: Recorder,
    kinds: Mapping[str, AnyKind],
    ports: Ports,
    awaited: frozenset[Digest] = frozenset(),
) -> tuple[str, ...]:
    """Stop and remove what an unfinished step started; recorded servers have the traffic again.

    What a task had made that ended well is kept in the store first; one of the `awaited` recipes
    is waited for.

    Returns:
        A sentence for each thing that was done.

    Raises:
        RuntimeFailure: If the engine does not do it.
    """
    if not intent.runtime:
        return ()
    runtime = ports.runtime(intent.runtime).runtime
    owner = Owner(project=recorder.lineage, address=str(intent.address), step=intent.step)
    told = list(adopt(intent, owner, runtime, ports, awaited))
    removed = runtime.abandon(owner)
    remove_work(ports.data_folder, intent.step)
    told += removed
    if removed and kind_of(kinds, intent.address).sort == "server":
        told += [_restore(record, recorder, ports) for record in _served(intent, recorder)]
    return tuple(told)


def _served(intent: Intent, recorder: Recorder) -> list[ResourceRecord]:
    """Return the objects whose traffic an unfinished step may have taken.

    That is the one it was to replace; where it was to replace none, it may have taken over the URL
    of any that was called otherwise.
    """
    record = recorder.current(intent.address)
    if record is not None:
        return [record] if is_served(record) else []
    return [
        each for (_, deposed), each in recorder.objects.items() if not deposed and is_served(each)
    ]


def _restore(record: ResourceRecord, recorder: Recorder, ports: Ports) -> str:
    try:
        restore_traffic(record, recorder.lineage, ports)
    except ServerFailed as failure:
        # It is as dead as the run that was to replace it; the plan says what becomes of it.
        return f"traffic could not be sent back to {record.address}: {failure.summary}"
    return f"traffic sent back to {record.address}"
