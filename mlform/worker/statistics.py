"""Statistics of the columns of a table.

`{"missing", "min", "max", "mean", "std"}` for numbers (population standard deviation, 12
significant digits), `{"missing", "unique", "top": [{"value", "count"}…]}` for everything else:
the five most frequent values, ties in order of value.
"""

from __future__ import annotations

import polars as pl

from mlform.digests import Json, JsonObject
from mlform.features.rows import value_to_json
from mlform.worker.work import round_number

_TOP = 5


def statistics_of(frame: pl.DataFrame) -> JsonObject:
    """Return the statistics of every column by name."""
    return {name: _of_column(frame[name]) for name in frame.columns}


def _of_column(series: pl.Series) -> JsonObject:
    if series.dtype.is_numeric():
        return _of_numbers(series)
    counts = (
        series.drop_nulls()
        .alias("value")
        .to_frame()
        .group_by("value")
        .len("count")
        .sort(["count", "value"], descending=[True, False])
    )
    top: list[Json] = [
        {"value": value_to_json(value), "count": count}
        for value, count in counts.head(_TOP).iter_rows()
    ]
    return {"missing": series.null_count(), "unique": counts.height, "top": top}


def _of_numbers(series: pl.Series) -> JsonObject:
    import numpy as np

    # NumPy adds in an order that does not depend on threads.
    numbers = series.drop_nulls().cast(pl.Float64).to_numpy()
    if numbers.size == 0:
        return {"missing": series.null_count(), "min": None, "max": None, "mean": None, "std": None}
    return {
        "missing": series.null_count(),
        "min": value_to_json(series.min()),
        "max": value_to_json(series.max()),
        "mean": round_number(float(np.mean(numbers))),
        "std": round_number(float(np.std(numbers))),
    }
