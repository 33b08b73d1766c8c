"""The metrics against scikit-learn, as an oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import sklearn.metrics as oracle  # type: ignore[import-untyped]  # it ships no types

from mlform.features.problems import TaskFailure
from mlform.worker.metrics import METRICS, Scored, compute

Oracle = Callable[[Scored], float]


def macro(function: Callable[..., float], average: str = "macro") -> Oracle:
    return lambda s: function(s.truth, s.predicted, average=average, zero_division=0)


CLASSES: Mapping[str, Oracle] = {
    "accuracy": lambda s: oracle.accuracy_score(s.truth, s.predicted),
    "balanced_accuracy": lambda s: oracle.balanced_accuracy_score(s.truth, s.predicted),
    "log_loss": lambda s: oracle.log_loss(s.truth, s.scores, labels=range(s.scores.shape[1])),
    "mcc": lambda s: oracle.matthews_corrcoef(s.truth, s.predicted),
    "macro_precision": macro(oracle.precision_score),
    "macro_recall": macro(oracle.recall_score),
    "macro_f1": macro(oracle.f1_score),
    "weighted_f1": macro(oracle.f1_score, "weighted"),
}
BINARY: Mapping[str, Oracle] = {
    **CLASSES,
    "roc_auc": lambda s: oracle.roc_auc_score(s.truth, s.positive),
    "pr_auc": lambda s: oracle.average_precision_score(s.truth, s.positive),
    "brier": lambda s: oracle.brier_score_loss(s.truth, s.positive),
    "precision": lambda s: oracle.precision_score(s.truth, s.predicted, zero_division=0),
    "recall": lambda s: oracle.recall_score(s.truth, s.predicted),
    "f1": lambda s: oracle.f1_score(s.truth, s.predicted),
}
MULTICLASS: Mapping[str, Oracle] = {
    **CLASSES,
    "roc_auc_ovr": lambda s: oracle.roc_auc_score(s.truth, s.scores, multi_class="ovr"),
    "top_2": lambda s: oracle.top_k_accuracy_score(s.truth, s.scores, k=2),
    "top_3": lambda s: oracle.top_k_accuracy_score(s.truth, s.scores, k=3),
    "top_5": lambda s: oracle.top_k_accuracy_score(s.truth, s.scores, k=5),
}
REGRESSION: Mapping[str, Oracle] = {
    "rmse": lambda s: oracle.root_mean_squared_error(s.truth, s.predicted),
    "mse": lambda s: oracle.mean_squared_error(s.truth, s.predicted),
    "mae": lambda s: oracle.mean_absolute_error(s.truth, s.predicted),
    "mape": lambda s: oracle.mean_absolute_percentage_error(s.truth, s.predicted),
    "r2": lambda s: oracle.r2_score(s.truth, s.predicted),
    "median_absolute_error": lambda s: oracle.median_absolute_error(s.truth, s.predicted),
    "max_error": lambda s: oracle.max_error(s.truth, s.predicted),
    "explained_variance": lambda s: oracle.explained_variance_score(s.truth, s.predicted),
}
ORACLES = {"binary": BINARY, "multiclass": MULTICLASS, "regression": REGRESSION}


def scored(task: str, seed: int, rows: int = 60) -> Scored:
    """Rows with ties, classes never predicted and probabilities of 0 and 1 among them."""
    draws = np.random.Generator(np.random.PCG64(seed))
    if task == "regression":
        truth, predicted = draws.normal(size=rows), draws.normal(size=rows)
        truth[0] = 0
        return Scored(truth=truth, predicted=predicted, scores=predicted[:, None])
    classes = 2 if task == "binary" else 6
    scores = np.round(draws.dirichlet(np.ones(classes), size=rows), 1 if task == "binary" else 6)
    if task == "binary":
        scores[:, 0] = 1 - scores[:, 1]
    else:
        scores /= scores.sum(axis=1, keepdims=True)
    truth = np.append(np.arange(classes), draws.integers(0, classes, size=rows - classes))
    predicted = (
        (scores[:, 1] >= 0.5).astype(np.int64) if task == "binary" else scores.argmax(axis=1)
    )
    return Scored(truth=truth, predicted=predicted, scores=scores)


@pytest.mark.parametrize(
    ("task", "name"), [(task, name) for task, metrics in METRICS.items() for name in metrics]
)
def test_agrees_with_scikit_learn(task: str, name: str) -> None:
    for seed in range(5):
        rows = scored(task, seed)
        assert compute(name, task, rows) == pytest.approx(ORACLES[task][name](rows), rel=1e-12)


def test_a_metric_without_a_value_is_a_problem() -> None:
    rows = scored("binary", 0)
    ones = Scored(truth=np.ones_like(rows.truth), predicted=rows.predicted, scores=rows.scores)
    with pytest.raises(TaskFailure, match="do not have every class"):
        compute("roc_auc", "binary", ones)
