"""Columns: their names, types and whether values may be missing.

Type names, as schemas and signatures write them: `int8 int16 int32 int64 uint8 uint16 uint32
uint64 float32 float64 bool string date datetime time duration`. A `datetime` has microseconds and
no zone (zones are converted to UTC). Categories are kept as `string`; a declared type
`categorical` means that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import polars as pl

from mlform.dataclass import dataclass
from mlform.digests import Json, JsonObject

DATETIME: Final = pl.Datetime("us")

DTYPES: Final[Mapping[str, pl.DataType]] = {
    "int8": pl.Int8(),
    "int16": pl.Int16(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "uint8": pl.UInt8(),
    "uint16": pl.UInt16(),
    "uint32": pl.UInt32(),
    "uint64": pl.UInt64(),
    "float32": pl.Float32(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
    "string": pl.String(),
    "date": pl.Date(),
    "datetime": DATETIME,
    "time": pl.Time(),
    "duration": pl.Duration("us"),
}
"""The storage of every type name."""

SYNONYMS: Final[Mapping[str, str]] = {"categorical": "string"}

INTEGERS: Final = frozenset(name for name in DTYPES if name.startswith(("int", "uint")))
FLOATS: Final = frozenset({"float32", "float64"})
NUMBERS: Final = INTEGERS | FLOATS


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        type: Its type name, a key of `DTYPES`.
        nullable: Whether values may be missing.
    """

    name: str
    type: str
    nullable: bool

    @property
    def dtype(self) -> pl.DataType:
        """The storage type."""
        return DTYPES[self.type]

    def to_json(self) -> JsonObject:
        """Return the column as `{"name", "type", "nullable"}`."""
        return {"name": self.name, "type": self.type, "nullable": self.nullable}


Schema: TypeAlias = tuple[Column, ...]
"""The columns of a table, in order."""


def type_name(dtype: pl.DataType) -> str | None:
    """Return the type name of a storage type, or None where there is none."""
    return next((name for name, known in DTYPES.items() if known == dtype), None)


def schema_to_json(schema: Iterable[Column]) -> list[JsonObject]:
    """Return a schema as a list of objects."""
    return [column.to_json() for column in schema]


def schema_from_json(document: Json) -> Schema:
    """Read a schema.

    Raises:
        ValueError: If the document is not one.
    """
    if isinstance(document, str) or not isinstance(document, Iterable):
        message = "a schema must be a list of columns"
        raise ValueError(message)  # noqa: TRY004 - one error for every broken document
    columns = []
    for item in document:
        if not isinstance(item, Mapping) or item.get("type") not in DTYPES:
            message = f"not a column: {item!r}"
            raise ValueError(message)
        columns.append(
            Column(name=str(item["name"]), type=str(item["type"]), nullable=bool(item["nullable"]))
        )
    return tuple(columns)
