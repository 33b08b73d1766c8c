"""Reading the files of a data set.

All files of a data set have the same columns; a column has the widest of the types found in them
(whole number < number, otherwise text). Dates and times in ISO form are found in csv and tsv.
NaN counts as missing. Types of Parquet: categories become strings, decimals float64, times with a
zone UTC; lists, structs and bytes cannot be read.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mlform.dataclass import dataclass
from mlform.features.arguments import Arguments
from mlform.features.columns import DATETIME, FLOATS, NUMBERS, type_name
from mlform.features.problems import TaskFailure, quoted, require_readable

_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file to read.

    Attributes:
        path: Where it is.
        name: How people know it, relative to the source folder.
        format: `csv`, `tsv`, `jsonl` or `parquet`.
    """

    path: Path
    name: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How text files are written.

    Attributes:
        delimiter: Between fields, or None for that of the format.
        null_values: Texts that mean a missing value, beside the empty one.
    """

    delimiter: str | None
    null_values: tuple[str, ...]

    def separator(self, file_format: str) -> str:
        """Return the delimiter of a format."""
        return self.delimiter or ("\t" if file_format == "tsv" else ",")


def source_files(folder: Path, arguments: Arguments) -> list[SourceFile]:
    """Return the files the arguments name.

    Raises:
        TaskFailure: If there is none, one does not exist, may not be read or has an unknown format.
    """
    declared = arguments.block("source").optional_text("format")
    files = []
    require_readable(folder, "source.path")
    for name in arguments.texts("files"):
        path = folder / name
        found = declared or format_of(path, name)
        require_readable(path, "source.path")
        if not path.is_file():
            detail = f'There is no file "{name}" in the source folder.'
            raise TaskFailure("Missing file", detail, "source.path")
        files.append(SourceFile(path=path, name=name, format=found))
    if not files:
        detail = "The source matches no file; check its path."
        raise TaskFailure("Empty source", detail, "source.path")
    return files


def format_of(path: Path, name: str) -> str:
    """Return the format that a file's name tells.

    Raises:
        TaskFailure: If it tells none.
    """
    suffixes = [suffix for suffix in path.suffixes if suffix not in {".gz", ".zst"}]
    found = _FORMATS.get(suffixes[-1].lower() if suffixes else "")
    if found is None:
        detail = (
            f'The format of "{name}" cannot be told from its name; set `format` of the source '
            "to csv, tsv, jsonl or parquet."
        )
        raise TaskFailure("Unknown format", detail, "source.format")
    return found


def read_lazily(
    files: Sequence[SourceFile],
    dialect: Dialect,
    as_text: frozenset[str],
    sampled_rows: int | None = None,
) -> pl.LazyFrame:
    """Return the rows of all files, one after the other.

    Args:
        files: The files.
        dialect: How text files are written.
        as_text: Columns of csv and tsv to read as strings, whatever is in them.
        sampled_rows: How many rows of csv and tsv to take the types from, or None for all. From
            a few is far faster; a later value of another type then fails the collection, so types
            never differ from those that all rows give.

    Raises:
        TaskFailure: If a file cannot be read or the files have different columns.
    """
    raw = [_schema(file, dialect, sampled_rows) for file in files]
    schemas = [
        {name: _readable(file, name, dtype) for name, dtype in schema.items()}
        for file, schema in zip(files, raw, strict=True)
    ]
    first = list(schemas[0])
    for file, schema in zip(files, schemas, strict=True):
        if set(schema) != set(first):
            other = set(schema) ^ set(first)
            detail = (
                f'"{files[0].name}" and "{file.name}" differ in the columns '
                f"{quoted(sorted(other))}; all files of a data set must have the same."
            )
            raise TaskFailure("Files with different columns", detail, "source.path")
    types = {
        name: pl.String() if name in as_text else _widest([schema[name] for schema in schemas])
        for name in first
    }
    frames = [
        _scan(file, dialect, _read_types(file, found, types)).select(
            _as_type(name, _read_types(file, found, types)[name], types[name]) for name in first
        )
        for file, found in zip(files, raw, strict=True)
    ]
    return pl.concat(frames) if len(frames) > 1 else frames[0]


def explain(files: Sequence[SourceFile], dialect: Dialect, error: Exception) -> TaskFailure:
    """Return the failure for an error of reading, naming file and line where they can be found."""
    for file in files:
        found = _fault(file, dialect)
        if found is not None:
            return TaskFailure("Malformed file", f"{file.name}{found}", "source.path")
    names = quoted(file.name for file in files)
    reason = str(error).split("\n", maxsplit=1)[0]
    return TaskFailure("Malformed file", f"{names}: {reason}", "source.path")


def _read_types(
    file: SourceFile, found: dict[str, pl.DataType], wanted: dict[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return the types to read a file with: text is read as text, not through what was found."""
    if file.format not in {"csv", "tsv"}:
        return found
    return {name: wanted[name] if wanted[name] == pl.String else found[name] for name in found}


