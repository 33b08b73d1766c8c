"""The work of a data set: files to one checked Parquet table.

Input `source`: a folder. Arguments: `source` (`type`, `format`, `delimiter`, `null_values`),
`files` (relative paths), `columns`, `where` (SQL predicate), `order_by` (`"column"`, `"column
desc"`; missing values last, ties in order of the files), `sample` (`fraction` or `rows`, `seed`;
rows keep their order), `limit`, `schema` (`strict`: no column but the declared ones; `columns`
with `name`, `type`, `nullable`, `min`, `max`, `values`, `pattern`, `unique`).
In this order: read with the declared types, where, order_by, sample, limit, columns, schema.

Artifact: `data.parquet`, `dataset.json` (`{"schema", "rows"}`). Attributes: `rows`, `columns`,
`schema` (`[{"name", "type", "nullable"}]`), `statistics` (see `statistics`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlform.digests import JsonObject
from mlform.features.arguments import Arguments
from mlform.features.columns import schema_to_json
from mlform.features.problems import TaskFailure, require_columns, unknown_column
from mlform.features.reading import Dialect, SourceFile, explain, read_lazily, source_files
from mlform.worker.checking import (
    ROW,
    ColumnRule,
    check,
    column_rules,
    require_declared,
    schema_of,
    typed,
)
from mlform.worker.predicates import check_predicate, parse_predicate
from mlform.worker.statistics import statistics_of
from mlform.worker.work import Work, write_json, write_table

_SAMPLED_ROWS = 2000
"""Rows to tell the types of csv files from, before falling back on all of them."""


def run(work: Work) -> JsonObject:
    """Write the artifact and return the attributes.

    Raises:
        TaskFailure: If the files, the arguments or the values are at fault.
    """
    arguments = work.arguments
    rules = column_rules(arguments)
    files = source_files(work.inputs["source"], arguments)
    work.progress.report("reading " + (files[0].name if len(files) == 1 else f"{len(files)} files"))
    rows = _read(files, arguments, rules)
    work.progress.report("checking", done=rows.height)
    columns = [name for name in rows.columns if not name.startswith("__mlform_")]
    selected = _selected(arguments, columns)
    undeclared = _undeclared(arguments, selected, rules)
    check(rows, rules, undeclared)
    frame = rows.select(selected)
    if frame.height == 0:
        raise _empty(arguments)
    schema = schema_to_json(schema_of(frame, rules))
    work.progress.report("writing", done=frame.height, total=frame.height)
    write_table(work.artifact / "data.parquet", frame)
    write_json(work.artifact / "dataset.json", {"schema": schema, "rows": frame.height})
    return {
        "rows": frame.height,
        "columns": frame.columns,
        "schema": schema,
        "statistics": statistics_of(frame),
    }


def _read(
    files: Sequence[SourceFile], arguments: Arguments, rules: Sequence[ColumnRule]
) -> pl.DataFrame:
    source = arguments.block("source")
    dialect = Dialect(
        delimiter=source.optional_text("delimiter"), null_values=source.texts("null_values")
    )
    as_text = frozenset(rule.name for rule in rules if rule.type is not None)
    try:
        lazy = read_lazily(files, dialect, as_text, _SAMPLED_ROWS)
        rows = _collect(lazy, arguments, rules)
    except (pl.exceptions.PolarsError, OSError):
        try:
            rows = _collect(read_lazily(files, dialect, as_text), arguments, rules)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise explain(files, dialect, error) from error
    rows = rows if rows[ROW].is_sorted() else rows.sort(ROW)
    order = _order(arguments, rows.columns)
    return _limited(_sampled(_ordered(rows, order), arguments), arguments)


def _collect(lazy: pl.LazyFrame, arguments: Arguments, rules: Sequence[ColumnRule]) -> pl.DataFrame:
    """Read the rows that `where` keeps, with the columns that anything needs."""
    known = lazy.collect_schema().names()
    require_declared(rules, known)
    selected = _selected(arguments, known)
    order = _order(arguments, known)
    frame = typed(lazy.with_row_index(ROW, offset=1), rules)
    where = arguments.optional_text("where")
    if where is not None:
        predicate = parse_predicate(where, known, "where")
        check_predicate(where, predicate, frame.collect_schema(), "where")
        frame = frame.filter(predicate)
    wanted = {*selected, *(rule.name for rule in rules), *(name for name, _ in order)}
    kept = [
        name
        for name in frame.collect_schema().names()
        if name in wanted or name.startswith("__mlform_")
    ]
    return frame.select(kept).collect(engine="streaming")


def _selected(arguments: Arguments, known: Sequence[str]) -> list[str]:
    columns = arguments.optional_texts("columns")
    if columns is None:
        return list(known)
    require_columns(columns, known, "columns")
    return list(dict.fromkeys(columns))


def _order(arguments: Arguments, known: Sequence[str]) -> list[tuple[str, bool]]:
    """Return the columns to order by, each with whether it descends."""
    order = []
    for index, text in enumerate(arguments.texts("order_by")):
        name, _, direction = text.rpartition(" ")
        if direction.lower() not in {"asc", "desc"} or text in known:
            name, direction = text, "asc"
        if name.strip() not in known:
            raise unknown_column(name.strip(), known, f"order_by[{index}]")
        order.append((name.strip(), direction.lower() == "desc"))
    return order


def _ordered(rows: pl.DataFrame, order: Sequence[tuple[str, bool]]) -> pl.DataFrame:
    if not order:
        return rows
    return rows.sort(
        [name for name, _ in order],
        descending=[descending for _, descending in order],
        nulls_last=True,
        maintain_order=True,
    )


def _sampled(rows: pl.DataFrame, arguments: Arguments) -> pl.DataFrame:
    sample = arguments.optional_block("sample")
    if sample is None:
        return rows
    import numpy as np

    count = sample.optional_whole("rows")
    if count is None:
        count = round(sample.number("fraction") * rows.height)
    drawn = np.random.Generator(np.random.PCG64(sample.whole("seed", 0))).random(rows.height)
    chosen = np.sort(np.argsort(drawn, kind="stable")[:count])
    return rows[chosen]


def _limited(rows: pl.DataFrame, arguments: Arguments) -> pl.DataFrame:
    limit = arguments.optional_whole("limit")
    return rows if limit is None else rows.head(limit)


def _undeclared(
    arguments: Arguments, selected: Sequence[str], rules: Sequence[ColumnRule]
) -> list[str]:
    if not arguments.block("schema").flag("strict"):
        return []
    declared = {rule.name for rule in rules}
    return [name for name in selected if name not in declared]


def _empty(arguments: Arguments) -> TaskFailure:
    where = arguments.optional_text("where")
    detail = (
        f"No row is left: the files have no rows, or none of them fulfils `{where}`."
        if where is not None
        else "The files have no rows."
    )
    return TaskFailure("Empty data set", detail, "where" if where is not None else "source.path")
