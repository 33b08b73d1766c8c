"""What every runtime does the same way around a task: its document before, its answer after."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import JsonObject, canonical_json
from mlform.errors import TaskFailed, WorkerKilled
from mlform.printed import read_end
from mlform.tasks import (
    ARTIFACT_FOLDER,
    DOCUMENT_NAME,
    NO_ROOM,
    RESULT_NAME,
    Requirements,
    Task,
    TaskDocument,
    TaskEvent,
    TaskResult,
)

OUTPUT_FOLDER: Final = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What Python is given to run; the document or configuration is the last argument.

    Attributes:
        worker: Does one task, or with `--warm` forks workers.
        server: Serves a model.
        gateway: Owns the port of an endpoint's URL.
    """

    worker: tuple[str, ...] = ("-m", "mlform.worker")
    server: tuple[str, ...] = ("-m", "mlform.serving")
    gateway: tuple[str, ...] = ("-m", "mlform.serving.gateway")


LOG_TAIL_LINES: Final = 20


def threads_of(requirements: Requirements) -> int:
    """Return how many threads work with these requirements may use: cores, rounded up."""
    return max(1, math.ceil(requirements.cpus))


def thread_variables(threads: int) -> dict[str, str]:
    """Return the variables that keep numeric libraries to so many threads, and hashing fixed.

    Inside a container `os.cpu_count()` is that of the machine, so libraries must be told.
    """
    count = str(threads)
    return {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "POLARS_MAX_THREADS": count,
        "ARROW_NUM_THREADS": count,
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def device_variables(requirements: Requirements) -> dict[str, str]:
    """Return the variables that show a process its GPUs and no others.

    They are counted as the driver counts them, so that a number means the same everywhere.
    """
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(requirements.devices),
    }


def document_of(task: Task, inputs: Mapping[str, str], output: str) -> TaskDocument:
    """Return the document of a task with the paths that it will see.

    Raises:
        ValueError: If the folders given are not those the task names.
    """
    if set(inputs) != set(task.inputs):
        message = f"the task reads {sorted(task.inputs)}, folders are given for {sorted(inputs)}"
        raise ValueError(message)
    return TaskDocument(
        kind=task.kind,
        arguments=task.arguments,
        inputs=dict(inputs),
        output=output,
        threads=threads_of(task.requirements),
    )


def write_document(work: Path, document: JsonObject) -> Path:
    """Lay out the folder of an attempt: an empty output folder and the task document.

    Returns:
        The file of the document.
    """
    (work / OUTPUT_FOLDER).mkdir(parents=True, exist_ok=True)
    path = work / DOCUMENT_NAME
    path.write_bytes(canonical_json(document))
    return path


def parse_event(line: str) -> TaskEvent | None:
    """Read one line of a worker's standard output; None if it is no event."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict) or "message" not in document:
        return None
    return TaskEvent.from_json(document)


def log_tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """Return the last lines of a log file; an empty string if there is none."""
    return "\n".join(read_end(log).splitlines()[-lines:])


def read_answer(work: Path, exit_status: int, log: Path) -> TaskResult:
    """Return what a worker that has ended says of its artifact.

    Args:
        work: Folder of the attempt.
        exit_status: Of the worker; negative is a signal, 128 + n is one as a shell says it.
        log: Where its standard error went.

    Raises:
        WorkerKilled: A signal ended it.
        TaskFailed: It reported a problem, left no result or no artifact, or ended badly.
    """
    try:
        answer = json.loads((work / OUTPUT_FOLDER / RESULT_NAME).read_bytes())
    except FileNotFoundError:
        answer = None
    except ValueError as error:
        raise TaskFailed(
            "Worker left a broken result",
            f"{RESULT_NAME} of the task is no JSON: {error}.",
            log_tail=log_tail(log),
        ) from error
    if isinstance(answer, dict) and isinstance(problem := answer.get("problem"), dict):
        raise TaskFailed(
            str(problem.get("summary", "Task failed")),
            str(problem.get("detail", "")),
            argument=str(problem.get("argument", "")),
            log_tail=log_tail(log),
        )
    if exit_status == NO_ROOM:
        raise TaskFailed(
            "Task could not write its result",
            f"What it made does not fit into {work}, or cannot be written there. Free some space "
            "on that disk, see that it is in order, and apply again.",
            log_tail=log_tail(log),
        )
    if exit_status != 0:
        failure = TaskFailed if signal_of(exit_status) is None else WorkerKilled
        raise failure(
            "Worker died",
            f"The task's process {ending(exit_status)} before it had a result.",
            log_tail=log_tail(log),
        )
    attributes = answer.get("attributes") if isinstance(answer, dict) else None
    if not isinstance(attributes, dict) or not (work / OUTPUT_FOLDER / ARTIFACT_FOLDER).is_dir():
        raise TaskFailed(
            "Worker left no result",
            "The task's process ended as if all were well but left no result with an artifact.",
            log_tail=log_tail(log),
        )
    return TaskResult(attributes=attributes)


def answer_left_behind(work: Path, log: Path) -> TaskResult | None:
    """Return what a worker answered that ended while nobody watched it, or None."""
    try:
        return read_answer(work, 0, log)
    except (TaskFailed, OSError):
        return None


def signal_of(exit_status: int) -> str | None:
    """Return the name of the signal that ended a process, or None if none did."""
    number = -exit_status if exit_status < 0 else exit_status - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return None


def ending(exit_status: int) -> str:
    """Say how a process ended: `exited with status 3`, `was killed by SIGKILL …`."""
    name = signal_of(exit_status)
    if name is None:
        return f"exited with status {exit_status}"
    hint = " (perhaps because the machine ran out of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
