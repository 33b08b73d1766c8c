"""What people type and pipe in: rows, durations."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.cli.rows import cell, read_file, read_json, read_row
from mlform.cli.session import read_duration
from mlform.errors import UsageError


def test_rows_from_json() -> None:
    assert read_json('{"a": 1}', "x") == [{"a": 1}]
    assert read_json('[{"a": 1}, {"a": null}]', "x") == [{"a": 1}, {"a": None}]
    assert read_json('{"a": 1}\n{"a": 2}\n', "x") == [{"a": 1}, {"a": 2}]
    assert read_json('{"rows": [{"a": 1}]}', "x") == [{"a": 1}]


def test_rows_from_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'\xef\xbb\xbfage,sex,code\r\n31,male,007\r\n,"a\nb",1e3\r\n')
    assert read_file(path) == [
        {"age": 31, "sex": "male", "code": "007"},
        {"age": None, "sex": "a\nb", "code": 1000.0},
    ]
    assert [cell(text) for text in ("-2", "+.5", "nan", "1_0")] == [-2, 0.5, "nan", "1_0"]


@pytest.mark.parametrize("text", ["{", "[1]", '["a"]', "1"])
def test_what_is_no_row(text: str) -> None:
    with pytest.raises(UsageError, match="somewhere"):
        read_json(text, "somewhere")
    with pytest.raises(UsageError):
        read_row(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rows\.json"):
        read_file(tmp_path / "rows.json")


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("1h30m", 5400), ("0s", 0), ("12", 12)]
)
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 minutes", "-1s", "3d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError):
        read_duration(text)
