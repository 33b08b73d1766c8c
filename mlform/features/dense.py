"""Prediction of an XGBoost model from a matrix of numbers, through XGBoost's C interface.

`Booster.inplace_predict` takes many kinds of data and finds out anew in every call which it has:
for one row that takes longer than the trees. This is the call it ends in for a matrix,
`XGBoosterPredictFromDense` of the C API reference, with everything prepared that is the same in
all calls.
"""

from __future__ import annotations

import ctypes
import json
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

if TYPE_CHECKING:
    import xgboost

_CONFIGURATION: Final = json.dumps(
    {
        "type": 0,
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,
        "missing": float("nan"),
        "strict_shape": False,
        "cache_id": 0,
    }
).encode()
"""A prediction by all trees, as values, with NaN for missing."""

_FLOAT_BYTES: Final = 4
_Sizes = ctypes.POINTER(ctypes.c_uint64)


class RefusedMatrix(Exception):
    """XGBoost did not take the matrix; the text is its own."""


class DensePrediction:
    """Predicts with a model; calls may come from several threads at once."""

    def __init__(self, booster: xgboost.Booster, library: Path) -> None:
        """Prepare the call.

        Args:
            booster: The model.
            library: XGBoost's shared library, the one the booster is of.

        Raises:
            OSError: If the library cannot be loaded.
            AttributeError: If the library or the booster lacks what the call needs.
        """
        loaded = ctypes.CDLL(str(library))
        self._booster = booster  # owns the handle
        self._handle = cast("ctypes.c_void_p", booster.handle)
        self._predict = loaded.XGBoosterPredictFromDense
        self._predict.argtypes = (
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_void_p,
            ctypes.POINTER(_Sizes),
            ctypes.POINTER(ctypes.c_uint64),
            ctypes.POINTER(ctypes.c_void_p),
        )
        self._last_error = loaded.XGBGetLastError
        self._last_error.restype = ctypes.c_char_p

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """Return float32 predictions, shape (rows,), or (rows, classes) for three classes or more.

        Args:
            numbers: float32, shape (rows, features), rows one after another in memory.

        Raises:
            RefusedMatrix: If XGBoost fails.
        """
        place = numbers.__array_interface__["data"][0]
        rows, columns = numbers.shape
        values = f'{{"data":[{place},true],"shape":[{rows},{columns}],"typestr":"<f4","version":3}}'
        sizes = _Sizes()
        dimensions = ctypes.c_uint64()
        scores = ctypes.c_void_p()
        failed = self._predict(
            self._handle,
            values.encode(),
            _CONFIGURATION,
            None,
            ctypes.byref(sizes),
            ctypes.byref(dimensions),
            ctypes.byref(scores),
        )
        if failed:
            raise RefusedMatrix(self._last_error().decode(errors="replace"))
        shape = sizes[: dimensions.value]
        # The memory is XGBoost's, and the next call of this thread writes over it: a copy.
        copied = ctypes.string_at(scores.value or 0, prod(shape) * _FLOAT_BYTES)
        found = np.frombuffer(copied, dtype=np.float32)
        return found if len(shape) == 1 else found.reshape(shape)


def dense_prediction(booster: xgboost.Booster) -> DensePrediction | None:
    """Return the prepared call, or None where this XGBoost does not offer what it needs."""
    try:
        from xgboost.libpath import find_lib_path

        return DensePrediction(booster, Path(find_lib_path()[0]))
    except (ImportError, IndexError, OSError, AttributeError):
        return None
