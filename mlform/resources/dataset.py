"""`dataset`: rows read from a source, subset, checked and kept as Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from mlform.digests import Digest, Json, JsonObject
from mlform.lang.types import DYNAMIC, NUMBER, STRING, ListType
from mlform.resources.base import Made, Problem, SourceAnswer, SourceQuery, Upstream
from mlform.resources.common import (
    STRINGS,
    UNDECISIVE,
    argument_steps,
    artifact_attributes,
    flag,
    mapping,
    objects,
    renamed,
    requirements_block,
    retry_block,
    strings,
    without,
)
from mlform.schema import Attribute, BlockSchema, NestedBlock, ResourceSchema
from mlform.tasks import FolderInput, Requirements, Task

COLUMN_TYPES: Final = ("int64", "float64", "bool", "string", "date", "datetime", "categorical")

_FILE_SOURCE: Final = BlockSchema(
    attributes=(
        Attribute(
            name="path",
            type=STRING,
            required=True,
            description="A file or a glob such as `data/*.csv`; relative to the working folder.",
        ),
        Attribute(
            name="format",
            type=STRING,
            description="Format of the files; by default told from the file name.",
            allowed=("csv", "tsv", "jsonl", "parquet"),
        ),
        Attribute(name="delimiter", type=STRING, description="One character between fields."),
        Attribute(
            name="null_values", type=STRINGS, description="Texts that stand for a missing value."
        ),
    )
)

_COLUMN: Final = BlockSchema(
    attributes=(
        Attribute(
            name="type", type=STRING, description="Type of the values.", allowed=COLUMN_TYPES
        ),
        flag("nullable", "Whether values may be missing.", default=True),
        Attribute(name="min", type=NUMBER, description="Smallest value allowed."),
        Attribute(name="max", type=NUMBER, description="Largest value allowed."),
        Attribute(name="values", type=ListType(DYNAMIC), description="The only values allowed."),
        Attribute(name="pattern", type=STRING, description="Regular expression texts must match."),
        flag("unique", "Whether every value may occur only once.", default=False),
    )
)

SCHEMA: Final = ResourceSchema(
    kind="dataset",
    version=1,
    description="Rows from a source, subset, checked against a schema and stored as Parquet.",
    exposed={"columns": "column_names", "schema": "column_types"},
    body=BlockSchema(
        attributes=(
            Attribute(
                name="columns", type=STRINGS, description="Columns to keep, in order; default all."
            ),
            Attribute(
                name="where",
                type=STRING,
                description="SQL predicate that the rows must meet, such as `fare < 300`.",
            ),
            Attribute(name="limit", type=NUMBER, description="Keep at most so many rows."),
            Attribute(
                name="order_by",
                type=STRINGS,
                description="Columns to sort by, each optionally followed by ` desc`.",
            ),
            *artifact_attributes(),
            Attribute(name="rows", type=NUMBER, description="Number of rows.", computed=True),
            Attribute(
                name="column_names", type=STRINGS, description="Columns, in order.", computed=True
            ),
            Attribute(
                name="column_types",
                type=DYNAMIC,
                description="Name, type and nullability of each column.",
                computed=True,
            ),
            Attribute(
                name="statistics",
                type=DYNAMIC,
                description="Figures of each column: missing values, range, frequent values.",
                computed=True,
            ),
            Attribute(
                name="source_fingerprint",
                type=STRING,
                description="Digest of the source files.",
                computed=True,
            ),
        ),
        blocks=(
            NestedBlock(
                name="source",
                description="Where the rows come from.",
                label="type",
                required=True,
                variants={"file": _FILE_SOURCE},
            ),
            NestedBlock(
                name="sample",
                description="Keep a random sample of the rows.",
                body=BlockSchema(
                    attributes=(
                        Attribute(name="fraction", type=NUMBER, description="Share of the rows."),
                        Attribute(name="rows", type=NUMBER, description="Number of rows."),
                        Attribute(
                            name="seed", type=NUMBER, description="Seed of the choice.", default=0
                        ),
                    )
                ),
            ),
            NestedBlock(
                name="schema",
                description="What the rows must look like; otherwise apply stops.",
                body=BlockSchema(
                    attributes=(
                        flag("strict", "Refuse columns that are not declared.", default=False),
                    ),
                    blocks=(
                        NestedBlock(
                            name="column",
                            description="What the values of one column must look like.",
                            label="name",
                            repeated=True,
                            body=_COLUMN,
                        ),
                    ),
                ),
            ),
            requirements_block(),
            retry_block(),
        ),
    ),
)


class DatasetKind:
    """The kind `dataset`."""

    schema = SCHEMA
    sort: Literal["artifact"] = "artifact"

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:  # noqa: ARG002 - takes no resources
        """Check what needs no look at the data."""
        return (
            *_check_sample(arguments),
            *_check_limit(arguments),
            *_check_delimiter(arguments),
            *_check_schema(arguments),
        )

    def sources(self, arguments: JsonObject) -> tuple[SourceQuery, ...]:
        """Return the path or glob of the source."""
        path = mapping(arguments.get("source")).get("path")
        if not isinstance(path, str):
            return ()
        return (SourceQuery(name="source", form="files", path=path, argument=("source", "path")),)

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:  # noqa: ARG002 - made from files only
        """Return nothing: a data set is made from files."""
        return {}

    def recipe_arguments(self, arguments: JsonObject) -> JsonObject:
        """Return all but the place of the files, which their digest stands for."""
        decisive = without(arguments, UNDECISIVE)
        decisive["source"] = without(mapping(arguments.get("source")), ("path",))
        return decisive

    def task(
        self,
        arguments: JsonObject,
        inputs: Mapping[str, Digest],  # noqa: ARG002 - made from files only
        sources: Mapping[str, SourceAnswer],
        requirements: Requirements,
    ) -> Task:
        """Return the reading, subsetting and checking."""
        source = sources["source"]
        return Task(
            kind="dataset",
            arguments={
                **self.recipe_arguments(arguments),
                "schema": _task_schema(arguments),
                "files": list(source.files),
            },
            inputs={"source": FolderInput(path=source.folder)},
            requirements=requirements,
        )

    def attributes(self, made: Made) -> Mapping[str, Json]:
        """Return rows, columns and figures; `columns` and `schema` are arguments already."""
        return {
            "rows": made.result.get("rows"),
            "column_names": made.result.get("columns"),
            "column_types": made.result.get("schema"),
            "statistics": made.result.get("statistics"),
            "source_fingerprint": made.sources.get("source"),
        }

    def foreseen(
        self,
        arguments: JsonObject,
        upstream: Upstream,  # noqa: ARG002 - made from files only
        sources: Mapping[str, Digest],
    ) -> Mapping[str, Json]:
        """Return the columns, where they are named, and which files it is made from."""
        columns = strings(arguments.get("columns"))
        found: dict[str, Json] = {"column_names": columns} if columns else {}
        if "source" in sources:
            found["source_fingerprint"] = sources["source"]
        return found

    def argument_path(self, argument: str, arguments: JsonObject) -> tuple[str | int, ...]:  # noqa: ARG002
        """Return where in the arguments a problem of the task is."""
        return renamed(argument_steps(argument), ("schema", "columns"), ("schema", "column"))

    def judged(self, arguments: JsonObject, attributes: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002
        """Return nothing: all attributes come from the task."""
        return {}

    def failures(self, attributes: Mapping[str, Json]) -> tuple[Problem, ...]:  # noqa: ARG002
        """Return nothing: what exists is fine."""
        return ()


def _task_schema(arguments: JsonObject) -> JsonObject | None:
    declared = arguments.get("schema")
    if not isinstance(declared, Mapping):
        return None
    return {"strict": declared.get("strict"), "columns": declared.get("column")}


def _check_sample(arguments: JsonObject) -> tuple[Problem, ...]:
    sample = arguments.get("sample")
    if not isinstance(sample, Mapping):
        return ()
    fraction, rows = sample.get("fraction"), sample.get("rows")
    if (fraction is None) == (rows is None):
        return (
            Problem(
                summary="Invalid sample",
                detail="A sample block takes either fraction or rows.",
                path=("sample",),
            ),
        )
    if isinstance(fraction, int | float) and not 0 < fraction <= 1:
        return (
            Problem(
                summary="Invalid sample",
                detail=f"The fraction is {fraction:g}, it must be greater than 0 and at most 1.",
                path=("sample", "fraction"),
            ),
        )
    if isinstance(rows, int | float) and rows < 1:
        return (
            Problem(
                summary="Invalid sample",
                detail="The number of rows must be at least 1.",
                path=("sample", "rows"),
            ),
        )
    return ()


def _check_limit(arguments: JsonObject) -> tuple[Problem, ...]:
    limit = arguments.get("limit")
    if isinstance(limit, int | float) and (limit < 1 or limit != int(limit)):
        detail = f"The limit is {limit:g}, it must be a whole number of at least 1."
        return (Problem(summary="Invalid limit", detail=detail, path=("limit",)),)
    return ()


def _check_delimiter(arguments: JsonObject) -> tuple[Problem, ...]:
    delimiter = mapping(arguments.get("source")).get("delimiter")
    if isinstance(delimiter, str) and len(delimiter.encode()) != 1:
        detail = f'The delimiter is "{delimiter}", it must be one ASCII character.'
        return (Problem(summary="Invalid delimiter", detail=detail, path=("source", "delimiter")),)
    return ()


def _check_schema(arguments: JsonObject) -> tuple[Problem, ...]:
    columns = objects(mapping(arguments.get("schema")).get("column"))
    kept = strings(arguments.get("columns"))
    problems = []
    seen: set[object] = set()
    for position, column in enumerate(columns):
        name = column.get("name")
        path = ("schema", "column", position)
        if name in seen:
            problems.append(
                Problem(
                    summary="Duplicate column",
                    detail=f'The column "{name}" is declared twice in this schema.',
                    path=path,
                )
            )
        elif kept and isinstance(name, str) and name not in kept:
            problems.append(
                Problem(
                    summary="Unknown column",
                    detail=f'The schema declares the column "{name}", which columns does not '
                    f"keep. Kept are: {', '.join(kept)}.",
                    path=path,
                )
            )
        seen.add(name)
    return tuple(problems)


KIND: Final = DatasetKind()
