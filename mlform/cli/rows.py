"""Rows to score, from JSON, JSON lines and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Final

from mlform.digests import Json, JsonObject
from mlform.errors import UsageError

_INTEGER: Final = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SHOWN: Final = 60


def read_row(text: str) -> JsonObject:
    """Return the row that a JSON object is.

    Raises:
        UsageError: If it is none.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _unreadable(f"-row {text[:_SHOWN]}", str(error)) from None
    if not isinstance(document, dict):
        raise _unreadable(f"-row {text[:_SHOWN]}", 'a row is an object, such as {"age": 31}')
    return document


def read_json(text: str, shown: str) -> list[JsonObject]:
    """Return rows from a JSON object, a list of them, or one a line.

    Raises:
        UsageError: If there are none; `shown` names where the text is from.
    """
    try:
        document = json.loads(text)
    except ValueError as whole:
        try:
            document = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise _unreadable(shown, str(whole)) from None
    rows = document if isinstance(document, list) else [document]
    if isinstance(document, dict) and isinstance(document.get("rows"), list):
        rows = document["rows"]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise _unreadable(shown, f"row {number} is no object")
    return rows


def read_file(path: Path) -> list[JsonObject]:
    """Return the rows of a `.json`, `.jsonl` or `.csv` file.

    Raises:
        UsageError: If it cannot be read, or holds no rows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), str(error)) from None
    if path.suffix.lower() == ".csv":
        return [
            {str(name): cell(value) for name, value in row.items() if name is not None}
            for row in csv.DictReader(io.StringIO(text))
        ]
    return read_json(text, str(path))


def cell(text: str | None) -> Json:
    """Return what a cell of a CSV file stands for: a number, null where empty, or its text.

    What begins with zeros, such as 007, is a code and stays text.
    """
    if text is None or not text.strip():
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _unreadable(where: str, why: str) -> UsageError:
    return UsageError("Cannot read rows", f"{where}: {why}.")
