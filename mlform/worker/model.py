"""The work of a model: train on a partition of a split, and prove that the artifact scores.

Inputs `split`: an artifact of `split`; `code`: a folder (algorithm `python`). Arguments: `target`,
`features` (null: every column but target and weight), `weight`, `seed`, `train`, `algorithm`
(see `training_xgboost` and `training_python`; both take `task`: `binary`, `multiclass`,
`regression` or null).

Where neither `task` nor an XGBoost objective says which task it is, the target does: strings,
booleans and whole numbers with at most 20 distinct values in the training partition are classes
(two: binary, more: multiclass); everything else is regression.

Artifact: see `mlform.features.scoring`. Attributes: `task`, `classes`, `features`, `signature`,
`training` (`rounds`, `best_iteration`, `best_score`, `metric`), `importance` (feature: gain).
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from mlform.digests import JsonObject
from mlform.features.boosting import require_numbers
from mlform.features.columns import Column, schema_from_json, type_name
from mlform.features.pipeline import Pipeline
from mlform.features.problems import TaskFailure, require_columns
from mlform.features.rows import rows_to_json
from mlform.features.scoring import Manifest, load_model
from mlform.worker import training_python, training_xgboost
from mlform.worker.targets import classes_of, require_target, task_of
from mlform.worker.training import Trained, Training
from mlform.worker.work import Work, partition_file, read_object, write_json

_REFERENCE_ROWS = 32


def run(work: Work) -> JsonObject:
    """Write the artifact and return the attributes.

    Raises:
        TaskFailure: If the arguments do not fit the split, or user code fails.
    """
    training, pipeline = _prepare(work)
    (work.artifact / "model").mkdir()
    if training.algorithm.text("type") == "xgboost":
        trained = training_xgboost.train(training)
    else:
        trained = training_python.train(training)
    work.progress.report("writing the model")
    manifest = training.manifest
    write_json(work.artifact / "pipeline.json", pipeline.to_json())
    write_json(work.artifact / "model.json", manifest.to_json(pipeline))
    _write_rounds(work.artifact / "training.jsonl", trained)
    _write_reference(work)
    return {
        "task": manifest.task,
        "classes": list(manifest.classes) or None,
        "features": list(manifest.features),
        "signature": manifest.signature(pipeline),
        "training": {
            "rounds": len(trained.rounds) or None,
            "best_iteration": trained.best_iteration,
            "best_score": trained.best_score,
            "metric": trained.metric,
        },
        "importance": trained.importance,
    }


def _prepare(work: Work) -> tuple[Training, Pipeline]:
    arguments, split = work.arguments, work.inputs["split"]
    described = read_object(split / "split.json")
    partitions = tuple(described.block("partitions").values)
    schema = {column.name: column for column in schema_from_json(described.items("schema"))}
    train_name = arguments.optional_text("train") or described.text("train")
    path = partition_file(split, train_name, partitions, "train")
    work.progress.report("reading the split")
    frame = pl.read_parquet(path)
    target, weight = arguments.text("target"), arguments.optional_text("weight")
    require_target(frame, target, train_name)
    if weight is not None:
        _require_weight(frame, weight)
    features = _features(work, list(schema), target, weight)
    algorithm = arguments.block("algorithm")
    if algorithm.text("type") == "xgboost":
        require_numbers((schema[name] for name in features), "features")
    task = task_of(frame[target], algorithm)
    manifest = Manifest(
        algorithm=algorithm.text("type"),
        module=algorithm.optional_text("module"),
        task=task,
        target=target,
        target_type=_target_type(schema[target]),
        classes=() if task == "regression" else classes_of(frame[target], task),
        features=tuple(features),
    )
    pipeline = Pipeline.from_json(read_object(split / "pipeline.json").values)
    training = Training(
        work=work,
        manifest=manifest,
        algorithm=algorithm,
        seed=arguments.whole("seed", 0),
        train=train_name,
        frame=frame,
        weight=weight,
        partitions=partitions,
    )
    return training, pipeline.restrict(features)


def _target_type(column: Column) -> str:
    return "int64" if column.type == "uint8" else column.type


def _features(work: Work, known: list[str], target: str, weight: str | None) -> list[str]:
    chosen = work.arguments.optional_texts("features")
    if chosen is None:
        names = [name for name in known if name not in {target, weight}]
    else:
        require_columns(chosen, known, "features")
        names = list(dict.fromkeys(chosen))
    if target in names:
        detail = f'The target "{target}" is among the features, so the model would see the answer.'
        raise TaskFailure("Target among the features", detail, "features")
    if not names:
        detail = "No column is left to learn from besides target and weight."
        raise TaskFailure("No features", detail, "features")
    return names


def _require_weight(frame: pl.DataFrame, weight: str) -> None:
    require_columns([weight], frame.columns, "weight")
    values = frame[weight]
    if not values.dtype.is_numeric():
        detail = f'The weight "{weight}" is {type_name(values.dtype)}; it must be a number.'
        raise TaskFailure("Malformed weight", detail, "weight")
    bad = int((values.is_null() | (values < 0).fill_null(value=False)).sum())
    if bad:
        detail = f'The weight "{weight}" is missing or negative in {bad} training rows.'
        raise TaskFailure("Malformed weight", detail, "weight")


def _write_rounds(path: Path, trained: Trained) -> None:
    lines = [
        json.dumps({"round": index, "metrics": metrics}, sort_keys=True) + "\n"
        for index, metrics in enumerate(trained.rounds)
    ]
    path.write_text("".join(lines), encoding="utf-8")


def _write_reference(work: Work) -> None:
    """Score some raw rows with the artifact just written, for the self-test of a server."""
    described = read_object(work.inputs["split"] / "split.json")
    name = described.text("train")
    scorer = load_model(work.artifact)
    columns = [column.name for column in scorer.inputs]
    raw = pl.read_parquet(work.inputs["split"] / "raw" / f"{name}.parquet")
    rows = rows_to_json(raw.select(columns).head(_REFERENCE_ROWS))
    scores = scorer.score_rows(rows).scores.tolist()
    write_json(work.artifact / "reference.json", {"rows": rows, "scores": scores})