def _schema(file: SourceFile, dialect: Dialect, sampled_rows: int | None) -> dict[str, pl.DataType]:
    _check_header(file, dialect)
    sampled = _sampled_schema(file, dialect, sampled_rows) if sampled_rows is not None else None
    if sampled is not None:
        return sampled
    try:
        return dict(_scan(file, dialect, None).collect_schema())
    except pl.exceptions.NoDataError as error:
        detail = f"{file.name} is empty."
        raise TaskFailure("Empty data set", detail, "source.path") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain([file], dialect, error) from error


def _sampled_schema(file: SourceFile, dialect: Dialect, rows: int) -> dict[str, pl.DataType] | None:
    """Return the types the first rows have, or None where they do not decide."""
    if file.format not in {"csv", "tsv"}:
        return None
    try:
        sample = _scan(file, dialect, None, rows).head(rows).collect()
    except pl.exceptions.PolarsError:
        # The reader looks ahead of the rows asked for and met another type, or a malformed line.
        return None
    undecided = any(
        column.dtype == pl.String and column.null_count() == sample.height
        for column in sample.get_columns()
    )
    return None if undecided else dict(sample.schema)


def _check_header(file: SourceFile, dialect: Dialect) -> None:
    if file.format not in {"csv", "tsv"} or file.path.suffix in {".gz", ".zst"}:
        return
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        header = next(csv.reader(stream, delimiter=dialect.separator(file.format)), [])
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        detail = f"{file.name}, line 1 has more than one column named {quoted(repeated)}."
        raise TaskFailure("Repeated column", detail, "source.path")


def _scan(
    file: SourceFile,
    dialect: Dialect,
    types: dict[str, pl.DataType] | None,
    sampled_rows: int | None = None,
) -> pl.LazyFrame:
    if file.format == "parquet":
        return pl.scan_parquet(file.path, glob=False)
    if file.format == "jsonl":
        return pl.scan_ndjson(file.path, infer_schema_length=None)
    return pl.scan_csv(
        file.path,
        separator=dialect.separator(file.format),
        null_values=list(dialect.null_values) or None,
        try_parse_dates=True,
        infer_schema_length=sampled_rows,
        schema=types,
        glob=False,
    )


def _readable(file: SourceFile, name: str, dtype: pl.DataType) -> pl.DataType:
    """Return the type a column is kept in."""
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Null):
        return pl.String()
    if isinstance(dtype, pl.Decimal):
        return pl.Float64()
    if isinstance(dtype, pl.Datetime):
        return DATETIME
    if isinstance(dtype, pl.Duration):
        return pl.Duration("us")
    if type_name(dtype) is None:
        detail = (
            f'{file.name}: column "{name}" is {dtype}, which no table of mlform can hold; '
            "turn it into columns of numbers or strings first."
        )
        raise TaskFailure("Unsupported column type", detail, "source.path")
    return dtype


def _widest(types: Sequence[pl.DataType]) -> pl.DataType:
    distinct = {type_name(dtype): dtype for dtype in types}
    names = set(distinct)
    if len(names) == 1:
        return types[0]
    if names <= NUMBERS:
        return pl.Float64() if names & FLOATS or "uint64" in names else pl.Int64()
    if names == {"date", "datetime"}:
        return DATETIME
    return pl.String()


def _as_type(name: str, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if isinstance(found, pl.Datetime) and found.time_zone is not None:
        value = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if wanted in {pl.Float32, pl.Float64}:
        return value.cast(wanted).fill_nan(None)
    return value.cast(wanted)


def _fault(file: SourceFile, dialect: Dialect) -> str | None:
    """Return `, line 3: …` for the first fault of a text file, or None where none is found."""
    try:
        content = file.path.read_bytes()
    except OSError as error:
        return f": {error.strerror}"
    if file.format == "parquet" or file.path.suffix in {".gz", ".zst"}:
        return None
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            return f", line {number}: not UTF-8 text ({error.reason} at byte {error.start})."
    text = content.decode("utf-8-sig")
    if file.format == "jsonl":
        return _fault_of_json(text)
    return _fault_of_csv(text, dialect.separator(file.format))


def _fault_of_json(text: str) -> str | None:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            return f", line {number}: not JSON ({error})."
        if not isinstance(value, dict):
            return f", line {number}: each line must be a JSON object."
    return None


def _fault_of_csv(text: str, delimiter: str) -> str | None:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    start = 1
    try:
        width = len(next(reader, []))
        start = reader.line_num + 1
        for row in reader:
            if len(row) > width:
                return f", line {start}: {len(row)} fields, but the header has {width}."
            start = reader.line_num + 1
    except csv.Error as error:
        return f", line {start}: {error} (a quote that is not closed?)."
    return None
