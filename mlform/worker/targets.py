"""The target of a model: which task it makes, its classes and their indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from mlform.digests import Json
from mlform.features.arguments import Arguments
from mlform.features.problems import TaskFailure, quoted, unknown_column
from mlform.features.rows import value_to_json

if TYPE_CHECKING:
    import numpy as np

_MOST_CLASSES = 20
_BINARY = 2
TASKS = ("binary", "multiclass", "regression")


def require_target(frame: pl.DataFrame, target: str, partition: str) -> None:
    """Check that every row has a target.

    Raises:
        TaskFailure: If the column does not exist, has a type that cannot be learned, or is
            missing in some rows.
    """
    if target not in frame.columns:
        raise unknown_column(target, frame.columns, "target")
    values = frame[target]
    if not (values.dtype.is_numeric() or values.dtype in {pl.String, pl.Boolean}):
        detail = f'The target "{target}" is {values.dtype}; it must be a number, string or boolean.'
        raise TaskFailure("Target of the wrong type", detail, "target")
    if values.null_count():
        detail = (
            f'The target "{target}" is missing in {values.null_count()} of {values.len()} rows of '
            f'partition "{partition}"; leave them out with `where = "{target} IS NOT NULL"` of the '
            "data set."
        )
        raise TaskFailure("Target with missing values", detail, "target")


def task_of(target: pl.Series, algorithm: Arguments) -> str:
    """Return `binary`, `multiclass` or `regression`, by the rule in `model`.

    Raises:
        TaskFailure: If the task asked for does not fit the target.
    """
    asked = algorithm.optional_text("task") or _task_of_objective(
        algorithm.optional_text("objective")
    )
    if asked is None:
        return _inferred(target)
    if asked not in TASKS:
        detail = f'There is no task "{asked}"; the tasks are {quoted(TASKS)}.'
        raise TaskFailure("Unknown task", detail, "algorithm.task")
    if asked == "regression" and not target.dtype.is_numeric():
        detail = f'Regression needs a number, but the target "{target.name}" is {target.dtype}.'
        raise TaskFailure("Target of the wrong type", detail, "target")
    return asked


def classes_of(target: pl.Series, task: str) -> tuple[Json, ...]:
    """Return the classes of a training target, sorted.

    Raises:
        TaskFailure: If there is only one, or a binary task has more than two, or the target is
            a number with a fraction.
    """
    if target.dtype.is_float() and not (target == target.round()).all():
        detail = f'The target "{target.name}" has fractions, so it names no classes.'
        raise TaskFailure("Target of the wrong type", detail, "target")
    classes = tuple(value_to_json(value) for value in target.unique().sort().to_list())
    if len(classes) < _BINARY:
        detail = f'The target "{target.name}" is always {classes[0]!r} in the training partition.'
        raise TaskFailure("Only one class", detail, "target")
    if task == "binary" and len(classes) > _BINARY:
        detail = (
            f'The target "{target.name}" has {len(classes)} classes ({quoted(classes)}), but the '
            "task is binary; use a multi:… objective or leave rows out."
        )
        raise TaskFailure("Too many classes", detail, "target")
    return classes


def class_indices(
    target: pl.Series, classes: Sequence[Json], partition: str, argument: str
) -> np.ndarray:
    """Return the index of each row's class, shape (rows,), int64.

    Raises:
        TaskFailure: If a class does not appear in the training partition.
    """
    import numpy as np

    positions = {label: index for index, label in enumerate(classes)}
    values = [value_to_json(value) for value in target.to_list()]
    unseen = sorted({str(value) for value in values if value not in positions})
    if unseen:
        detail = (
            f'Partition "{partition}" has classes of "{target.name}" that the training partition '
            f"has not: {quoted(unseen)}. Stratify the split, or leave those rows out."
        )
        raise TaskFailure("Class unseen in training", detail, argument)
    return np.asarray([positions[value] for value in values], dtype=np.int64)


def _task_of_objective(objective: str | None) -> str | None:
    if objective is None:
        return None
    family = objective.split(":", maxsplit=1)[0]
    return {"binary": "binary", "multi": "multiclass"}.get(family, "regression")


def _inferred(target: pl.Series) -> str:
    classes = target.n_unique()
    if target.dtype.is_float() or (target.dtype.is_integer() and classes > _MOST_CLASSES):
        return "regression"
    return "binary" if classes <= _BINARY else "multiclass"
