"""What every kind of work gets, and how it writes files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlform.dataclass import dataclass
from mlform.digests import Json, canonical_json
from mlform.features.arguments import Arguments
from mlform.features.problems import TaskFailure, quoted, suggestion
from mlform.worker.events import Progress

if TYPE_CHECKING:
    import polars as pl

_ROW_GROUP = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A task at work.

    Attributes:
        arguments: The arguments of its kind.
        inputs: Folder of each input.
        artifact: The folder to write, which exists.
        threads: How many threads may be used.
        progress: Where to say how far it is.
    """

    arguments: Arguments
    inputs: Mapping[str, Path]
    artifact: Path
    threads: int
    progress: Progress


def write_json(path: Path, document: Json) -> None:
    """Write canonical JSON."""
    path.write_bytes(canonical_json(document) + b"\n")


def read_json(path: Path) -> Json:
    """Read JSON."""
    document: Json = json.loads(path.read_bytes())
    return document


def read_object(path: Path) -> Arguments:
    """Read a JSON object."""
    return Arguments(values={"document": read_json(path)}).block("document")


def write_table(path: Path, frame: pl.DataFrame) -> None:
    """Write Parquet whose bytes depend on the rows alone: one chunk, fixed row groups."""
    frame.rechunk().write_parquet(
        path, compression="zstd", compression_level=3, statistics=True, row_group_size=_ROW_GROUP
    )


def partition_file(split: Path, name: str, known: tuple[str, ...], argument: str) -> Path:
    """Return the file of a partition of a split artifact.

    Raises:
        TaskFailure: If there is no such partition.
    """
    if name not in known:
        detail = (
            f'The split has no partition "{name}".{suggestion(name, known)} It has {quoted(known)}.'
        )
        raise TaskFailure("Unknown partition", detail, argument)
    return split / "partitions" / f"{name}.parquet"


def round_number(value: float, digits: int = 12) -> float | None:
    """Return a float rounded to significant digits, so that it prints alike; None if not finite."""
    import math

    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
