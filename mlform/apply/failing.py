"""What is wrong with a step that failed, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from mlform.addresses import ResourceAddress
from mlform.apply.events import StepFailed
from mlform.apply.making import Made
from mlform.apply.ports import log_folder
from mlform.config.blocks import ResourceBlock
from mlform.diagnostics import ConfigurationError, Diagnostics, SourceRange
from mlform.errors import MlformError, RuntimeFailure, TaskFailed
from mlform.graph.arguments import plain_object, range_of
from mlform.graph.evaluation import Evaluation
from mlform.lang.construct import object_of
from mlform.lang.values import Value
from mlform.plan.changes import Change
from mlform.plan.steps import Step
from mlform.resources.base import AnyKind

Trouble: TypeAlias = MlformError | ConfigurationError


def trouble_of(problem: BaseException) -> Trouble | None:
    """Return what a step failed of, or None where nobody foresaw it: a bug, or the end."""
    if isinstance(problem, MlformError | ConfigurationError):
        return problem
    if isinstance(problem, OSError):
        where = f"{problem.filename}: " if problem.filename else ""
        detail = (
            f"{where}{problem.strerror or problem}. Mend that (is the disk full, may you write "
            "there?) and apply again: what finished is recorded."
        )
        return MlformError("Working files cannot be read or written", detail)
    return None


def broken_promise(
    evaluation: Evaluation, kind: AnyKind, made: Made, value: Value
) -> Trouble | None:
    """Return which postconditions or gates an object does not fulfil, or None."""
    address = made.record.address
    diagnostics = Diagnostics()
    block = evaluation.config.resource(address.block)
    if block is not None:
        evaluation.check_postconditions(block, address, value, diagnostics)
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
    data_folder: Path,
) -> StepFailed:
    """Return what to tell of a step that failed.

    Args:
        step: The step.
        trouble: What went wrong.
        change: What was planned.
        kind: Of the object.
        block: Where it is declared, if it still is.
        data_folder: Where the logs are.
    """
    told = trouble.diagnostics[0] if isinstance(trouble, ConfigurationError) else trouble
    return StepFailed(
        address=step.address,
        operation=step.operation,
        summary=told.summary,
        detail=told.detail,
        log=_newest_log(data_folder, step.address) if isinstance(trouble, RuntimeFailure) else "",
        range=_place(trouble, change, kind, block),
    )


def _newest_log(data_folder: Path, address: ResourceAddress) -> str:
    folder = log_folder(data_folder, address)
    logs = sorted(folder.glob("*.log")) if folder.is_dir() else []
    return str(logs[-1]) if logs else ""


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
