"""Running one task in a container to its end."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass
from mlform.errors import RuntimeFailure, TaskCancelled, TaskFailed
from mlform.runtimes.base import Cancellation, Owner, TaskRequest
from mlform.runtimes.docker import lifecycle
from mlform.runtimes.docker.containers import labels_of, task_container
from mlform.runtimes.docker.engine import Engine, inside, text_of
from mlform.runtimes.preparation import (
    OUTPUT_FOLDER,
    answer_left_behind,
    log_tail,
    parse_event,
    read_answer,
    write_document,
)
from mlform.runtimes.supervision import out_of_memory, timed_out
from mlform.runtimes.task_log import TaskLog, make_log
from mlform.tasks import Requirements, TaskEvent, TaskResult

_POLL: Final = 0.05
_GRACE: Final = 5
_READ_LIMIT: Final = 10.0
_NO_COMMAND: Final = 127
_EVERYBODY: Final = 0o777
_LOOK: Final = 0.5
"""Seconds between looks at a task that a dead run left."""
_AT_WORK: Final = frozenset({"running", "created"})
"""What the engine calls a container whose task has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a container ended.

    Attributes:
        status: Exit status.
        out_of_memory: Whether the kernel killed one of its processes for memory.
    """

    status: int
    out_of_memory: bool


_WELL: Final = Ending(status=0, out_of_memory=False)


def run_task(
    engine: Engine,
    request: TaskRequest,
    user: str,
    on_event: Callable[[TaskEvent], None],
    cancellation: Cancellation,
) -> TaskResult:
    """Run a task in a container, which is gone afterwards; see the port for what it raises."""
    write_document(request.work, request.document)
    output = request.work / OUTPUT_FOLDER
    _give(output, user)
    make_log(request.log)
    container = lifecycle.create(engine, task_container(request, user))
    try:
        log = TaskLog(request.log, on_event)
        stream = _attach(engine, container, log, on_event)
        lifecycle.start(engine, container, request.image)
        _wait(engine, container, stream, request.requirements, cancellation)
        stream.join(_READ_LIMIT)
        ending = _ending(engine, container)
    finally:
        lifecycle.remove(engine, container)
        _take_back(output)
    return _answer(request, ending)


def salvage(
    engine: Engine, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]
) -> TaskResult | None:
    """Return what a task answered whose container ends well though its run died, or None.

    Args:
        engine: Where it is.
        owner: Whose task it is.
        work: Folder of the attempt.
        log: Of the attempt; what the container printed meanwhile is added.
        go_on: Whether to wait for one that still runs; asked again and again.
    """
    for found in lifecycle.labelled(engine, labels_of(owner, "task")):
        container = text_of(found, "Id")
        while (status := _status(engine, container)) in _AT_WORK and go_on():
            time.sleep(_LOOK)
        if status and status not in _AT_WORK:
            _complete_log(engine, container, log)
        if status == "exited" and _ending(engine, container) == _WELL:
            _take_back(work / OUTPUT_FOLDER)
            return answer_left_behind(work, log)
    return None


def _status(engine: Engine, container: str) -> str:
    return text_of(lifecycle.inspect(engine, container), "State", "Status")


def _complete_log(engine: Engine, container: str, log: Path) -> None:
    """Write all that a container printed into the log of its attempt, if there is room for it."""
    lines = lifecycle.log_of(engine, container).splitlines(keepends=True)
    with suppress(OSError):
        log.write_text("".join(line for line in lines if parse_event(line) is None))


def _answer(request: TaskRequest, ending: Ending) -> TaskResult:
    if ending.out_of_memory and request.requirements.memory is not None:
        raise out_of_memory(request.requirements.memory)
    try:
        return read_answer(request.work, ending.status, request.log)
    except TaskFailed as failure:
        tail = log_tail(request.log)
        if "No module named mlform" in tail or "No module named 'mlform" in tail:
            raise lifecycle.unusable(request.image, "its python3 has no mlform.") from failure
        if ending.status == _NO_COMMAND and "exec" in tail and "failed" in tail:
            missing = f"there is no program {request.command[0]}."
            raise lifecycle.unusable(request.image, missing) from failure
        raise _seen_from_here(failure, request) from failure


def _seen_from_here(failure: TaskFailed, request: TaskRequest) -> TaskFailed:
    """Return a failure that names folders as they are called on the host."""
    detail = failure.detail
    for folder in request.folders:
        inside = re.compile(rf"{re.escape(folder.target)}(?![\w.-])")
        detail = folder.source.join(inside.split(detail))
    return type(failure)(
        failure.summary, detail, argument=failure.argument, log_tail=failure.log_tail
    )


def _attach(
    engine: Engine, container: str, log: TaskLog, on_event: Callable[[TaskEvent], None]
) -> lifecycle.Output:
    def keep(text: bytes) -> None:
        log.append(text)
        log.bound()

    def take(line: bytes) -> None:
        event = parse_event(line.decode(errors="replace"))
        if event is not None:
            on_event(event)
        elif line.strip():
            keep(line + b"\n")

    return lifecycle.Output(engine, container, take, keep)


def _wait(
    engine: Engine,
    container: str,
    stream: lifecycle.Output,
    requirements: Requirements,
    cancellation: Cancellation,
) -> None:
    """Return once a container has ended; stop it when it must not go on."""
    begun = time.monotonic()
    while True:
        if stream.ended.wait(_POLL):
            if _status(engine, container) not in _AT_WORK:
                return
            time.sleep(_POLL)
        if cancellation.is_set():
            lifecycle.stop(engine, container, _GRACE)
            raise TaskCancelled("Task cancelled", "The run was interrupted; the task was stopped.")
        if requirements.timeout is not None and time.monotonic() - begun > requirements.timeout:
            lifecycle.stop(engine, container, _GRACE)
            raise timed_out(requirements.timeout)


def _ending(engine: Engine, container: str) -> Ending:
    state = inside(lifecycle.inspect(engine, container), "State")
    status = inside(state, "ExitCode")
    if not isinstance(status, int):
        raise RuntimeFailure(
            "Container vanished", "Somebody removed the task's container while it ran."
        )
    # A child that was killed for memory sets this even where the task ends with status 0.
    return Ending(status=status, out_of_memory=inside(state, "OOMKilled") is True)


def _give(output: Path, user: str) -> None:
    """Let the container's user write to the output folder."""
    if os.getuid() == 0:
        uid, _, gid = user.partition(":")
        os.chown(output, int(uid), int(gid or uid))
    # Engines that map users show another owner inside; the folder above keeps strangers out.
    output.chmod(_EVERYBODY)


def _take_back(output: Path) -> None:
    """Own what the container's user wrote, so that the store keeps it under mlform's user."""
    output.chmod(0o755)
    if os.getuid() != 0:
        return
    os.chown(output, 0, 0)
    for folder, folders, files in os.walk(output):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, 0, 0, follow_symlinks=False)
