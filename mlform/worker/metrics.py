"""The metrics of an evaluation, in NumPy.

Definitions are scikit-learn's, and the tests hold them to it; importing scikit-learn for them
would take longer than most evaluations. Classes are indices into the sorted classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from mlform.dataclass import dataclass
from mlform.features.problems import TaskFailure, quoted, suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Rows with their truth and their scores.

    Attributes:
        truth: Shape (rows,): class indices (int64), or numbers (float64).
        predicted: Shape (rows,), likewise.
        scores: Shape (rows, classes): probabilities; for regression (rows, 1): numbers.
    """

    truth: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray

    @property
    def positive(self) -> np.ndarray:
        """Probability of the second class, shape (rows,)."""
        return np.asarray(self.scores[:, 1])


Metric = Callable[[Scored], float]


def compute(name: str, task: str, scored: Scored, argument: str = "metrics") -> float:
    """Return a metric.

    Raises:
        TaskFailure: If it is unknown, unfit for the task, or undefined on these rows.
    """
    metric = METRICS[task].get(name)
    if metric is None:
        fitting = METRICS[task]
        others = sorted(other for other, metrics in METRICS.items() if name in metrics)
        what = f"is for {' and '.join(others)} models" if others else "is not known"
        detail = (
            f'Metric "{name}" {what}.{suggestion(name, fitting)} '
            f"Metrics for a {task} model: {quoted(sorted(fitting))}."
        )
        raise TaskFailure("Unfit metric" if others else "Unknown metric", detail, argument)
    value = metric(scored)
    if not np.isfinite(value):
        detail = f'Metric "{name}" has no value on these {len(scored.truth)} rows' + (
            ", which do not have every class." if task != "regression" else "."
        )
        raise TaskFailure("Undefined metric", detail, argument)
    return float(value)


