"""`standardize` and `normalize`: a linear map of a number.

Both compute `(value - shift) / scale` as float64; parameters: `{"shift": …, "scale": …}`.
`standardize` takes the mean and the population standard deviation (divisor n), `normalize` the
minimum and the range. A constant column has scale 1, so it becomes 0. Missing stays missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mlform.features.columns import Column
from mlform.features.family import finite_numbers

if TYPE_CHECKING:
    from mlform.digests import JsonObject
    from mlform.features.arguments import Arguments


class _Linear:
    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:  # noqa: ARG002 - protocol
        """Return the same column as float64."""
        return (Column(name=column.name, type="float64", nullable=column.nullable),)

    def expressions(
        self,
        column: Column,  # noqa: ARG002 - protocol
        parameters: JsonObject,
        value: pl.Expr,
    ) -> tuple[pl.Expr, ...]:
        """Shift and scale."""
        shift = pl.lit(parameters["shift"], dtype=pl.Float64)
        scale = pl.lit(parameters["scale"], dtype=pl.Float64)
        return ((value.cast(pl.Float64) - shift) / scale,)


class Standardize(_Linear):
    """Mean 0 and standard deviation 1 in the training partition."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:  # noqa: ARG002 - protocol
        """Take mean and standard deviation."""
        import numpy as np

        numbers = finite_numbers(column, values)
        if (numbers == numbers[0]).all():
            return {"shift": float(numbers[0]), "scale": 1.0}
        return {"shift": float(np.mean(numbers)), "scale": float(np.std(numbers)) or 1.0}


class Normalize(_Linear):
    """From 0 to 1 in the training partition."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:  # noqa: ARG002 - protocol
        """Take minimum and range."""
        numbers = finite_numbers(column, values)
        low, high = float(numbers.min()), float(numbers.max())
        return {"shift": low, "scale": (high - low) or 1.0}
