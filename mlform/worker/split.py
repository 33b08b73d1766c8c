"""The work of a split: partitions of a data set, and transforms fitted on one of them.

Input `dataset`: an artifact of `dataset`. Arguments: `seed`, `strategy` (see `partitioning`),
`train` (the partition the transforms are fitted on), `transforms` (see `mlform.features`). Rows
keep the order of the data set inside a partition.

Artifact: `partitions/NAME.parquet` (transformed), `raw/NAME.parquet` (the first 64 rows before
the transforms), `pipeline.json` (see `mlform.features.pipeline`), `split.json` (`{"train",
"partitions": {name: {"rows"}}, "left_out": rows in no partition, "schema": of the transformed
columns}`). Attributes: `partitions`, `features` (the transformed columns), `pipeline` (`inputs`,
`steps`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlform.digests import Json, JsonObject
from mlform.features.columns import schema_from_json, schema_to_json
from mlform.features.pipeline import Pipeline
from mlform.features.problems import TaskFailure, quoted, suggestion
from mlform.worker.partitioning import assign, count_rows, partition_names
from mlform.worker.work import Work, read_object, write_json, write_table

_RAW_ROWS = 64


def run(work: Work) -> JsonObject:
    """Write the artifact and return the attributes.

    Raises:
        TaskFailure: If the arguments do not fit the data.
    """
    folder = work.inputs["dataset"]
    work.progress.report("reading the data set")
    frame = pl.read_parquet(folder / "data.parquet")
    schema = schema_from_json(read_object(folder / "dataset.json").items("schema"))
    train = work.arguments.optional_text("train") or "train"
    names = partition_names(work.arguments.block("strategy"), train)
    if train not in names:
        detail = (
            f'There is no partition "{train}" to fit the transforms on.'
            f"{suggestion(train, names)} The partitions are {quoted(names)}."
        )
        raise TaskFailure("Unknown partition", detail, "train")
    places = assign(frame, work.arguments, names)
    counts = count_rows(places, names)
    parts = {name: frame.filter(places == index) for index, name in enumerate(names)}
    work.progress.report("fitting the transforms")
    steps = [step.values for step in work.arguments.blocks("transforms")]
    pipeline = Pipeline.fit(steps, parts[train], schema)
    _write(work, parts, names, pipeline)
    partitions: dict[str, Json] = {name: {"rows": counts[name]} for name in sorted(names)}
    write_json(
        work.artifact / "split.json",
        {
            "train": train,
            "partitions": partitions,
            "left_out": frame.height - sum(counts.values()),
            "schema": schema_to_json(pipeline.output_schema()),
        },
    )
    return {
        "partitions": partitions,
        "features": list(pipeline.outputs),
        "pipeline": {"inputs": schema_to_json(pipeline.inputs), "steps": len(pipeline.steps)},
    }


def _write(
    work: Work, parts: dict[str, pl.DataFrame], names: Sequence[str], pipeline: Pipeline
) -> None:
    (work.artifact / "partitions").mkdir()
    (work.artifact / "raw").mkdir()
    for index, name in enumerate(names):
        work.progress.report("transforming", done=index, total=len(names), detail=name)
        write_table(work.artifact / "partitions" / f"{name}.parquet", pipeline.apply(parts[name]))
        write_table(work.artifact / "raw" / f"{name}.parquet", parts[name].head(_RAW_ROWS))
    write_json(work.artifact / "pipeline.json", pipeline.to_json())
