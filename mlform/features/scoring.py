"""Scoring with a model artifact, for evaluation and for serving.

The folder of the artifact:

* `model.json`: `{"format": 1, "algorithm": {"type", "module" (python only)}, "task":
  "binary"|"multiclass"|"regression", "target": {"name", "type"}, "classes": [sorted] or null,
  "features": [name…], "signature": {"inputs": [{"name", "type", "nullable"}…], "outputs":
  [{"name", "type"}…]}}`
* `pipeline.json`: raw inputs to features, see `pipeline`
* `model/`: `model.ubj`, or what `save` of the user's code wrote; `code/`: that code
* `reference.json`: `{"rows": [raw row…], "scores": [number, or list by class…]}`
* `training.jsonl`: a line per round of training, `{"round", "metrics": {name: number}}`
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from mlform.dataclass import dataclass
from mlform.digests import Json, JsonObject
from mlform.features.arguments import Arguments
from mlform.features.boosting import BoostedTrees
from mlform.features.matrices import MatrixReader
from mlform.features.pipeline import Pipeline
from mlform.features.python_model import PythonModel
from mlform.features.rows import RowReader
from mlform.features.user_code import CodeFolder

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlform.features.columns import Schema

MODEL_FORMAT: Final = 1
THRESHOLD: Final = 0.5
"""From this probability of the second of two classes on, it is the prediction."""


class Model(Protocol):
    """What scores features."""

    def predict(self, features: pl.DataFrame) -> np.ndarray:
        """Return float64 scores: (rows,), or (rows, classes) for three classes or more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `model.json` says.

    Attributes:
        algorithm: `xgboost` or `python`.
        module: Module of the user's code, or None.
        task: `binary`, `multiclass` or `regression`.
        target: Name of the target column.
        target_type: Its type name.
        classes: The classes as JSON values, sorted; empty for regression.
        features: Names of the features, in the order the model takes them.
    """

    algorithm: str
    module: str | None
    task: str
    target: str
    target_type: str
    classes: tuple[Json, ...]
    features: tuple[str, ...]

    def outputs(self) -> list[JsonObject]:
        """Return the columns of a prediction, `{"name", "type"}` each."""
        kind = "float64" if self.task == "regression" else self.target_type
        outputs: list[JsonObject] = [{"name": "prediction", "type": kind}]
        return outputs + [
            {"name": name, "type": "float64"} for name in probability_names(self.classes)
        ]

    def to_json(self, pipeline: Pipeline) -> JsonObject:
        """Return the manifest as JSON; the pipeline gives the inputs of the signature."""
        return {
            "format": MODEL_FORMAT,
            "algorithm": {"type": self.algorithm, "module": self.module},
            "task": self.task,
            "target": {"name": self.target, "type": self.target_type},
            "classes": list(self.classes) or None,
            "features": list(self.features),
            "signature": self.signature(pipeline),
        }

    def signature(self, pipeline: Pipeline) -> JsonObject:
        """Return `{"inputs": […], "outputs": […]}`."""
        inputs: list[Json] = [column.to_json() for column in pipeline.input_schema()]
        return {"inputs": inputs, "outputs": list(self.outputs())}

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> Manifest:
        """Read a manifest.

        Raises:
            ValueError: If it has another format.
        """
        if document.get("format") != MODEL_FORMAT:
            message = (
                f"the model has format {document.get('format')!r}, "
                f"this mlform reads format {MODEL_FORMAT}"
            )
            raise ValueError(message)
        read = Arguments(values=document)
        return cls(
            algorithm=read.block("algorithm").text("type"),
            module=read.block("algorithm").optional_text("module"),
            task=read.text("task"),
            target=read.block("target").text("name"),
            target_type=read.block("target").text("type"),
            classes=tuple(read.items("classes") or ()),
            features=read.texts("features"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Scores of some rows.

    Attributes:
        classes: The classes, empty for regression.
        scores: float64; (rows,): the number or the probability of the second of two classes;
            (rows, classes): the probability of each of more classes.
    """

    classes: tuple[Json, ...]
    scores: np.ndarray

    def indices(self) -> np.ndarray:
        """Return the index of the predicted class of each row, shape (rows,)."""
        import numpy as np

        if self.scores.ndim == 1:
            return (self.scores >= THRESHOLD).astype(np.int64)
        return np.asarray(self.scores.argmax(axis=1))

    def labels(self) -> list[Json]:
        """Return the predicted class, or number, of each row."""
        if not self.classes:
            return [float(score) for score in self.scores]
        return [self.classes[index] for index in self.indices().tolist()]

    def probabilities(self) -> dict[str, np.ndarray]:
        """Return the probabilities by column name, shape (rows,) each; none for regression."""
        names = probability_names(self.classes)
        if len(names) == 1:
            return {names[0]: self.scores}
        return {name: self.scores[:, index] for index, name in enumerate(names)}


