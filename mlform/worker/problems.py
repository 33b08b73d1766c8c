"""From an exception to what `result.json` says about it."""

from __future__ import annotations

import traceback

from mlform.features.problems import TaskFailure
from mlform.tasks import TaskProblem

WORKER_FAILED = "The worker failed"


def problem_of(error: BaseException) -> TaskProblem:
    """Return the problem of a failure; one that nobody foresaw is a bug of mlform."""
    if isinstance(error, TaskFailure):
        return error.problem
    last = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, MemoryError):
        return TaskProblem(
            summary="Out of memory",
            detail=f"{last}. Raise `memory` of the runtime or take less data.",
        )
    return TaskProblem(
        summary=WORKER_FAILED,
        detail=f"{last}\nThis is a bug in mlform; the traceback is in the log of the task.",
    )
