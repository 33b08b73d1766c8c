"""`clip`: values outside the bounds become the bounds.

Parameters: `{"min": … or null, "max": … or null, "type": type name of the output}`. A quantile is
taken over the training partition (linear interpolation). Where both a bound and a quantile are
given, the tighter one holds. Integers stay what they are if the bounds are whole, else they
become `float64`. Missing stays missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mlform.features.arguments import Arguments
from mlform.features.columns import DTYPES, INTEGERS, Column
from mlform.features.family import as_float64, finite_numbers
from mlform.features.problems import TaskFailure

if TYPE_CHECKING:
    from mlform.digests import JsonObject


class Clip:
    """Limits values."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:
        """Find the bounds."""
        import numpy as np

        numbers = finite_numbers(column, values)
        low, high = arguments.optional_number("min"), arguments.optional_number("max")
        lower, upper = (
            arguments.optional_number("lower_quantile"),
            arguments.optional_number("upper_quantile"),
        )
        if lower is not None:
            quantile = float(np.quantile(numbers, lower))
            low = quantile if low is None else max(low, quantile)
        if upper is not None:
            quantile = float(np.quantile(numbers, upper))
            high = quantile if high is None else min(high, quantile)
        if low is not None and high is not None and low > high:
            detail = f'Column "{column.name}": the lower bound {low:g} exceeds the upper {high:g}.'
            raise TaskFailure("Empty range", detail)
        whole = all(bound is None or bound == int(bound) for bound in (low, high))
        kept = column.type if column.type not in INTEGERS or whole else "float64"
        return {"min": low, "max": high, "type": kept}

    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:
        """Return the same column."""
        return (Column(name=column.name, type=str(parameters["type"]), nullable=column.nullable),)

    def expressions(
        self,
        column: Column,
        parameters: JsonObject,
        value: pl.Expr,
    ) -> tuple[pl.Expr, ...]:
        """Limit the value; compared as float64 so that bounds need not fit a narrow type."""
        bounds = Arguments(values=parameters)
        result = as_float64(column, value) if parameters["type"] == "float64" else value
        dtype = DTYPES[bounds.text("type")]
        low, high = bounds.optional_number("min"), bounds.optional_number("max")
        if low is not None:
            result = pl.when(result < low).then(pl.lit(low)).otherwise(result)
        if high is not None:
            result = pl.when(result > high).then(pl.lit(high)).otherwise(result)
        return (result.cast(dtype),)
