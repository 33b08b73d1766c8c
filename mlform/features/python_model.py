"""A model of the user's own code: four functions on pandas frames.

The module has `fit(features, target, params[, weight]) -> model`, `predict(model, features) ->
array`, `save(model, folder)` and `load(folder) -> model`. `features` is a DataFrame with the
features as columns (missing numbers as NaN), `target` a Series, `params` a dict that holds the
seed under `seed`. For regression `predict` returns numbers of shape (rows,); for classes either
probabilities of shape (rows, classes) in sorted order of the classes, or, for two classes, the
probability of the second one as floats of shape (rows,), or labels of shape (rows,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from mlform.digests import Json
from mlform.features.problems import TaskFailure
from mlform.features.user_code import CodeFolder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_SUMMARY = "Wrong result of the training code"


def to_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """Return a frame for user code: NumPy columns, missing numbers as NaN, strings as objects."""
    import pandas as pd

    return pd.DataFrame(
        {name: series_to_pandas(frame[name]) for name in frame.columns}, columns=frame.columns
    )


def series_to_pandas(series: pl.Series) -> pd.Series:
    """Return a column for user code; see `to_pandas`."""
    import pandas as pd

    if series.dtype == pl.String or (series.dtype == pl.Boolean and series.null_count()):
        return pd.Series(series.to_list(), dtype=object, name=series.name)
    return pd.Series(series.to_numpy(), name=series.name)


class PythonModel:
    """A model that user code predicts with."""

    def __init__(
        self, model: object, predict: Callable[..., object], task: str, classes: Sequence[Json]
    ) -> None:
        """Take what `fit` or `load` returned and the function to predict with."""
        self._model = model
        self._predict = predict
        self._task = task
        self._classes = list(classes)

    @classmethod
    def load(
        cls, code: CodeFolder, module: str, folder: Path, task: str, classes: Sequence[Json]
    ) -> PythonModel:
        """Load what `save` wrote.

        Raises:
            TaskFailure: If the code lacks a function or raises.
        """
        model = code.function(module, "load", "algorithm.module")(folder)
        predict = code.function(module, "predict", "algorithm.module")
        return cls(model, predict, task, classes)

    def predict(self, features: pl.DataFrame) -> np.ndarray:
        """Return float64 scores of the shapes `BoostedTrees.predict` gives.

        Raises:
            TaskFailure: If the code raises or returns something else.
        """
        import numpy as np

        result = np.asarray(self._predict(self._model, to_pandas(features)))
        if self._task == "regression":
            return _numbers(result, (features.height,))
        if result.ndim == 1 and result.shape[0] == features.height:
            if len(self._classes) == 2 and result.dtype.kind == "f":  # noqa: PLR2004 - binary
                return _probabilities(_numbers(result, result.shape))
            return self._of_labels(result)
        scores = _probabilities(_numbers(result, (features.height, len(self._classes))))
        if not np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
            detail = "predict: the probabilities of a row must sum to 1."
            raise TaskFailure(_SUMMARY, detail, "algorithm.module")
        return scores[:, 1] if self._task == "binary" else scores

    def _of_labels(self, labels: np.ndarray) -> np.ndarray:
        import numpy as np

        positions = {label: index for index, label in enumerate(self._classes)}
        try:
            indices = [positions[label] for label in labels.tolist()]
        except (KeyError, TypeError) as error:
            detail = f"predict: {error} is none of the classes {self._classes}."
            raise TaskFailure(_SUMMARY, detail, "algorithm.module") from error
        scores = np.zeros((len(indices), len(self._classes)))
        scores[np.arange(len(indices)), indices] = 1.0
        return scores[:, 1] if self._task == "binary" else scores


def _numbers(result: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    if result.shape != shape:
        detail = f"predict: the result has shape {result.shape}, expected {shape}."
        raise TaskFailure(_SUMMARY, detail, "algorithm.module")
    try:
        numbers = result.astype(np.float64)
    except (TypeError, ValueError) as error:
        detail = f"predict: the result is no array of numbers: {error}."
        raise TaskFailure(_SUMMARY, detail, "algorithm.module") from error
    if not np.isfinite(numbers).all():
        detail = f"predict: {int((~np.isfinite(numbers)).sum())} results are NaN or infinite."
        raise TaskFailure(_SUMMARY, detail, "algorithm.module")
    return numbers


def _probabilities(scores: np.ndarray) -> np.ndarray:
    if ((scores < 0) | (scores > 1)).any():
        detail = "predict: probabilities must be between 0 and 1."
        raise TaskFailure(_SUMMARY, detail, "algorithm.module")
    return scores
