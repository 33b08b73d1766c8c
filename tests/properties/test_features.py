"""A transform applied row by row equals it applied to the table, for all of them together."""

from __future__ import annotations

import json

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlform.digests import JsonObject, canonical_json
from mlform.features.boosting import matrix
from mlform.features.columns import Column
from mlform.features.matrices import MatrixReader
from mlform.features.pipeline import Pipeline
from mlform.features.problems import TaskFailure
from mlform.features.rows import frame_from_rows, rows_to_json

SCHEMA = (
    Column(name="f", type="float64", nullable=True),
    Column(name="i", type="int64", nullable=True),
    Column(name="s", type="string", nullable=True),
    Column(name="b", type="bool", nullable=True),
)

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "f": st.none() | st.floats(-1e6, 1e6),
            "i": st.none() | st.integers(-(2**31), 2**31),
            "s": st.none() | st.sampled_from(["", "a", "b", "missing", "ü", "a b"]),
            "b": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=12,
)

STEPS = st.lists(
    st.sampled_from(
        [
            {"op": "impute", "columns": ["f", "i"], "strategy": "mean"},
            {"op": "impute", "columns": ["f"], "strategy": "median"},
            {"op": "impute", "columns": ["s", "b"], "strategy": "most_frequent"},
            {"op": "impute", "columns": ["s"], "strategy": "constant", "value": "z"},
            {"op": "standardize", "columns": ["f"]},
            {"op": "normalize", "columns": ["i", "f"]},
            {"op": "log", "columns": ["f"], "offset": 2e6},
            {"op": "clip", "columns": ["f", "i"], "lower_quantile": 0.1, "max": 10},
            {"op": "one_hot", "columns": ["s"], "max_categories": 3},
            {"op": "one_hot", "columns": ["b"]},
            {"op": "ordinal", "columns": ["s", "b"]},
            {"op": "drop", "columns": ["f"]},
        ]
    ),
    max_size=6,
)


def fitted(steps: list[JsonObject], rows: list[JsonObject]) -> Pipeline:
    """Fit the longest beginning of the steps that these rows allow."""
    frame = frame_from_rows(rows, SCHEMA)
    while True:
        try:
            return Pipeline.fit(steps, frame, SCHEMA)
        except TaskFailure:
            steps = steps[:-1]


@example(  # Polars divides a column by a number in another way than a single value
    steps=[{"op": "normalize", "columns": ["f"]}],
    train=[{"f": value, "i": None, "s": None, "b": None} for value in (0.0, 5.464129620041938e-73)],
    live=[{"f": value, "i": None, "s": None, "b": None} for value in (None, None, 61.0)],
)
@given(steps=STEPS, train=ROWS, live=ROWS)
@settings(deadline=None, max_examples=60)
def test_row_by_row_equals_the_whole_table(
    steps: list[JsonObject], train: list[JsonObject], live: list[JsonObject]
) -> None:
    pipeline = fitted(steps, train)
    whole = pipeline.apply(frame_from_rows(live, SCHEMA))
    single = [pipeline.apply(frame_from_rows([row], SCHEMA)) for row in live]
    assert whole.equals(pl.concat(single))
    assert tuple(whole.columns) == pipeline.outputs
    assert [column.dtype for column in pipeline.output_schema()] == whole.dtypes


@given(steps=STEPS, train=ROWS, live=ROWS, data=st.data())
@settings(deadline=None, max_examples=60)
def test_a_restricted_pipeline_needs_only_its_inputs(
    steps: list[JsonObject], train: list[JsonObject], live: list[JsonObject], data: st.DataObject
) -> None:
    pipeline = fitted(steps, train)
    outputs = data.draw(
        st.lists(st.sampled_from(pipeline.outputs), unique=True, min_size=1)
        if pipeline.outputs
        else st.just([])
    )
    kept = pipeline.restrict(outputs)
    frame = frame_from_rows(live, SCHEMA)
    inputs = [column.name for column in kept.input_schema()]
    expected = pipeline.apply(frame).select(outputs)
    assert kept.apply(frame.select(inputs)).equals(expected)
    assert Pipeline.from_json(json.loads(canonical_json(kept.to_json()))) == kept


@given(rows=ROWS)
@settings(deadline=None, max_examples=60)
def test_rows_of_json_round_trip(rows: list[JsonObject]) -> None:
    frame = frame_from_rows(rows, SCHEMA)
    assert rows_to_json(frame) == rows


@example(
    steps=[],
    train=[{"f": 0.0, "i": None, "s": None, "b": None}],
    live=[{"f": value, "i": 2**62 + 1, "s": None, "b": True} for value in (1e300, None, -0.0, 0.1)],
)
@given(steps=STEPS, train=ROWS, live=ROWS)
@settings(deadline=None, max_examples=60)
def test_a_matrix_of_rows_is_that_of_their_frame(
    steps: list[JsonObject], train: list[JsonObject], live: list[JsonObject]
) -> None:
    pipeline = fitted(steps, train)
    numbers = [column.name for column in pipeline.output_schema() if column.type != "string"]
    pipeline = pipeline.restrict(numbers)
    names = {column.name for column in pipeline.input_schema()}
    rows = [{name: row[name] for name in row if name in names} for row in live]
    expected = matrix(pipeline.apply(frame_from_rows(rows, pipeline.input_schema())))
    reader = MatrixReader(pipeline)
    assert reader.read(rows).tobytes() == expected.tobytes()
    alone = [reader.read([row]).tobytes() for row in rows]
    assert b"".join(alone) == expected.tobytes()
