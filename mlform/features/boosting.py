"""XGBoost, imported at the price of what is used of it, and its model."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import polars as pl

from mlform.features.columns import NUMBERS, Column
from mlform.features.dense import dense_prediction
from mlform.features.problems import TaskFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import xgboost

MODEL_FILE: Final = "model.ubj"

_FEW_ROWS: Final = 1024
_EXACT: Final = 2.0**53
"""Below this, float64 holds every integer."""


def import_xgboost() -> ModuleType:
    """Import XGBoost without scikit-learn, which it takes as optional, if neither is loaded.

    Its wrappers for scikit-learn are not used here, and importing scikit-learn with SciPy's
    statistics and pandas is four fifths of `import xgboost`. Such a lean import lacks the wrappers:
    call `forget_lean_xgboost` before user code may ask for them.
    """
    if "xgboost" in sys.modules or "sklearn" in sys.modules:
        return importlib.import_module("xgboost")
    blocked: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None blocks an import, as Python documents
    blocked["sklearn"] = None
    try:
        return importlib.import_module("xgboost")
    finally:
        del sys.modules["sklearn"]


def forget_lean_xgboost() -> None:
    """Make the next `import xgboost` a full one, if it was imported without scikit-learn."""
    compat = sys.modules.get("xgboost.compat")
    if compat is None or getattr(compat, "SKLEARN_INSTALLED", True):
        return
    for name in [name for name in sys.modules if name.split(".")[0] == "xgboost"]:
        del sys.modules[name]


def matrix(frame: pl.DataFrame) -> np.ndarray:
    """Return numbers as float32, shape (rows, columns), missing values as NaN."""
    numbers = _matrix_of_few(frame) if frame.height <= _FEW_ROWS else None
    return _matrix_by_column(frame) if numbers is None else numbers


def _matrix_of_few(frame: pl.DataFrame) -> np.ndarray | None:
    """Return what `_matrix_by_column` does, or None where one step cannot tell it.

    Types are brought to float64 here if they differ. An integer that float64 does not hold could
    be rounded twice, so larger numbers are left to the other way.
    """
    import numpy as np

    numbers = frame.to_numpy()
    if numbers.dtype.kind not in "biuf" or (np.abs(numbers) >= _EXACT).any():
        return None
    return numbers.astype(np.float32, order="C")


def _matrix_by_column(frame: pl.DataFrame) -> np.ndarray:
    import numpy as np

    numbers = np.empty(frame.shape, dtype=np.float32)
    for index, column in enumerate(frame.get_columns()):
        numbers[:, index] = column.cast(pl.Float32).to_numpy()
    return numbers


def require_numbers(schema: Iterable[Column], argument: str) -> None:
    """Check that XGBoost can take the columns: numbers and booleans.

    Raises:
        TaskFailure: If one is neither.
    """
    others = [column for column in schema if column.type not in NUMBERS | {"bool"}]
    if others:
        listed = ", ".join(f'"{column.name}" ({column.type})' for column in others)
        detail = (
            f"XGBoost needs numbers, but these features are none: {listed}. Encode them in the "
            'split (transform "one_hot" or "ordinal"), drop them, or leave them out of `features`.'
        )
        raise TaskFailure("Features that are no numbers", detail, argument)


class BoostedTrees:
    """A loaded XGBoost model."""

    def __init__(self, booster: xgboost.Booster) -> None:
        """Take a trained model."""
        self._booster = booster
        self._dense = dense_prediction(booster)

    @classmethod
    def load(cls, folder: Path, threads: int) -> BoostedTrees:
        """Load `model.ubj`; scoring uses the given number of threads."""
        xgboost = import_xgboost()
        booster = xgboost.Booster()
        booster.load_model(folder / MODEL_FILE)
        booster.set_param({"nthread": threads})
        return cls(booster)

    def predict(self, features: pl.DataFrame) -> np.ndarray:
        """Return float64 scores.

        Shape (rows,): the number, or the probability of the second class; (rows, classes) for
        more classes.
        """
        return self.predict_matrix(matrix(features))

    def predict_matrix(self, numbers: np.ndarray) -> np.ndarray:
        """Return the scores of features as `matrix` gives them; see `predict`."""
        import numpy as np

        if self._dense is not None and len(numbers):
            return self._dense(numbers).astype(np.float64)
        scores = self._booster.inplace_predict(numbers, validate_features=False)
        return np.asarray(scores, dtype=np.float64)
