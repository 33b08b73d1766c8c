"""The work of a one-off prediction: score rows that come with the task.

Input `model`: an artifact. Argument `rows`: objects with every input column of the model's
signature. Artifact: none. Attributes: `predictions`, as `/predict` of an endpoint answers them.
"""

from __future__ import annotations

from mlform.digests import JsonObject
from mlform.features.boosting import forget_lean_xgboost
from mlform.features.predictions import PredictionWriter
from mlform.features.scoring import Manifest, load_model
from mlform.worker.work import Work, read_object


def run(work: Work) -> JsonObject:
    """Return the attributes.

    Raises:
        TaskFailure: If a row lacks a column or holds a value of another type.
    """
    model = work.inputs["model"]
    if Manifest.from_json(read_object(model / "model.json").values).module:
        forget_lean_xgboost()
    rows = work.arguments.values["rows"]
    assert isinstance(rows, list)  # noqa: S101 - the control plane makes the document
    work.progress.report("scoring", done=0, total=len(rows))
    scorer = load_model(model, work.threads)
    predictions = scorer.score_rows(rows)
    return {"predictions": PredictionWriter(scorer.manifest.classes).write(predictions)}
