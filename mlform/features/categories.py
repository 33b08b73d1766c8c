"""`one_hot` and `ordinal`: categories to numbers.

Categories are strings, integers, booleans, dates or times; their label is the value as text
(`true`, `2024-05-31`). They are sorted as values.

`one_hot` parameters: `{"categories": [{"label", "name"}…], "missing": name or null}`. A column
`COLUMN_LABEL` (uint8, 0 or 1) per category, and `COLUMN_missing` if the training partition has
missing values; a missing value elsewhere, an unseen category and one beyond `max_categories` (the
most frequent are kept) give zeros in all of them.

`ordinal` parameters: `{"categories": [label…]}`. The index of the category as int64, an unseen
one is -1, missing stays missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mlform.features.arguments import Arguments
from mlform.features.columns import INTEGERS, Column
from mlform.features.family import require_type, without_values
from mlform.features.problems import TaskFailure

if TYPE_CHECKING:
    from mlform.digests import Json, JsonObject

_CATEGORICAL = INTEGERS | {"string", "bool", "date", "datetime", "time"}
_WANTED = "categories (string, integer, boolean, date or time); cast or bin numbers first"


class OneHot:
    """A column per category."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:
        """List the categories of the training partition."""
        require_type(column, _CATEGORICAL, _WANTED)
        limit = arguments.optional_whole("max_categories")
        labels = _labels(column, values, limit)
        missing = values.null_count() > 0
        if not labels and not missing:
            raise without_values(column)
        names = [f"{column.name}_{label}" for label in labels]
        missing_name = f"{column.name}_missing"
        while missing_name in names:
            missing_name += "_"
        return {
            "categories": [
                {"label": label, "name": name} for label, name in zip(labels, names, strict=True)
            ],
            "missing": missing_name if missing else None,
        }

    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:  # noqa: ARG002 - protocol
        """Return a column per category, and one for missing values."""
        read = Arguments(values=parameters)
        names = [category.text("name") for category in read.blocks("categories")]
        missing = read.optional_text("missing")
        return tuple(
            Column(name=name, type="uint8", nullable=False)
            for name in (names if missing is None else [*names, missing])
        )

    def expressions(
        self, column: Column, parameters: JsonObject, value: pl.Expr
    ) -> tuple[pl.Expr, ...]:
        """Compare with every category."""
        read = Arguments(values=parameters)
        label = _label(column, value)
        flags = [
            label.eq_missing(pl.lit(category.text("label"))).cast(pl.UInt8)
            for category in read.blocks("categories")
        ]
        if read.optional_text("missing") is not None:
            flags.append(value.is_null().cast(pl.UInt8))
        return tuple(flags)


class Ordinal:
    """The index of the category."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:
        """List the categories of the training partition, unless the arguments do."""
        require_type(column, _CATEGORICAL, _WANTED)
        given = arguments.items("categories")
        if given is None:
            labels = _labels(column, values, None)
            if not labels:
                raise without_values(column)
        else:
            labels = [_json_label(item) for item in given]
        if len(set(labels)) != len(labels):
            detail = f'The categories of column "{column.name}" name one of them twice.'
            raise TaskFailure("Repeated category", detail)
        return {"categories": labels}

    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:  # noqa: ARG002 - protocol
        """Return the same column as int64."""
        return (Column(name=column.name, type="int64", nullable=column.nullable),)

    def expressions(
        self, column: Column, parameters: JsonObject, value: pl.Expr
    ) -> tuple[pl.Expr, ...]:
        """Look the label up."""
        labels = list(Arguments(values=parameters).texts("categories"))
        codes = pl.Series(range(len(labels)), dtype=pl.Int64)
        index = _label(column, value).replace_strict(
            pl.Series(labels, dtype=pl.String), codes, default=-1, return_dtype=pl.Int64
        )
        return (pl.when(value.is_null()).then(None).otherwise(index),)


def _label(column: Column, value: pl.Expr) -> pl.Expr:
    if column.type == "string":
        return value
    if column.type == "datetime":
        return value.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    return value.cast(pl.String)


def _labels(column: Column, values: pl.Series, limit: int | None) -> list[str]:
    counts = values.drop_nulls().alias("value").to_frame().group_by("value").len("count")
    if limit is not None:
        counts = counts.sort(["count", "value"], descending=[True, False]).head(limit)
    ordered = counts.sort("value").select(_label(column, pl.col("value")))
    return [str(label) for label in ordered.to_series().to_list()]


def _json_label(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
