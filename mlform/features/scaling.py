"""`standardize` and `normalize`: a linear map of a number.

Both compute `(value - shift) * factor` as float64; parameters: `{"shift": …, "factor": …}`. A
product, because Polars divides a column by a number in another way than a single value, which can
differ in the last bit.
`standardize` takes the mean and the population standard deviation (divisor n), `normalize` the
minimum and the range; the factor is the reciprocal. A constant column has factor 1, so it becomes
0. Missing stays missing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from mlform.features.columns import Column
from mlform.features.family import as_float64, finite_numbers

if TYPE_CHECKING:
    from mlform.digests import JsonObject
    from mlform.features.arguments import Arguments


class _Linear:
    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:  # noqa: ARG002 - protocol
        """Return the same column as float64."""
        return (Column(name=column.name, type="float64", nullable=column.nullable),)

    def expressions(
        self,
        column: Column,
        parameters: JsonObject,
        value: pl.Expr,
    ) -> tuple[pl.Expr, ...]:
        """Shift and scale."""
        shift = pl.lit(parameters["shift"], dtype=pl.Float64)
        factor = pl.lit(parameters["factor"], dtype=pl.Float64)
        return ((as_float64(column, value) - shift) * factor,)


class Standardize(_Linear):
    """Mean 0 and standard deviation 1 in the training partition."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:  # noqa: ARG002 - protocol
        """Take mean and standard deviation."""
        import numpy as np

        numbers = finite_numbers(column, values)
        if (numbers == numbers[0]).all():
            return {"shift": float(numbers[0]), "factor": 1.0}
        return {"shift": float(np.mean(numbers)), "factor": _reciprocal(float(np.std(numbers)))}


class Normalize(_Linear):
    """From 0 to 1 in the training partition."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:  # noqa: ARG002 - protocol
        """Take minimum and range."""
        numbers = finite_numbers(column, values)
        low, high = float(numbers.min()), float(numbers.max())
        return {"shift": low, "factor": _reciprocal(high - low)}


def _reciprocal(scale: float) -> float:
    """Return 1 / scale, or 1 where that is no finite number: such a column is constant."""
    factor = 1 / scale if scale else math.inf
    return factor if math.isfinite(factor) else 1.0
