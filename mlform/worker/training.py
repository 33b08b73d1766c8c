"""What training gets and gives, whatever the algorithm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlform.dataclass import dataclass, field
from mlform.features.arguments import Arguments
from mlform.features.scoring import Manifest
from mlform.worker.work import Work

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training about to run.

    Attributes:
        work: The task; the model goes to `work.artifact / "model"`.
        manifest: What is to be learned.
        algorithm: The algorithm's arguments.
        seed: Seed of everything random.
        train: Name of the training partition.
        frame: Its transformed rows; the target has no missing value.
        weight: Column of row weights, or None.
        partitions: Names of all partitions of the split.
    """

    work: Work
    manifest: Manifest
    algorithm: Arguments
    seed: int
    train: str
    frame: pl.DataFrame
    weight: str | None
    partitions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training says of itself.

    Attributes:
        rounds: Metrics of every round, by `PARTITION-METRIC`.
        best_iteration: Round (from 0) that the model was cut after by early stopping, or None.
        best_score: The metric there, or in the last round.
        metric: Name of that metric.
        importance: Gain by feature, for features that are used.
    """

    rounds: Sequence[Mapping[str, float]] = ()
    best_iteration: int | None = None
    best_score: float | None = None
    metric: str | None = None
    importance: Mapping[str, float] = field(default_factory=dict)
