"""`impute`: missing values become a value of the training partition, or a constant.

Parameters: `{"value": …, "type": type name of the output}`. Mean and median of integers give
`float64`. Ties of `most_frequent` go to the smallest value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mlform.features.columns import DTYPES, INTEGERS, NUMBERS, Column
from mlform.features.family import finite_numbers, require_type, without_values
from mlform.features.problems import TaskFailure
from mlform.features.rows import frame_from_rows, value_to_json

if TYPE_CHECKING:
    from mlform.digests import Json, JsonObject
    from mlform.features.arguments import Arguments

_IMPUTABLE = NUMBERS | {"bool", "string"}


class Impute:
    """Fills missing values."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:
        """Find the value that stands in for a missing one."""
        require_type(column, _IMPUTABLE, "a number, boolean or string")
        strategy = arguments.text("strategy")
        if strategy == "constant":
            return _constant(column, arguments.values.get("value"))
        if strategy == "most_frequent":
            return {"value": _most_frequent(column, values), "type": column.type}
        return {"value": _centre(column, values, strategy), "type": "float64"}

    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:
        """Return the same column, never missing."""
        return (Column(name=column.name, type=str(parameters["type"]), nullable=False),)

    def expressions(
        self, column: Column, parameters: JsonObject, value: pl.Expr
    ) -> tuple[pl.Expr, ...]:
        """Fill with the value."""
        dtype = DTYPES[str(parameters["type"])]
        filled = value if column.dtype == dtype else value.cast(dtype)
        return (filled.fill_null(pl.lit(parameters["value"], dtype=dtype)),)


def _centre(column: Column, values: pl.Series, strategy: str) -> float:
    import numpy as np

    numbers = finite_numbers(column, values)
    return float(np.mean(numbers) if strategy == "mean" else np.median(numbers))


def _most_frequent(column: Column, values: pl.Series) -> Json:
    present = values.drop_nulls().alias("value")
    if present.len() == 0:
        raise without_values(column)
    counts = (
        present.to_frame()
        .group_by("value")
        .len("count")
        .sort(["count", "value"], descending=[True, False])
    )
    return value_to_json(counts["value"][0])


def _constant(column: Column, value: Json) -> JsonObject:
    if value is None:
        detail = f'Strategy "constant" needs a value for column "{column.name}".'
        raise TaskFailure("Missing constant", detail)
    wanted = column
    if column.type in INTEGERS and isinstance(value, float) and value != int(value):
        wanted = Column(name=column.name, type="float64", nullable=False)
    try:
        frame_from_rows([{column.name: value}], [wanted])
    except TaskFailure as failure:
        detail = f'The constant {value!r} does not fit column "{column.name}" ({column.type}).'
        raise TaskFailure("Transform on the wrong type", detail) from failure
    return {"value": value, "type": wanted.type}
