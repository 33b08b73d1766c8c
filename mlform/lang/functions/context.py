"""What functions may ask of the world, as ports that the caller fills."""

from __future__ import annotations

from collections.abc import Callable, Collection

from mlform.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """How a table is written.

    Attributes:
        format: `csv`, `tsv`, `jsonl` or `parquet`; None to tell it from the name of the file.
        delimiter: Between the fields of a text file; None for that of the format.
        null_values: Texts that mean a missing value, beside the empty one.
    """

    format: str | None = None
    delimiter: str | None = None
    null_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column: its name, the name of its type as in a data set, whether a value is missing."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """The columns of a table in order, and how many rows it has."""

    columns: tuple[TableColumn, ...]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionContext:
    """The ports of functions with effects; what is None is refused with a clear message.

    Attributes:
        base_folder: The folder that relative paths of file functions start from.
        working_folder: The absolute folder that `abspath` starts from.
        home_folder: What `~` means to `pathexpand`.
        read_file: Returns the content of a file; raises `OSError`.
        file_exists: Returns whether a path is a regular file; raises `OSError` for a folder.
        fileset: Takes a folder and a pattern, returns the matching files relative to the folder.
        timestamp: Returns the time of apply in RFC 3339, UTC; None while planning, when the result
            is unknown.
        plan_timestamp: Returns the time of the plan in RFC 3339, UTC; unknown when None.
        new_uuid: Returns a new random UUID; None while planning, when the result is unknown.
        new_salt: Returns 16 random bytes for `bcrypt`; None while planning, when the result is
            unknown.
        fingerprint: Returns the digest of a file or folder; raises `OSError`.
        read_table: Returns the columns and the number of rows of a table in a file, which takes
            loading a heavy library; raises `OSError`, and `ValueError` for what is no table.
    """

    base_folder: str = "."
    working_folder: str | None = None
    home_folder: str | None = None
    read_file: Callable[[str], bytes] | None = None
    file_exists: Callable[[str], bool] | None = None
    fileset: Callable[[str, str], Collection[str]] | None = None
    timestamp: Callable[[], str] | None = None
    plan_timestamp: Callable[[], str] | None = None
    new_uuid: Callable[[], str] | None = None
    new_salt: Callable[[], bytes] | None = None
    fingerprint: Callable[[str], str] | None = None
    read_table: Callable[[str, TableOptions], TableFacts] | None = None
