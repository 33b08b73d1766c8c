"""Running one task document: the same function for a process of its own and a forked child."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlform.digests import JsonObject
from mlform.features.arguments import Arguments
from mlform.features.problems import TaskFailure
from mlform.tasks import ARTIFACT_FOLDER, NO_ROOM, RESULT_NAME, TaskDocument, TaskResult
from mlform.worker.events import Progress
from mlform.worker.printing import Printed
from mlform.worker.problems import WORKER_FAILED, problem_of
from mlform.worker.work import Work, write_json

if TYPE_CHECKING:
    from typing import TextIO

KINDS: Final[Mapping[str, str]] = {
    "dataset": "mlform.worker.dataset",
    "split": "mlform.worker.split",
    "model": "mlform.worker.model",
    "evaluation": "mlform.worker.evaluation",
    "prediction": "mlform.worker.prediction",
}
"""The module of each kind; imported when needed, so that a data set does not load XGBoost."""

BEFORE_LIBRARIES: Final[Mapping[str, str]] = {
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""Variables that libraries read when they are loaded.

BLAS runs on one thread, since the order of its sums depends on the number of threads. Threads of
OpenMP sleep while they wait: spinning slows everyone down where tasks share the cores.
"""

DONE: Final = 0
FAILED: Final = 1
REFUSED: Final = 2


def run_document(path: Path, events: TextIO, printed: Sequence[Printed] = ()) -> int:
    """Do a task and write its artifact and `result.json`.

    Args:
        path: The document.
        events: Where progress goes, as JSON lines.
        printed: What takes what the task prints.

    Returns:
        0 if it is done; 1 if `result.json` holds a problem; 2 if the document cannot be read;
        `NO_ROOM` if `result.json` cannot be written.
    """
    try:
        document = TaskDocument.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"mlform.worker: {path}: {error}\n")
        return REFUSED
    limit_threads(document.threads)
    sys.dont_write_bytecode = True
    progress = Progress(events)
    output = Path(document.output)
    try:
        attributes = _work(document, progress)
    except TaskFailure as failure:
        sys.stderr.write(f"{failure.problem.summary}: {failure.problem.detail}\n")
        return _answer(output, {"problem": failure.problem.to_json()})
    except Exception as error:  # noqa: BLE001 - whatever it is, the control plane has to hear of it
        problem = problem_of(error)
        if problem.summary == WORKER_FAILED:
            traceback.print_exc()
        else:
            sys.stderr.write(f"{problem.summary}: {problem.detail}\n")
        return _answer(output, {"problem": problem.to_json()})
    finally:
        _tell_loss(progress, printed)
        progress.flush()
    return _answer(output, TaskResult(attributes=attributes).to_json())


def _tell_loss(progress: Progress, printed: Sequence[Printed]) -> None:
    for loss in {each.loss for each in printed if each.loss}:
        progress.tell(f"its log is incomplete, since it could not be written: {loss}")


def limit_threads(threads: int) -> None:
    """Make the libraries of this process use no more threads than given.

    Takes effect on libraries that are loaded later, and on those that a fork server loaded but
    never used.
    """
    count = str(max(1, threads))
    os.environ.update(BEFORE_LIBRARIES)
    os.environ.update({"OMP_NUM_THREADS": count, "POLARS_MAX_THREADS": count})
    if "polars" in sys.modules:
        # Reads the environment again; the pool itself is made at the first query.
        sys.modules["polars"].Config.restore_defaults()
    if "sklearn" in sys.modules:
        threadpoolctl = importlib.import_module("threadpoolctl")
        threadpoolctl.threadpool_limits({"openmp": max(1, threads), "blas": 1})


def _work(document: TaskDocument, progress: Progress) -> JsonObject:
    if document.kind not in KINDS:
        message = f"there is no kind of task {document.kind!r}"
        raise ValueError(message)
    artifact = Path(document.output) / ARTIFACT_FOLDER
    artifact.mkdir(parents=True, exist_ok=True)
    run: Callable[[Work], JsonObject] = importlib.import_module(KINDS[document.kind]).run
    return run(
        Work(
            arguments=Arguments(values=document.arguments),
            inputs={name: Path(folder) for name, folder in document.inputs.items()},
            artifact=artifact,
            threads=max(1, document.threads),
            progress=progress,
        )
    )


def _answer(output: Path, document: JsonObject) -> int:
    """Write `result.json` whole or not at all; return the exit status that goes with it."""
    written = output / f".{RESULT_NAME}"
    if "problem" in document:
        # On a full disk it makes room for the answer.
        shutil.rmtree(output / ARTIFACT_FOLDER, ignore_errors=True)
    try:
        output.mkdir(parents=True, exist_ok=True)
        write_json(written, document)
        written.replace(output / RESULT_NAME)
    except OSError as problem:
        sys.stderr.write(f"mlform.worker: {output / RESULT_NAME}: {problem}\n")
        return NO_ROOM
    return FAILED if "problem" in document else DONE
