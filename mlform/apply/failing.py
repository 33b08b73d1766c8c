"""What is wrong with a step that failed, and where."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TypeAlias

from mlform.apply.events import StepFailed
from mlform.apply.making import Made
from mlform.config.blocks import ResourceBlock
from mlform.diagnostics import ConfigurationError, Diagnostic, Diagnostics, SourceRange
from mlform.errors import (
    MlformError,
    OutOfMemory,
    RuntimeFailure,
    ServerFailed,
    TaskFailed,
    TaskTimedOut,
)
from mlform.graph.arguments import plain_object, range_of
from mlform.graph.evaluation import Evaluation
from mlform.lang.construct import object_of
from mlform.plan.changes import Change
from mlform.plan.steps import Step
from mlform.printed import last_lines, shown_lines, without_end
from mlform.requirements import FAILURE, Retry
from mlform.resources.base import AnyKind

Trouble: TypeAlias = MlformError | ConfigurationError

_OF_THE_TASK = (TaskFailed, TaskTimedOut, OutOfMemory, ServerFailed)


class Unforeseen(MlformError):
    """Something that no adapter may raise: a bug."""


def trouble_of(problem: BaseException, folder: Path) -> Trouble | None:
    """Return what a step failed of, or None where the process itself is to end.

    Args:
        problem: What was raised.
        folder: Where the working files are, for the system does not always say which one it was.
    """
    if isinstance(problem, MlformError | ConfigurationError):
        return problem
    if isinstance(problem, OSError):
        detail = (
            f"{problem.filename or folder}: {problem.strerror or problem}. Mend that (is the disk "
            "full, may you write there?) and apply again: what finished is recorded."
        )
        return MlformError("Working files cannot be read or written", detail)
    if isinstance(problem, Exception):
        detail = (
            f"{type(problem).__name__}: {problem}. It is not a mistake of yours: please open an "
            "issue in the repository that mlform comes from, with the log of this step. What "
            "finished is recorded."
        )
        return Unforeseen("This is a bug in mlform", detail)
    return None


def is_worth_repeating(trouble: Trouble, retry: Retry) -> bool:
    """Whether an attempt that failed is to be followed by another one."""
    if isinstance(trouble, ConfigurationError):
        return False
    if retry.when == FAILURE and isinstance(trouble, _OF_THE_TASK):
        return True
    return trouble.transient


def broken_promise(evaluation: Evaluation, kind: AnyKind, made: Made) -> Trouble | None:
    """Return which postconditions or gates a recorded object does not fulfil, or None."""
    address = made.record.address
    diagnostics = Diagnostics()
    block = evaluation.config.resource(address.block)
    if block is not None:
        evaluation.check_postconditions(block, address, diagnostics)
    if diagnostics.has_errors:
        return ConfigurationError(tuple(diagnostics))
    if kind.sort != "artifact":
        return None
    failures = kind.failures(plain_object(object_of(made.attributes)))
    if not failures:
        return None
    return MlformError(failures[0].summary, "; ".join(problem.detail for problem in failures))


def failure_of(
    step: Step,
    trouble: Trouble,
    *,
    change: Change,
    kind: AnyKind,
    block: ResourceBlock | None,
    log: Path | None,
) -> StepFailed:
    """Return what to tell of a step that failed.

    Args:
        step: The step.
        trouble: What went wrong.
        change: What was planned.
        kind: Of the object.
        block: Where it is declared, if it still is.
        log: Of the attempt, or None if it has none.
    """
    told = told_of(trouble)
    if not isinstance(trouble, RuntimeFailure | Unforeseen):
        log = None
    return StepFailed(
        address=step.address,
        operation=step.operation,
        summary=told.summary,
        detail=told.detail,
        log="" if log is None else str(log),
        tail=_tail(trouble, log),
        range=_place(trouble, change, kind, block),
    )


def told_of(trouble: Trouble) -> MlformError | Diagnostic:
    """Return what has the summary and detail of a failure."""
    return trouble.diagnostics[0] if isinstance(trouble, ConfigurationError) else trouble


def _tail(trouble: Trouble, log: Path | None) -> tuple[str, ...]:
    """Return the last lines of a log, without the problem itself: once is enough."""
    lines = () if log is None else last_lines(log)
    if not lines and isinstance(trouble, TaskFailed | ServerFailed):
        lines = shown_lines(trouble.log_tail)
    return without_end(lines, told_of(trouble).detail)


def keep_traceback(problem: BaseException, log: Path) -> None:
    """Write where something unforeseen happened into the log of an attempt, if that can be."""
    import traceback

    text = "".join(traceback.format_exception(problem))
    with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as stream:
        stream.write(text)


def _place(
    trouble: Trouble, change: Change, kind: AnyKind, block: ResourceBlock | None
) -> SourceRange | None:
    """Return the argument that a problem is about, if it names one."""
    if isinstance(trouble, ConfigurationError):
        return trouble.diagnostics[0].range
    if not isinstance(trouble, TaskFailed) or not trouble.argument or block is None:
        return None
    if kind.sort != "artifact" or change.after is None:
        return None
    path = kind.argument_path(trouble.argument, change.after)
    return range_of(block.body, path, block.range)
