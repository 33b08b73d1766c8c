"""What a table in a file holds, found as a data set finds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mlform.features.columns import Column, Schema, type_name
from mlform.features.problems import TaskFailure
from mlform.features.reading import Dialect, SourceFile, explain, format_of, read_lazily


def table_facts(
    path: Path,
    *,
    format_: str | None = None,
    delimiter: str | None = None,
    null_values: Sequence[str] = (),
) -> tuple[Schema, int]:
    """Return the columns of a table and how many rows it has.

    All rows are read, so that the types and whether a value is missing are those of a data set of
    the file.

    Args:
        path: The file.
        format_: `csv`, `tsv`, `jsonl` or `parquet`; None to tell it from the name.
        delimiter: Between the fields of a text file; None for that of the format.
        null_values: Texts that mean a missing value, beside the empty one.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no table; the message says where.
    """
    path.open("rb").close()  # so that a missing file is an OSError
    file = SourceFile(path=path, name=path.name, format=format_ or _told_format(path))
    try:
        dialect = Dialect(delimiter=delimiter, null_values=tuple(null_values))
        lazy = read_lazily([file], dialect, frozenset())
        try:
            counts = lazy.select(pl.len().alias("rows"), pl.all().null_count().name.prefix("null "))
            found = counts.collect().row(0, named=True)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise explain([file], dialect, error) from error
    except TaskFailure as failure:
        raise ValueError(failure.problem.detail) from failure
    columns = tuple(
        Column(name=name, type=type_name(dtype) or "string", nullable=found[f"null {name}"] > 0)
        for name, dtype in lazy.collect_schema().items()
    )
    return columns, int(found["rows"])


def _told_format(path: Path) -> str:
    try:
        return format_of(path, path.name)
    except TaskFailure as failure:
        message = (
            f'the format of "{path.name}" cannot be told from its name; say {{ format = "csv" }}, '
            "tsv, jsonl or parquet"
        )
        raise ValueError(message) from failure
