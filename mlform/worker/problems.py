"""From an exception to what `result.json` says about it."""

from __future__ import annotations

import errno
import re
import traceback
from typing import Final

from mlform.features.problems import TaskFailure, unreadable
from mlform.tasks import TaskProblem

WORKER_FAILED = "The worker failed"
_OF_THE_DISK: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_IN_RUST: Final = re.compile(r"\(os error (\d+)\)")


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
    if _number(error) in _OF_THE_DISK:
        return TaskProblem(
            summary="Files cannot be written",
            detail=f"{last}. Free some space on the disk that holds the project, see that it is in "
            "order, and apply again.",
        )
    if isinstance(error, PermissionError):
        return unreadable(str(error.filename or last)).problem
    return TaskProblem(
        summary=WORKER_FAILED,
        detail=f"{last}\nThis is a bug in mlform; the traceback is in the log of the task.",
    )


def _number(error: BaseException) -> int | None:
    """Return the number of an error of the system; libraries in Rust put it into the text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    told = _IN_RUST.search(str(error))
    return None if told is None else int(told[1])
