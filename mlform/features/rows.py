"""JSON values to frames and back.

The JSON of a value: numbers, booleans and strings as they are; `date`, `datetime` and `time` as
ISO 8601 strings; `duration` as seconds; a missing value as null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from mlform.digests import Json, JsonObject
from mlform.features.columns import FLOATS, INTEGERS, Column
from mlform.features.problems import TaskFailure, quoted, suggestion


def frame_from_rows(rows: Sequence[object], schema: Sequence[Column]) -> pl.DataFrame:
    """Build a frame from rows of JSON.

    Args:
        rows: Objects, each with every column of the schema and no other.
        schema: The columns, in the order the frame has them.

    Raises:
        TaskFailure: If a row is no object, lacks a column, has an unknown one, or a value has the
            wrong type; says which row (counted from 0) and column.
    """
    names = [column.name for column in schema]
    known = set(names)
    checked: list[Mapping[str, object]] = []
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            detail = f"Row {index} is {_describe(row)}; each row must be an object by column name."
            raise TaskFailure("Malformed row", detail, f"rows[{index}]")
        if row.keys() != known:
            raise _wrong_columns(index, row, names)
        checked.append(row)
    return frame_from_columns({name: [row[name] for row in checked] for name in names}, schema)


def frame_from_columns(
    columns: Mapping[str, Sequence[object]], schema: Sequence[Column]
) -> pl.DataFrame:
    """Build a frame from JSON values by column.

    Args:
        columns: The values of every column of the schema, equally many each.
        schema: The columns, in the order the frame has them.

    Raises:
        TaskFailure: If a value has the wrong type or is missing where it must not be.
        KeyError: If a column is absent.
    """
    return pl.DataFrame([_series(column, columns[column.name]) for column in schema])


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
        return value if math.isfinite(value) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def _series(column: Column, values: Sequence[object]) -> pl.Series:
    convert = _CONVERTERS[column.type]
    converted: list[object] = []
    for index, value in enumerate(values):
        if value is None:
            if not column.nullable:
                raise _wrong_value(column, index, "must not be missing")
            converted.append(None)
            continue
        try:
            converted.append(convert(value))
        except (TypeError, ValueError) as error:
            detail = f"must be {_WANTED[column.type]}, not {_describe(value)}"
            raise _wrong_value(column, index, detail) from error
    try:
        return pl.Series(column.name, converted, dtype=column.dtype, strict=True)
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        raise _out_of_range(column, converted) from error


def _out_of_range(column: Column, values: Sequence[object]) -> TaskFailure:
    for index, value in enumerate(values):
        try:
            pl.Series(column.name, [value], dtype=column.dtype, strict=True)
        except (pl.exceptions.PolarsError, TypeError, OverflowError):
            return _wrong_value(column, index, f"does not fit {column.type}: {value}")
    return _wrong_value(column, 0, f"has values that do not fit {column.type}")


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
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
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
