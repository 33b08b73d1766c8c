"""JSON values to frames and back.

The JSON of a value: numbers, booleans and strings as they are; `date`, `datetime` and `time` as
ISO 8601 strings; `duration` as seconds; a missing value as null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite

import polars as pl

from mlform.digests import Json, JsonObject
from mlform.features.columns import FLOATS, INTEGERS, Column
from mlform.features.problems import TaskFailure, quoted, suggestion


class RowReader:
    """Builds frames from rows of JSON; what depends on the columns alone is worked out once."""

    def __init__(self, schema: Sequence[Column]) -> None:
        """Take the columns, in the order the frames have them."""
        self._schema = {column.name: column.dtype for column in schema}
        self._columns = [(column, column.name, _PLAIN.get(column.type)) for column in schema]

    def read(self, rows: Sequence[object]) -> pl.DataFrame:
        """Build a frame.

        Args:
            rows: Objects, each with every column and no other.

        Raises:
            TaskFailure: If a row is no object, lacks a column, has an unknown one, or a value has
                the wrong type; says which row (counted from 0) and column.
        """
        return self.frame(self.values(rows))

    def values(self, rows: Sequence[object]) -> list[dict[str, object]]:
        """Check rows and return what a frame takes, by column; see `read`.

        Whether a number fits a narrow type is found out by `frame`.

        Raises:
            TaskFailure: As `read`.
        """
        return [self._row(index, row) for index, row in enumerate(rows)]

    def frame(self, values: Sequence[Mapping[str, object]]) -> pl.DataFrame:
        """Build a frame of checked rows; columns that are not of this reader are left out.

        Raises:
            TaskFailure: If a number does not fit the type of its column.
        """
        try:
            return pl.DataFrame(values, schema=self._schema, strict=True)
        except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
            raise self._out_of_range(values) from error

    def _row(self, index: int, row: object) -> dict[str, object]:
        if not isinstance(row, Mapping):
            detail = f"Row {index} is {_describe(row)}; each row must be an object by column name."
            raise TaskFailure("Malformed row", detail, f"rows[{index}]")
        if row.keys() != self._schema.keys():
            raise _wrong_columns(index, row, list(self._schema))
        values = {}
        for column, name, plain in self._columns:
            value = row[name]
            # Nearly all values have the one type that needs no conversion.
            if type(value) is not plain or (type(value) is float and not isfinite(value)):
                value = _converted(column, index, value)
            values[name] = value
        return values

    def _out_of_range(self, rows: Sequence[Mapping[str, object]]) -> TaskFailure:
        for column, name, _ in self._columns:
            for index, row in enumerate(rows):
                try:
                    pl.Series(name, [row[name]], dtype=column.dtype, strict=True)
                except (pl.exceptions.PolarsError, TypeError, OverflowError):
                    detail = f"does not fit {column.type}: {row[name]}"
                    return _wrong_value(column, index, detail)
        return TaskFailure(
            "Wrong value", "Values do not fit the types of their columns.", "rows[0]"
        )


def frame_from_rows(rows: Sequence[object], schema: Sequence[Column]) -> pl.DataFrame:
    """Build a frame from rows of JSON; see `RowReader`, which reads many times.

    Raises:
        TaskFailure: As `RowReader.read`.
    """
    return RowReader(schema).read(rows)


def rows_to_json(frame: pl.DataFrame) -> list[JsonObject]:
    """Return the rows of a frame as JSON, the reverse of `frame_from_rows`."""
    return [
        {name: value_to_json(value) for name, value in row.items()}
        for row in frame.iter_rows(named=True)
    ]


def value_to_json(value: object) -> Json:
    """Return a value of a frame as JSON; a number that is not finite becomes null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def _converted(column: Column, index: int, value: object) -> object:
    if value is None:
        if not column.nullable:
            raise _wrong_value(column, index, "must not be missing")
        return None
    try:
        return _CONVERTERS[column.type](value)
    except (TypeError, ValueError) as error:
        detail = f"must be {_WANTED[column.type]}, not {_describe(value)}"
        raise _wrong_value(column, index, detail) from error


def _wrong_value(column: Column, index: int, detail: str) -> TaskFailure:
    return TaskFailure(
        "Wrong value", f'Row {index}, column "{column.name}" {detail}.', f"rows[{index}]"
    )


def _wrong_columns(index: int, row: Mapping[object, object], names: Sequence[str]) -> TaskFailure:
    missing = [name for name in names if name not in row]
    unknown = [str(name) for name in row if name not in names]
    parts = [f"Row {index}"]
    if missing:
        parts.append(f"lacks the column {quoted(missing)} (write null for a missing value)")
    if unknown:
        parts.append(
            ("and " if missing else "")
            + f"has the unknown column {quoted(unknown)}"
            + suggestion(unknown[0], missing or names).replace(" Did", "; did").rstrip("?")
            + ("?" if suggestion(unknown[0], missing or names) else "")
        )
    detail = " ".join(parts) + f". The columns are {quoted(names)}."
    return TaskFailure("Wrong columns", detail.replace("?.", "?"), f"rows[{index}]")


def _describe(value: object) -> str:
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the string "{value[:40]}"'
    if value is None:
        return "null"
    return "a list" if isinstance(value, Sequence) else "an object"


def _to_integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise TypeError
    return int(value)


def _to_float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError
    return float(value)


def _to_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _to_string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _to_date(value: object) -> date:
    return date.fromisoformat(_to_string(value))


def _to_datetime(value: object) -> datetime:
    parsed = datetime.fromisoformat(_to_string(value))
    return parsed if parsed.tzinfo is None else parsed.astimezone(UTC).replace(tzinfo=None)


def _to_time(value: object) -> time:
    return time.fromisoformat(_to_string(value))


def _to_duration(value: object) -> timedelta:
    return timedelta(seconds=_to_float(value))


_PLAIN: Mapping[str, type] = {
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys(FLOATS, float),
    "bool": bool,
    "string": str,
}
"""The types whose values, finite ones, are taken as they are; `_CONVERTERS` gives the same."""

_CONVERTERS: Mapping[str, Callable[[object], object]] = {
    **dict.fromkeys(INTEGERS, _to_integer),
    **dict.fromkeys(FLOATS, _to_float),
    "bool": _to_bool,
    "string": _to_string,
    "date": _to_date,
    "datetime": _to_datetime,
    "time": _to_time,
    "duration": _to_duration,
}

_WANTED: Mapping[str, str] = {
    **dict.fromkeys(INTEGERS, "a whole number"),
    **dict.fromkeys(FLOATS, "a number"),
    "bool": "true or false",
    "string": "a string",
    "date": "a date such as 2024-05-31",
    "datetime": "a time such as 2024-05-31T12:00:00",
    "time": "a time of day such as 12:00:00",
    "duration": "a number of seconds",
}
