"""Predictions as JSON, as endpoints and `mlform predict` answer them."""

from __future__ import annotations

from collections.abc import Sequence

from mlform.digests import Json
from mlform.features.scoring import Predictions, class_label


class PredictionWriter:
    """Writes predictions as JSON objects; what is the same in all of them is made once."""

    def __init__(self, classes: Sequence[Json]) -> None:
        """Take the classes; empty for regression."""
        self._classes = list(classes)
        self._labels = [class_label(label) for label in classes]

    def write(self, predictions: Predictions) -> list[dict[str, Json]]:
        """Return `{"prediction"}` for each row, for classifiers with `"probabilities"`."""
        if not self._classes:
            return [{"prediction": score} for score in predictions.scores.tolist()]
        indices: list[int] = predictions.indices().tolist()
        return [
            {
                "prediction": self._classes[index],
                "probabilities": dict(zip(self._labels, row, strict=True)),
            }
            for index, row in zip(indices, _by_class(predictions), strict=True)
        ]


def _by_class(predictions: Predictions) -> list[list[float]]:
    scores = predictions.scores
    if scores.ndim == 1:
        return [[1.0 - score, score] for score in scores.tolist()]
    rows: list[list[float]] = scores.tolist()
    return rows
