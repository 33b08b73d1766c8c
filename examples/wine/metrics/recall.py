"""A metric of one's own."""

from __future__ import annotations

import pandas as pd


def worst_recall(predictions: pd.DataFrame) -> float:
    """Return the recall of the class that is found least often.

    Args:
        predictions: A row for each row of the partition, with `target`, `prediction`, the
            probability of each class and the features.
    """
    found = predictions["target"] == predictions["prediction"]
    return float(found.groupby(predictions["target"]).mean().min())
