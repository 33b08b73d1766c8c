from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from mlform.features.columns import Column, schema_from_json, schema_to_json
from mlform.features.problems import TaskFailure
from mlform.features.rows import frame_from_rows, rows_to_json

SCHEMA = (
    Column(name="age", type="int64", nullable=True),
    Column(name="fare", type="float64", nullable=False),
    Column(name="sex", type="string", nullable=False),
)
GOOD = {"age": 3, "fare": 1.5, "sex": "male"}


def test_rows_become_a_frame_in_the_order_of_the_schema() -> None:
    frame = frame_from_rows([{"sex": "male", "fare": 2, "age": None}, GOOD], SCHEMA)
    assert frame.rows() == [(None, 2.0, "male"), (3, 1.5, "male")]
    assert frame.dtypes == [pl.Int64(), pl.Float64(), pl.String()]
    assert frame_from_rows([], SCHEMA).shape == (0, 3)
    assert frame_from_rows([{**GOOD, "age": 4.0}], SCHEMA)["age"].to_list() == [4]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"age": 3, "sex": "male"}, 'Row 1 lacks the column "fare" (write null'),
        ({**GOOD, "sexx": "x"}, 'Row 1 has the unknown column "sexx"; did you mean "sex"?'),
        ({**GOOD, "age": 3.5}, 'Row 1, column "age" must be a whole number, not the number 3.5.'),
        ({**GOOD, "age": True}, "must be a whole number, not the boolean true"),
        ({**GOOD, "fare": "1"}, 'column "fare" must be a number, not the string "1"'),
        ({**GOOD, "fare": None}, 'Row 1, column "fare" must not be missing.'),
        ({**GOOD, "sex": 1}, "must be a string, not the number 1"),
        ({**GOOD, "sex": ["a"]}, "must be a string, not a list"),
        ({**GOOD, "age": 2**70}, f"does not fit int64: {2**70}"),
        ({**GOOD, "fare": float("inf")}, "must be a number"),
        ([1, 2], "Row 1 is a list; each row must be an object"),
    ],
)
def test_rows_that_do_not_fit(row: object, expected: str) -> None:
    with pytest.raises(TaskFailure) as caught:
        frame_from_rows([GOOD, row], SCHEMA)
    assert expected in caught.value.problem.detail
    assert caught.value.problem.argument == "rows[1]"


def test_every_type_round_trips() -> None:
    frame = pl.DataFrame(
        {
            "int8": pl.Series([1, None], dtype=pl.Int8),
            "uint64": pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
            "float32": pl.Series([0.5, None], dtype=pl.Float32),
            "bool": [True, False],
            "string": ["a", None],
            "date": [date(2024, 2, 29), None],
            "datetime": [datetime(2024, 2, 29, 1, 2, 3, 4), None],  # noqa: DTZ001 - has no zone
            "time": [time(1, 2, 3), None],
            "duration": [timedelta(seconds=1.5), None],
        }
    )
    schema = tuple(Column(name=name, type=name, nullable=True) for name in frame.columns)
    assert frame_from_rows(rows_to_json(frame), schema).equals(frame)
    assert schema_from_json(schema_to_json(schema)) == schema


def test_zones_are_converted_to_utc() -> None:
    schema = (Column(name="at", type="datetime", nullable=False),)
    frame = frame_from_rows([{"at": "2024-01-01T01:00:00+01:00"}], schema)
    assert frame["at"].to_list() == [datetime(2024, 1, 1)]  # noqa: DTZ001 - has no zone
    with pytest.raises(TaskFailure, match="such as 2024"):
        frame_from_rows([{"at": "yesterday"}], schema)
