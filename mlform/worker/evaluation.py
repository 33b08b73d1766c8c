"""The work of an evaluation: score a partition and measure it.

Inputs `model`, `split`: artifacts; `code`: a folder, where there are metrics of one's own.
Arguments: `partition`, `metrics` (names, see `metrics`), `custom_metrics` (`name`, `module`,
`function`). A function of one's own gets a DataFrame with the columns `target`, `prediction`,
`probability` (two classes) or `probability_CLASS` (more) and the features, and returns a number.

Artifact: `metrics.json` (name: number), `predictions.parquet` (`row` from 0 in the partition,
`target`, `prediction`, probabilities). Attributes: `metrics`, `rows`.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING

import polars as pl

from mlform.digests import JsonObject
from mlform.features.arguments import Arguments
from mlform.features.boosting import forget_lean_xgboost
from mlform.features.problems import TaskFailure, require_columns, require_readable_tree
from mlform.features.python_model import to_pandas
from mlform.features.scoring import Manifest, Predictions, Scorer, load_model
from mlform.features.user_code import CodeFolder
from mlform.worker.targets import class_indices, require_target
from mlform.worker.work import (
    Work,
    partition_file,
    read_object,
    round_number,
    write_json,
    write_table,
)

if TYPE_CHECKING:
    from mlform.worker.metrics import Scored


def run(work: Work) -> JsonObject:
    """Write the artifact and return the attributes.

    Raises:
        TaskFailure: If partition, metrics or user code are at fault.
    """
    from mlform.worker.metrics import compute

    arguments = work.arguments
    work.progress.report("loading the model")
    frame, name = _partition(work)
    if Manifest.from_json(read_object(work.inputs["model"] / "model.json").values).module:
        forget_lean_xgboost()
    scorer = load_model(work.inputs["model"], work.threads)
    manifest = scorer.manifest
    require_target(frame, manifest.target, name)
    require_columns(manifest.features, frame.columns, "model.features")
    work.progress.report("scoring", done=0, total=frame.height)
    predictions = scorer.score_transformed(frame)
    work.progress.report("scoring", done=frame.height, total=frame.height)
    scored = _scored(frame, manifest, predictions, name)
    measured: dict[str, float | None] = {}
    for index, metric in enumerate(arguments.texts("metrics")):
        value = compute(metric, manifest.task, scored, f"metrics[{index}]")
        measured[metric] = round_number(value)
    table = _table(frame, manifest, predictions)
    measured.update(_custom(work, table, frame, scorer))
    write_table(work.artifact / "predictions.parquet", table)
    write_json(work.artifact / "metrics.json", measured)
    return {"metrics": measured, "rows": frame.height}


def _partition(work: Work) -> tuple[pl.DataFrame, str]:
    split, name = work.inputs["split"], work.arguments.text("partition")
    known = tuple(read_object(split / "split.json").block("partitions").values)
    return pl.read_parquet(partition_file(split, name, known, "partition")), name


def _scored(
    frame: pl.DataFrame, manifest: Manifest, predictions: Predictions, partition: str
) -> Scored:
    import numpy as np

    from mlform.worker.metrics import Scored

    target, scores = frame[manifest.target], predictions.scores
    if manifest.task == "regression":
        truth = target.cast(pl.Float64).to_numpy()
        return Scored(truth=truth, predicted=scores, scores=scores[:, None])
    truth = class_indices(target, manifest.classes, partition, "partition")
    by_class = np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores
    return Scored(truth=truth, predicted=predictions.indices(), scores=by_class)


def _table(frame: pl.DataFrame, manifest: Manifest, predictions: Predictions) -> pl.DataFrame:
    target = frame[manifest.target]
    kind = pl.Float64() if manifest.task == "regression" else target.dtype
    columns = [
        pl.int_range(frame.height, dtype=pl.Int64, eager=True).alias("row"),
        target.alias("target"),
        pl.Series("prediction", predictions.labels(), dtype=kind),
    ]
    columns += [
        pl.Series(name, values, dtype=pl.Float64)
        for name, values in predictions.probabilities().items()
    ]
    return pl.DataFrame(columns)


def _custom(
    work: Work, table: pl.DataFrame, frame: pl.DataFrame, scorer: Scorer
) -> dict[str, float]:
    metrics = work.arguments.blocks("custom_metrics")
    if not metrics:
        return {}
    forget_lean_xgboost()
    require_readable_tree(work.inputs["code"], "custom_metrics[0]")
    code = CodeFolder(work.inputs["code"])
    features = [name for name in scorer.manifest.features if name not in table.columns]
    rows = to_pandas(table.drop("row").with_columns(frame.select(features)))
    measured = {}
    for index, metric in enumerate(metrics):
        argument = f"custom_metrics[{index}]"
        measured[metric.text("name")] = _measure(code, metric, rows.copy(), argument)
    return measured


def _measure(code: CodeFolder, metric: Arguments, rows: object, argument: str) -> float:
    function = code.function(metric.text("module"), metric.text("function"), argument)
    value = function(rows)
    if not isinstance(value, Real) or not math.isfinite(value):
        detail = (
            f'Function "{metric.text("function")}" returned {value!r}; a metric must be a finite '
            "number."
        )
        raise TaskFailure("Wrong result of the metric code", detail, argument)
    return float(value)
