"""What a family of transforms has to provide, and what the families share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mlform.features.columns import NUMBERS, Column
from mlform.features.problems import TaskFailure

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlform.digests import JsonObject
    from mlform.features.arguments import Arguments


class Family(Protocol):
    """A kind of transform, such as `impute`: works on one column at a time."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:
        """Return the parameters for a column, from its values in the training partition.

        Raises:
            TaskFailure: If the column has the wrong type or its values allow no fit.
        """
        ...

    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:
        """Return the columns that take the place of the column."""
        ...

    def expressions(
        self, column: Column, parameters: JsonObject, value: pl.Expr
    ) -> tuple[pl.Expr, ...]:
        """Return an expression for each output. It must look at one row only."""
        ...


def require_type(column: Column, allowed: frozenset[str], wanted: str) -> None:
    """Check the type of a column.

    Raises:
        TaskFailure: If it is not among the allowed ones; `wanted` names them for people.
    """
    if column.type not in allowed:
        detail = f'Column "{column.name}" is {column.type}, but this transform needs {wanted}.'
        raise TaskFailure("Transform on the wrong type", detail)


def finite_numbers(column: Column, values: pl.Series) -> np.ndarray:
    """Return the present values of a numeric column as float64, shape (n,), n ≥ 1.

    Reductions are left to NumPy, whose order of additions does not depend on threads.

    Raises:
        TaskFailure: If the column is no number, has no value, or an infinite one.
    """
    import numpy as np
    import polars as pl

    require_type(column, NUMBERS, "a number")
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    if numbers.size == 0:
        raise without_values(column)
    if not np.isfinite(numbers).all():
        count = int((~np.isfinite(numbers)).sum())
        detail = (
            f'Column "{column.name}" has {count} infinite values in the training partition; '
            "filter them out of the data set or clip the column first."
        )
        raise TaskFailure("Infinite values", detail)
    return np.asarray(numbers, dtype=np.float64)


def as_float64(column: Column, value: pl.Expr) -> pl.Expr:
    """Return a number as float64; a cast that changes nothing would still cost every request."""
    import polars as pl

    return value if column.type == "float64" else value.cast(pl.Float64)


def without_values(column: Column) -> TaskFailure:
    """Return the failure of fitting on a column whose values are all missing."""
    return TaskFailure(
        "Column without values",
        f'Column "{column.name}" has no value in the training partition, so nothing can be '
        "fitted on it; drop the column or impute a constant.",
    )
