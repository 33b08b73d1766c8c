from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from mlform.features.columns import Column, type_name
from mlform.features.pipeline import Pipeline
from mlform.features.problems import TaskFailure

if TYPE_CHECKING:
    from mlform.digests import Json, JsonObject


def schema_of(frame: pl.DataFrame) -> tuple[Column, ...]:
    return tuple(
        Column(name=name, type=type_name(dtype) or "", nullable=True)
        for name, dtype in frame.schema.items()
    )


def fit(frame: pl.DataFrame, *steps: JsonObject) -> Pipeline:
    return Pipeline.fit(steps, frame, schema_of(frame))


def transformed(
    train: list[object], live: list[object], dtype: pl.DataType, **step: Json
) -> dict[str, list[object]]:
    """Fit one transform of column `x` on some values, apply it to others, return the columns."""
    frame = pl.DataFrame({"x": pl.Series(train, dtype=dtype)})
    pipeline = fit(frame, {"columns": ["x"], **step})
    rows = pipeline.apply(pl.DataFrame({"x": pl.Series(live, dtype=dtype)}))
    assert [column.type for column in pipeline.output_schema()] == [
        type_name(dtype) for dtype in rows.dtypes
    ]
    return rows.to_dict(as_series=False)


@pytest.mark.parametrize(
    ("strategy", "value"), [("mean", 7 / 3), ("median", 1.0), ("most_frequent", 1)]
)
def test_impute_numbers(strategy: str, value: float) -> None:
    found = transformed([1, 1, 5, None], [None, 2], pl.Int64(), op="impute", strategy=strategy)
    assert found == {"x": [value, 2]}


def test_impute_takes_the_smallest_of_ties_and_constants() -> None:
    ties = transformed(["b", "a", None], [None], pl.String(), op="impute", strategy="most_frequent")
    assert ties == {"x": ["a"]}
    constant = transformed([1], [None], pl.Int64(), op="impute", strategy="constant", value=1.5)
    assert constant == {"x": [1.5]}
    flag = transformed([True], [None], pl.Boolean(), op="impute", strategy="constant", value=False)
    assert flag == {"x": [False]}


def test_standardize_and_normalize() -> None:
    found = transformed([1, 3, None], [1, 2, 7, None], pl.Int64(), op="standardize")
    assert found == {"x": [-1.0, 0.0, 5.0, None]}
    found = transformed([1.0, 3.0], [1.0, 2.0, 7.0], pl.Float64(), op="normalize")
    assert found == {"x": [0.0, 0.5, 3.0]}
    for op in ("standardize", "normalize"):
        constant = transformed([0.1, 0.1, 0.1], [0.1, 1.1], pl.Float64(), op=op)
        assert constant == {"x": [0.0, 1.0]}


def test_log_becomes_missing_where_it_does_not_exist() -> None:
    found = transformed([0.0, 1.0], [0.0, -1.0, -5.0, None], pl.Float64(), op="log")
    assert found == {"x": [0.0, None, None, None]}
    with pytest.raises(TaskFailure, match="1 training values"):
        transformed([0, 1], [], pl.Int64(), op="log", offset=0)


def test_clip_keeps_integers_where_the_bounds_are_whole() -> None:
    found = transformed([1, 9], [0, 5, 20, None], pl.Int64(), op="clip", min=1, max=9)
    assert found == {"x": [1, 5, 9, None]}
    found = transformed([1, 9], [0, 20], pl.UInt8(), op="clip", min=-3, max=300)
    assert found == {"x": [0, 20]}
    found = transformed([1, 9], [0, 20], pl.Int64(), op="clip", min=1.5)
    assert found == {"x": [1.5, 20.0]}
    quantiles = transformed(
        list(range(101)),
        [0, 100],
        pl.Int64(),
        op="clip",
        lower_quantile=0.05,
        upper_quantile=0.9,
        max=80,
    )
    assert quantiles == {"x": [5, 80]}
    with pytest.raises(TaskFailure, match="exceeds"):
        transformed([1], [], pl.Int64(), op="clip", min=3, max=2)


def test_one_hot_policy() -> None:
    found = transformed(["b", "a", None, "b"], ["a", "new", None], pl.String(), op="one_hot")
    assert found == {"x_a": [1, 0, 0], "x_b": [0, 0, 0], "x_missing": [0, 0, 1]}
    complete = transformed(["b", "a"], ["a", None], pl.String(), op="one_hot")
    assert complete == {"x_a": [1, 0], "x_b": [0, 0]}
    clash = transformed(["missing", None], [None], pl.String(), op="one_hot")
    assert clash == {"x_missing": [0], "x_missing_": [1]}
    frequent = transformed(
        ["a", "b", "b", "c", "c"], ["a", "b"], pl.String(), op="one_hot", max_categories=2
    )
    assert frequent == {"x_b": [0, 1], "x_c": [0, 0]}


