"""Rows of JSON to the matrix that XGBoost takes, without a frame for what no transform changes.

For a single row, carrying columns through a query of Polars that does nothing to them costs more
than everything else. So numbers that come out of the pipeline as they came in are put into the
matrix directly, and only the rest goes through the pipeline. The matrix is that of
`boosting.matrix` over `Pipeline.apply`, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlform.features.boosting import matrix
from mlform.features.columns import FLOATS
from mlform.features.pipeline import Pipeline
from mlform.features.rows import RowReader


class MatrixReader:
    """Makes matrices of rows; what depends on the pipeline alone is worked out once."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Take a pipeline whose outputs are numbers and booleans."""
        # Of other types, the frame checks that a value fits.
        floats = {column.name for column in pipeline.input_schema() if column.type in FLOATS}
        self._direct = [name for name in pipeline.unchanged() if name in floats]
        left = [name for name in pipeline.outputs if name not in self._direct]
        rest = pipeline.restrict(left)
        self._width = len(pipeline.outputs)
        self._direct_places = [pipeline.outputs.index(name) for name in self._direct]
        self._rest_places = [pipeline.outputs.index(name) for name in left]
        self._rows = RowReader(pipeline.input_schema())
        used = {column.name for column in rest.input_schema()}
        self._frames = RowReader(
            [
                column
                for column in pipeline.input_schema()
                if column.name in used or column.name not in self._direct
            ]
        )
        self._expressions = rest.expressions()

    def read(self, rows: Sequence[object]) -> np.ndarray:
        """Return the features of rows as float32, shape (rows, features), missing as NaN.

        Raises:
            TaskFailure: As `RowReader.read`.
        """
        values = self._rows.values(rows)
        numbers = np.empty((len(values), self._width), dtype=np.float32)
        if self._direct:
            given = [[row[name] for name in self._direct] for row in values]
            with np.errstate(over="ignore"):  # too large for float32 is infinite, as in Polars
                shaped = np.array(given, dtype=np.float64).reshape(-1, len(self._direct))
                numbers[:, self._direct_places] = shaped
        if self._rest_places:
            frame = self._frames.frame(values)
            numbers[:, self._rest_places] = matrix(frame.select(self._expressions))
        return numbers