def _ranks_area(truth: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve of booleans, by the Mann-Whitney statistic; ties count half."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    statistic = ranks[truth].sum() - positives * (positives + 1) / 2
    return float(statistic / (positives * negatives))


def _roc_auc(scored: Scored) -> float:
    return _ranks_area(scored.truth == 1, scored.positive)


def _roc_auc_ovr(scored: Scored) -> float:
    areas = [
        _ranks_area(scored.truth == index, scored.scores[:, index])
        for index in range(scored.scores.shape[1])
    ]
    return float(np.mean(areas))


def _pr_auc(scored: Scored) -> float:
    """Average precision: precision at each threshold, weighted by the step in recall."""
    truth, scores = scored.truth == 1, scored.positive
    if not truth.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    precision = hits[last] / (last + 1)
    recall = hits[last] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _log_loss(scored: Scored) -> float:
    """Mean negative logarithm of the probability of the truth, clipped by float64's epsilon."""
    epsilon = float(np.finfo(np.float64).eps)
    shares = scored.scores / scored.scores.sum(axis=1, keepdims=True)
    chosen = np.clip(shares[np.arange(len(scored.truth)), scored.truth], epsilon, 1 - epsilon)
    return float(-np.mean(np.log(chosen)))


def _brier(scored: Scored) -> float:
    return float(np.mean((scored.positive - scored.truth) ** 2))


def _accuracy(scored: Scored) -> float:
    return float(np.mean(scored.truth == scored.predicted))


def _confusion(scored: Scored) -> np.ndarray:
    """Rows by truth, columns by prediction, shape (classes, classes)."""
    classes = scored.scores.shape[1]
    pairs = scored.truth * classes + scored.predicted
    return np.asarray(np.bincount(pairs, minlength=classes * classes).reshape(classes, classes))


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, 0 where the divisor is 0."""
    quotients = np.zeros(len(above), dtype=np.float64)
    np.divide(above, below, out=quotients, where=below > 0)
    return quotients


def _precisions(table: np.ndarray) -> np.ndarray:
    return _divide(table.diagonal(), table.sum(axis=0))


def _recalls(table: np.ndarray) -> np.ndarray:
    return _divide(table.diagonal(), table.sum(axis=1))


def _f1s(table: np.ndarray) -> np.ndarray:
    return _divide(2 * table.diagonal(), table.sum(axis=0) + table.sum(axis=1))


def _present(table: np.ndarray) -> np.ndarray:
    """Classes that appear as truth or prediction, which averages are taken over."""
    return np.asarray(table.sum(axis=0) + table.sum(axis=1) > 0)


def _balanced_accuracy(scored: Scored) -> float:
    table = _confusion(scored)
    return float(np.mean(_recalls(table)[table.sum(axis=1) > 0]))


def _of_positive(by_class: Callable[[np.ndarray], np.ndarray]) -> Metric:
    return lambda scored: float(by_class(_confusion(scored))[1])


def _macro(by_class: Callable[[np.ndarray], np.ndarray]) -> Metric:
    def metric(scored: Scored) -> float:
        table = _confusion(scored)
        return float(np.mean(by_class(table)[_present(table)]))

    return metric


def _weighted_f1(scored: Scored) -> float:
    table = _confusion(scored)
    return float(np.sum(_f1s(table) * table.sum(axis=1)) / table.sum())


def _mcc(scored: Scored) -> float:
    """Matthews correlation, in Gorodkin's form for any number of classes; 0 if undefined."""
    table = _confusion(scored).astype(np.float64)
    total, correct = table.sum(), table.trace()
    truth, predicted = table.sum(axis=1), table.sum(axis=0)
    covariance = correct * total - np.sum(truth * predicted)
    spread = (total**2 - np.sum(predicted**2)) * (total**2 - np.sum(truth**2))
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def _top(count: int) -> Metric:
    """Share of rows whose truth is among the most probable classes; ties favour later classes."""

    def metric(scored: Scored) -> float:
        ranked = np.argsort(scored.scores, axis=1, kind="stable")[:, ::-1][:, :count]
        return float(np.mean((ranked == scored.truth[:, None]).any(axis=1)))

    return metric


def _errors(scored: Scored) -> np.ndarray:
    return np.asarray(scored.truth - scored.predicted)


def _mse(scored: Scored) -> float:
    return float(np.mean(_errors(scored) ** 2))


def _rmse(scored: Scored) -> float:
    return float(np.sqrt(_mse(scored)))


def _mae(scored: Scored) -> float:
    return float(np.mean(np.abs(_errors(scored))))


def _mape(scored: Scored) -> float:
    below = np.maximum(np.abs(scored.truth), np.finfo(np.float64).eps)
    return float(np.mean(np.abs(_errors(scored)) / below))


def _explained(residual: np.ndarray, truth: np.ndarray) -> float:
    around = np.sum((truth - truth.mean()) ** 2)
    unexplained = np.sum(residual**2)
    if around == 0:
        return 1.0 if unexplained == 0 else 0.0
    return float(1 - unexplained / around)


def _r2(scored: Scored) -> float:
    return _explained(_errors(scored), scored.truth)


def _explained_variance(scored: Scored) -> float:
    errors = _errors(scored)
    return _explained(errors - errors.mean(), scored.truth)


def _median_absolute_error(scored: Scored) -> float:
    return float(np.median(np.abs(_errors(scored))))


def _max_error(scored: Scored) -> float:
    return float(np.max(np.abs(_errors(scored))))


_CLASSES: Final[Mapping[str, Metric]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "log_loss": _log_loss,
    "mcc": _mcc,
    "macro_precision": _macro(_precisions),
    "macro_recall": _macro(_recalls),
    "macro_f1": _macro(_f1s),
    "weighted_f1": _weighted_f1,
}

METRICS: Final[Mapping[str, Mapping[str, Metric]]] = {
    "binary": {
        **_CLASSES,
        "roc_auc": _roc_auc,
        "pr_auc": _pr_auc,
        "brier": _brier,
        "precision": _of_positive(_precisions),
        "recall": _of_positive(_recalls),
        "f1": _of_positive(_f1s),
    },
    "multiclass": {
        **_CLASSES,
        "roc_auc_ovr": _roc_auc_ovr,
        "top_2": _top(2),
        "top_3": _top(3),
        "top_5": _top(5),
    },
    "regression": {
        "rmse": _rmse,
        "mse": _mse,
        "mae": _mae,
        "mape": _mape,
        "r2": _r2,
        "median_absolute_error": _median_absolute_error,
        "max_error": _max_error,
        "explained_variance": _explained_variance,
    },
}
"""The metrics by task and name."""