def test_one_hot_of_other_types() -> None:
    assert transformed([10, 9], [9], pl.Int64(), op="one_hot") == {"x_9": [1], "x_10": [0]}
    assert transformed([True, False], [True], pl.Boolean(), op="one_hot") == {
        "x_false": [0],
        "x_true": [1],
    }
    day = date(2024, 2, 29)
    assert transformed([day], [day], pl.Date(), op="one_hot") == {"x_2024-02-29": [1]}


def test_ordinal_policy() -> None:
    found = transformed(["b", "a", None], ["a", "b", "new", None], pl.String(), op="ordinal")
    assert found == {"x": [0, 1, -1, None]}
    given = transformed(
        ["low"], ["high", "low"], pl.String(), op="ordinal", categories=["low", "high"]
    )
    assert given == {"x": [1, 0]}
    with pytest.raises(TaskFailure, match="twice"):
        transformed(["a"], [], pl.String(), op="ordinal", categories=["a", "a"])


@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        ("standardize", pl.String()),
        ("normalize", pl.Boolean()),
        ("log", pl.Date()),
        ("clip", pl.String()),
        ("one_hot", pl.Float64()),
        ("ordinal", pl.Float64()),
    ],
)
def test_wrong_types_name_the_columns(op: str, dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"x": pl.Series([], dtype=dtype), "y": pl.Series([1])[:0]})
    with pytest.raises(TaskFailure) as caught:
        fit(frame, {"op": op, "columns": ["x"]})
    problem = caught.value.problem
    assert problem.summary == "Transform on the wrong type"
    assert '"y" int64' in problem.detail
    assert problem.argument == "transforms[0].columns[0]"


@pytest.mark.parametrize(
    "step",
    [
        {"op": "impute", "strategy": "mean"},
        {"op": "impute", "strategy": "most_frequent"},
        {"op": "standardize"},
        {"op": "ordinal"},
    ],
)
def test_columns_without_values(step: JsonObject) -> None:
    frame = pl.DataFrame({"x": pl.Series([None, None], dtype=pl.Int64)})
    with pytest.raises(TaskFailure, match="Column without values"):
        fit(frame, {**step, "columns": ["x"]})


def test_infinite_values_and_wrong_constants() -> None:
    with pytest.raises(TaskFailure, match="Infinite values"):
        fit(pl.DataFrame({"x": [1.0, float("inf")]}), {"op": "standardize", "columns": ["x"]})
    for value in (None, "a"):
        with pytest.raises(TaskFailure):
            fit(
                pl.DataFrame({"x": [1]}),
                {"op": "impute", "columns": ["x"], "strategy": "constant", "value": value},
            )


def frame() -> pl.DataFrame:
    return pl.DataFrame({"a": [1, None, 3], "k": ["u", "v", None], "b": [1.0, 2.0, 3.0]})


STEPS: tuple[JsonObject, ...] = (
    {"op": "impute", "columns": ["a"], "strategy": "mean"},
    {"op": "standardize", "columns": ["a", "b"]},
    {"op": "one_hot", "columns": ["k"]},
)


def test_steps_follow_each_other_and_outputs_stand_in_place() -> None:
    pipeline = fit(frame(), *STEPS)
    assert pipeline.outputs == ("a", "k_u", "k_v", "k_missing", "b")
    assert pipeline.apply(frame())["a"].to_list()[1] == 0.0
    assert [column.nullable for column in pipeline.output_schema()] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_restrict_drops_what_is_not_needed() -> None:
    pipeline = fit(frame(), *STEPS)
    kept = pipeline.restrict(["k_v", "b"])
    assert [column.name for column in kept.input_schema()] == ["k", "b"]
    assert [step.op for step in kept.steps] == ["standardize", "one_hot"]
    rows = frame().drop("a")
    assert kept.apply(rows).equals(pipeline.apply(frame()).select("k_v", "b"))
    with pytest.raises(TaskFailure, match='Did you mean "k_v"'):
        pipeline.restrict(["k_w"])


def test_json_form_round_trips_and_other_formats_are_refused() -> None:
    pipeline = fit(frame(), *STEPS)
    again = Pipeline.from_json(pipeline.to_json())
    assert again == pipeline
    assert again.apply(frame()).equals(pipeline.apply(frame()))
    with pytest.raises(ValueError, match="format 2"):
        Pipeline.from_json({**pipeline.to_json(), "format": 2})
    with pytest.raises(ValueError, match="unknown transform"):
        Pipeline.from_json({**pipeline.to_json(), "steps": [{"op": "magic", "columns": []}]})


def test_names_that_clash_and_columns_that_are_gone() -> None:
    clash = pl.DataFrame({"k": ["u"], "k_u": [1]})
    with pytest.raises(TaskFailure, match="Column name taken"):
        fit(clash, {"op": "one_hot", "columns": ["k"]})
    with pytest.raises(TaskFailure, match='no column "k"') as caught:
        fit(clash, {"op": "drop", "columns": ["k"]}, {"op": "one_hot", "columns": ["k"]})
    assert caught.value.problem.argument == "transforms[1].columns[0]"
    with pytest.raises(TaskFailure, match='no column "k"'):
        fit(clash).apply(clash.drop("k"))