def probability_names(classes: Sequence[Json]) -> list[str]:
    """Return the names of the probabilities: `probability` (of the second) for two classes."""
    if len(classes) == 2:  # noqa: PLR2004 - binary
        return ["probability"]
    return [f"probability_{class_label(label)}" for label in classes]


def class_label(value: Json) -> str:
    """Return a class as text, booleans as `true` and `false`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Scorer:
    """A model with its pipeline."""

    def __init__(self, manifest: Manifest, pipeline: Pipeline, model: Model) -> None:
        """Put the parts together; what all calls share is built once."""
        self.manifest = manifest
        self.pipeline = pipeline
        self._model = model
        self._expressions = pipeline.expressions()
        self._rows = RowReader(pipeline.input_schema())
        self._matrices = MatrixReader(pipeline) if isinstance(model, BoostedTrees) else None

    @property
    def inputs(self) -> Schema:
        """The raw columns that `score` needs."""
        return self.pipeline.input_schema()

    def score(self, raw: pl.DataFrame) -> Predictions:
        """Score raw rows; the frame has the input columns with their types."""
        return self._predict(raw.select(self._expressions))

    def score_rows(self, rows: Sequence[object]) -> Predictions:
        """Score rows of JSON.

        Raises:
            TaskFailure: If a row does not fit the inputs.
        """
        if self._matrices is not None and isinstance(self._model, BoostedTrees):
            scores = self._model.predict_matrix(self._matrices.read(rows))
            return Predictions(classes=self.manifest.classes, scores=scores)
        return self.score(self._rows.read(rows))

    def score_transformed(self, features: pl.DataFrame) -> Predictions:
        """Score rows of features; other columns may be there too."""
        return self._predict(features.select(self.manifest.features))

    def _predict(self, features: pl.DataFrame) -> Predictions:
        return Predictions(classes=self.manifest.classes, scores=self._model.predict(features))


def load_model(folder: Path, threads: int = 1) -> Scorer:
    """Load a model artifact.

    Args:
        folder: The artifact.
        threads: Threads that scoring with XGBoost may use; 1 is best in a busy server.

    Raises:
        ValueError: If its documents have another format.
        OSError: If a file cannot be read.
        TaskFailure: If user code raises.
    """
    manifest = Manifest.from_json(json.loads((folder / "model.json").read_bytes()))
    pipeline = Pipeline.from_json(json.loads((folder / "pipeline.json").read_bytes()))
    return Scorer(manifest, pipeline, _load(folder, manifest, threads))


def _load(folder: Path, manifest: Manifest, threads: int) -> Model:
    if manifest.algorithm == "xgboost":
        return BoostedTrees.load(folder / "model", threads)
    if manifest.module is None:
        message = "the model names no module"
        raise ValueError(message)
    return PythonModel.load(
        CodeFolder(folder / "code"),
        manifest.module,
        folder / "model",
        manifest.task,
        manifest.classes,
    )
