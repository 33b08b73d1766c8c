"""A softmax regression: fitted by scikit-learn, stored as numbers, applied with NumPy.

mlform calls the four functions. What `save` writes is the model: it is named by the digest of its
bytes, so it holds figures only, and nothing that changes from run to run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Softmax:
    """Weights of shape (classes, features) and biases of shape (classes,)."""

    weights: np.ndarray
    biases: np.ndarray


def fit(features: pd.DataFrame, target: pd.Series, params: Mapping[str, object]) -> Softmax:
    """Fit on the training partition; the classes are in sorted order, as mlform expects."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=float(str(params["strength"])), max_iter=int(str(params["max_iterations"]))
    )
    model.fit(features.to_numpy(), target.to_numpy())
    return Softmax(weights=model.coef_, biases=model.intercept_)


def predict(model: Softmax, features: pd.DataFrame) -> np.ndarray:
    """Return probabilities of shape (rows, classes)."""
    scores = features.to_numpy() @ model.weights.T + model.biases
    # Taking the largest score away changes no probability and keeps exp from overflowing.
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def save(model: Softmax, folder: Path) -> None:
    """Write the figures; JSON keeps every bit of a float64."""
    document = {"weights": model.weights.tolist(), "biases": model.biases.tolist()}
    (folder / "softmax.json").write_text(json.dumps(document), encoding="utf-8")


def load(folder: Path) -> Softmax:
    """Read what `save` wrote."""
    document = json.loads((folder / "softmax.json").read_text(encoding="utf-8"))
    return Softmax(weights=np.asarray(document["weights"]), biases=np.asarray(document["biases"]))
