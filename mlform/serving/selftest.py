"""The test a server passes before it listens: stored rows score as they did in training.

A score passes if it differs from the stored one by at most `ABSOLUTE`, or by at most `RELATIVE`
times the larger of the two. XGBoost sums float32 leaves, whose rounding may differ in the last bits
(6e-8 relative each) from one processor or version to the next; the tolerance allows some hundred
such steps and no change of the model. The rows are scored together, and each alone as requests
come, so that a model whose answer depends on the other rows is found too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from mlform.features.problems import TaskFailure
from mlform.serving.model import ModelUnusable, Reference, Scorer

RELATIVE: Final = 1e-5
ABSOLUTE: Final = 1e-6
_SHOWN: Final = 3


def self_test(scorer: Scorer, reference: Reference) -> None:
    """Score the reference rows, together and one by one.

    Raises:
        ModelUnusable: If a score is not the stored one, or scoring fails.
    """
    if not reference.rows:
        return
    stored = [_as_scores(score) for score in reference.scores]
    try:
        together = _as_rows(scorer.score_rows(reference.rows).scores.tolist())
        alone = [_as_rows(scorer.score_rows([row]).scores.tolist())[0] for row in reference.rows]
    except TaskFailure as failure:
        message = f"the model cannot score its own reference rows: {failure}"
        raise ModelUnusable(message) from failure
    for scores, how in ((together, "scored together"), (alone, "scored alone")):
        different = differences(stored, scores)
        if different:
            shown = "; ".join(different[:_SHOWN])
            message = (
                f"the model does not score its reference rows as in training ({how}): "
                f"{len(different)} of {len(stored)} rows differ: {shown}. The packages of this "
                "runtime differ from those it was trained with, or its own code is not "
                "deterministic; train and serve in the same image."
            )
            raise ModelUnusable(message)


def differences(stored: Sequence[Sequence[float]], found: Sequence[Sequence[float]]) -> list[str]:
    """Return a sentence for each row whose scores are not the stored ones."""
    if len(stored) != len(found):
        return [f"{len(found)} scores came for {len(stored)} rows"]
    return [
        f"row {index} scored {_text(new)} and was {_text(old)}"
        for index, (old, new) in enumerate(zip(stored, found, strict=True))
        if len(old) != len(new) or not all(map(_close, old, new))
    ]


def _close(stored: float, found: float) -> bool:
    if math.isnan(stored) or math.isnan(found):
        return math.isnan(stored) and math.isnan(found)
    return math.isclose(stored, found, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _as_scores(score: float | None | list[float | None]) -> list[float]:
    values = score if isinstance(score, list) else [score]
    return [math.nan if value is None else value for value in values]


def _as_rows(scores: Sequence[float | list[float]]) -> list[list[float]]:
    return [score if isinstance(score, list) else [score] for score in scores]


def _text(scores: Sequence[float]) -> str:
    return ", ".join(f"{score:.9g}" for score in scores)
