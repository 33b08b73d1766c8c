"""`log`: the natural logarithm of `value + offset` (offset 1 by default), as float64.

Parameters: `{"offset": …}`. In the training partition every `value + offset` must be positive;
elsewhere one that is not becomes missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mlform.features.columns import Column
from mlform.features.family import as_float64, finite_numbers
from mlform.features.problems import TaskFailure

if TYPE_CHECKING:
    from mlform.digests import JsonObject
    from mlform.features.arguments import Arguments


class Log:
    """Takes logarithms."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:
        """Check that the logarithm exists."""
        offset = float(arguments.number("offset", 1.0))
        numbers = finite_numbers(column, values) + offset
        if (numbers <= 0).any():
            detail = (
                f'{int((numbers <= 0).sum())} training values of column "{column.name}" plus the '
                f"offset {offset:g} are not positive (the lowest is {numbers.min():g}); "
                "raise the offset or clip the column first."
            )
            raise TaskFailure("Logarithm of a value that is not positive", detail)
        return {"offset": offset}

    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:  # noqa: ARG002 - protocol
        """Return the same column as float64, which may be missing where live values are low."""
        return (Column(name=column.name, type="float64", nullable=True),)

    def expressions(
        self,
        column: Column,
        parameters: JsonObject,
        value: pl.Expr,
    ) -> tuple[pl.Expr, ...]:
        """Take the logarithm where it exists."""
        moved = as_float64(column, value) + pl.lit(parameters["offset"], dtype=pl.Float64)
        return (pl.when(moved > 0).then(moved).otherwise(None).log(),)
