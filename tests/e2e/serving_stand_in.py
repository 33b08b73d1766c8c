"""The real server process around a model in memory, for tests that start many servers.

Run as `python serving_stand_in.py CONFIG.json`; loads no XGBoost, so it starts in a fraction of the
time. Everything else, the drain included, is that of `python -m mlform.serving`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlform.digests import Digest
from mlform.features.columns import Column, Schema
from mlform.features.rows import frame_from_rows
from mlform.features.scoring import Manifest, Predictions
from mlform.serving.configuration import read_configuration
from mlform.serving.model import Reference, ServedModel
from mlform.serving.server import listen, serve


class HalfScorer:
    """Halves `x`."""

    inputs: Schema = (Column(name="x", type="float64", nullable=False),)
    manifest = Manifest(
        algorithm="xgboost",
        module=None,
        task="regression",
        target="y",
        target_type="float64",
        classes=(),
        features=("x",),
    )

    def score_rows(self, rows: Sequence[object]) -> Predictions:
        """Return x / 2."""
        frame = frame_from_rows(rows, self.inputs)
        return Predictions(classes=(), scores=np.asarray(frame["x"].to_numpy() / 2))


def main() -> None:
    """Serve until SIGTERM."""
    config = read_configuration(Path(sys.argv[1]))
    model = ServedModel(
        name=config.name,
        digest=Digest("sha256:" + "0" * 64),
        scorer=HalfScorer(),
        reference=Reference(rows=[], scores=[]),
    )
    asyncio.run(serve(config, model, listen(config.host, config.port)))


if __name__ == "__main__":
    main()
