"""Training by XGBoost.

Arguments of the algorithm: `objective` (null: `binary:logistic`, `multi:softprob` or
`reg:squarederror`), `rounds`, `params` (XGBoost's own), `early_stopping` (`partition`, `rounds`,
`metric`), `task`. `tree_method` is `hist` unless the params say otherwise; the number of threads
does not change the result. With early stopping the model is cut after its best round.
`multi:softmax` trains the same trees as `multi:softprob` and is stored as that, for its
probabilities.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import polars as pl

from mlform.digests import Json
from mlform.features.boosting import MODEL_FILE, import_xgboost, matrix
from mlform.features.problems import TaskFailure, quoted, suggestion
from mlform.worker.targets import class_indices, require_target
from mlform.worker.training import Trained, Training
from mlform.worker.work import partition_file, round_number

if TYPE_CHECKING:
    import numpy as np
    import xgboost

OBJECTIVES: Final[Mapping[str, tuple[str, ...]]] = {
    "binary": ("binary:logistic",),
    "multiclass": ("multi:softprob", "multi:softmax"),
    "regression": (
        "reg:squarederror",
        "reg:squaredlogerror",
        "reg:pseudohubererror",
        "reg:absoluteerror",
        "reg:gamma",
        "reg:tweedie",
        "count:poisson",
    ),
}

_RESERVED: Final[Mapping[str, str]] = {
    "seed": "set `seed` of the model",
    "random_state": "set `seed` of the model",
    "nthread": "set `cpus` of the runtime",
    "n_jobs": "set `cpus` of the runtime",
    "objective": "set `objective` of the algorithm",
    "num_class": "it follows from the target",
    "num_boost_round": "set `rounds` of the algorithm",
    "n_estimators": "set `rounds` of the algorithm",
    "verbosity": "the log is mlform's",
}

# Names XGBoost accepts for another one, as its documentation of parameters lists them, and names
# its saved configuration does not hold.
_ALIASES: Final = frozenset(
    {
        "eta", "learning_rate", "gamma", "min_split_loss", "lambda", "reg_lambda", "alpha",
        "reg_alpha", "eval_metric", "tree_method", "booster", "device", "base_score",
        "max_delta_step", "scale_pos_weight", "tweedie_variance_power", "huber_slope",
        "rate_drop", "skip_drop", "one_drop", "sample_type", "normalize_type",
        "num_parallel_tree", "updater", "feature_selector", "top_k", "validate_parameters",
        "disable_default_eval_metric", "monotone_constraints", "interaction_constraints",
        "process_type", "refresh_leaf", "multi_strategy", "max_cached_hist_node", "max_bin",
    }
)  # fmt: skip


def train(training: Training) -> Trained:
    """Train and write `model/model.ubj`.

    Raises:
        TaskFailure: If XGBoost refuses the arguments, or the early stopping partition does not
            fit.
    """
    _check_params(training)
    xgboost = import_xgboost()
    try:
        booster, history = _boost(training)
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise _refused(error) from error
    early = training.algorithm.optional_block("early_stopping")
    rounds = _rounds(history)
    best: int | None = None
    metric = list(rounds[-1])[-1] if rounds else None
    if early is not None:
        best = int(booster.best_iteration)
        booster = booster[: best + 1]
    booster.set_attr(best_iteration=None, best_score=None)
    booster.save_model(training.work.artifact / "model" / MODEL_FILE)
    return Trained(
        rounds=rounds,
        best_iteration=best,
        best_score=rounds[-1 if best is None else best][metric] if metric else None,
        metric=metric,
        importance=_importance(booster, training.manifest.features),
    )


def _boost(
    training: Training,
) -> tuple[xgboost.Booster, Mapping[str, Mapping[str, list[float]]]]:
    xgboost = import_xgboost()
    early = training.algorithm.optional_block("early_stopping")
    data = _matrix(training, training.frame, training.train)
    watched = [(data, training.train)]
    total = training.algorithm.whole("rounds", 100)
    params = _params(training)
    _check_known(xgboost.Booster(params, [data]), training)
    callbacks = [_progress(training, total)]
    if early is not None:
        name = early.text("partition")
        watched.append((_stopping_matrix(training, name), name))
        callbacks.append(
            xgboost.callback.EarlyStopping(rounds=early.whole("rounds", 10), data_name=name)
        )
    history: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        params,
        data,
        num_boost_round=total,
        evals=watched,
        evals_result=history,
        verbose_eval=False,
        callbacks=callbacks,
    )
    return booster, history


def _progress(training: Training, total: int) -> xgboost.callback.TrainingCallback:
    xgboost = import_xgboost()
    report = training.work.progress.report

    class Reporting(xgboost.callback.TrainingCallback):  # type: ignore[misc,name-defined]  # imported lazily
        def after_iteration(
            self, model: object, epoch: int, evals_log: Mapping[str, Mapping[str, list[float]]]
        ) -> bool:
            del model
            shown = [
                f"{name}-{metric} {values[-1]:.6g}"
                for name, metrics in evals_log.items()
                for metric, values in metrics.items()
            ]
            report("boosting", done=epoch + 1, total=total, detail=shown[-1] if shown else "")
            return False

    return Reporting()


def _params(training: Training) -> dict[str, object]:
    manifest, algorithm = training.manifest, training.algorithm
    objective = algorithm.optional_text("objective") or OBJECTIVES[manifest.task][0]
    params: dict[str, object] = {
        "tree_method": "hist",
        **algorithm.block("params").values,
        "objective": "multi:softprob" if objective == "multi:softmax" else objective,
        "seed": training.seed,
        "nthread": training.work.threads,
    }
    if manifest.task == "multiclass":
        params["num_class"] = len(manifest.classes)
    early = algorithm.optional_block("early_stopping")
    metric = early.optional_text("metric") if early is not None else None
    if metric is not None:
        given = params.get("eval_metric") or []
        others = given if isinstance(given, list) else [given]
        # XGBoost stops by the last metric.
        params["eval_metric"] = [*(other for other in others if other != metric), metric]
    return params


def _check_params(training: Training) -> None:
    objective = training.algorithm.optional_text("objective")
    fitting = OBJECTIVES[training.manifest.task]
    if objective is not None and objective not in fitting:
        known = [name for names in OBJECTIVES.values() for name in names]
        detail = (
            f'Objective "{objective}" is not one for a {training.manifest.task} task.'
            f"{suggestion(objective, known)} These are: {quoted(fitting)}."
        )
        raise TaskFailure("Unfit objective", detail, "algorithm.objective")
    for name in training.algorithm.block("params").values:
        if name in _RESERVED:
            detail = f'"{name}" cannot be given in `params`: {_RESERVED[name]}.'
            raise TaskFailure("Reserved parameter", detail, f"algorithm.params.{name}")
    early = training.algorithm.optional_block("early_stopping")
    if early is not None and early.text("partition") not in training.partitions:
        partition_file(
            training.work.inputs["split"],
            early.text("partition"),
            training.partitions,
            "algorithm.early_stopping.partition",
        )


def _check_known(booster: xgboost.Booster, training: Training) -> None:
    """Refuse parameters XGBoost would only warn of: those its configuration does not hold."""
    known = set(_keys(json.loads(booster.save_config()))) | _ALIASES
    for name in training.algorithm.block("params").values:
        if name not in known:
            detail = f'XGBoost has no parameter "{name}".{suggestion(name, sorted(known))}'
            raise TaskFailure("Unknown parameter", detail, f"algorithm.params.{name}")


def _keys(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield str(key)
            yield from _keys(value)
    elif isinstance(document, list):
        for value in document:
            yield from _keys(value)


def _stopping_matrix(training: Training, name: str) -> xgboost.DMatrix:
    argument = "algorithm.early_stopping.partition"
    path = partition_file(training.work.inputs["split"], name, training.partitions, argument)
    frame = pl.read_parquet(path)
    require_target(frame, training.manifest.target, name)
    return _matrix(training, frame, name)


def _matrix(training: Training, frame: pl.DataFrame, name: str) -> xgboost.DMatrix:
    weight = frame[training.weight].cast(pl.Float32).to_numpy() if training.weight else None
    built: xgboost.DMatrix = import_xgboost().DMatrix(
        matrix(frame.select(training.manifest.features)),
        label=_label(training, frame, name),
        weight=weight,
        missing=float("nan"),
        nthread=training.work.threads,
    )
    return built


def _label(training: Training, frame: pl.DataFrame, name: str) -> np.ndarray:
    manifest = training.manifest
    target = frame[manifest.target]
    if manifest.task == "regression":
        return target.cast(pl.Float64).to_numpy()
    return class_indices(target, manifest.classes, name, "target")


def _rounds(history: Mapping[str, Mapping[str, list[float]]]) -> list[dict[str, float]]:
    """Return the metrics by round; ten digits, since threads may add in another order."""
    series = {
        f"{name}-{metric}": values
        for name, metrics in history.items()
        for metric, values in metrics.items()
    }
    count = max((len(values) for values in series.values()), default=0)
    return [
        {name: round_number(values[index], 10) or 0.0 for name, values in series.items()}
        for index in range(count)
    ]


def _importance(booster: xgboost.Booster, features: tuple[str, ...]) -> dict[str, float]:
    gains: Mapping[str, Json] = booster.get_score(importance_type="gain")
    named = {}
    for index, feature in enumerate(features):
        gain = gains.get(f"f{index}")
        if isinstance(gain, int | float):
            named[feature] = round_number(float(gain), 9) or 0.0
    return named


def _refused(error: Exception) -> TaskFailure:
    """Return the failure for XGBoost's own message, without its clock and stack."""
    line = next(
        (text for text in str(error).splitlines() if text.strip() and "Stack trace" not in text), ""
    )
    _, _, reason = line.rpartition("Check failed: ") if "Check failed" in line else ("", "", line)
    cleaned = re.sub(r"^(\[[\d:]+\] )?(\S+\.cc:\d+: )?", "", reason.strip())
    detail = f"{cleaned} (in the objective, params or early_stopping of the algorithm)"
    return TaskFailure("XGBoost refused the arguments", detail, "algorithm")
