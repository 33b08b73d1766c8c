from __future__ import annotations

import subprocess  # noqa: TID251 - imports have to be seen in a fresh process
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xgboost

from mlform.features.boosting import BoostedTrees, matrix
from mlform.features.dense import RefusedMatrix, dense_prediction

ROOT = Path(__file__).parents[3]


def python(program: str) -> str:
    finished = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return finished.stdout.strip()


def test_a_lean_import_loads_neither_scikit_learn_nor_pandas() -> None:
    program = (
        "import sys; from mlform.features.boosting import import_xgboost\n"
        "import_xgboost(); print([n for n in ('sklearn', 'pandas') if n in sys.modules])"
    )
    assert python(program) == "[]"


def test_user_code_gets_the_wrappers_after_a_lean_import() -> None:
    program = (
        "from mlform.features.boosting import *; import_xgboost(); forget_lean_xgboost()\n"
        "import xgboost; print(xgboost.XGBClassifier(n_estimators=2).fit([[0],[1]], [0, 1])"
        ".predict([[1]]).shape)"
    )
    assert python(program) == "(1,)"


def trained(objective: str, classes: int) -> tuple[xgboost.Booster, np.ndarray]:
    generator = np.random.default_rng(5)
    numbers = generator.normal(size=(300, 7)).astype(np.float32)
    numbers[generator.random(numbers.shape) < 0.2] = np.nan
    label = generator.integers(0, classes, 300)
    params = {"objective": objective, "nthread": 1}
    if objective.startswith("multi"):
        params["num_class"] = classes
    built = xgboost.DMatrix(numbers, label=label, nthread=1)
    return xgboost.train(params, built, num_boost_round=12), numbers


@pytest.mark.parametrize(
    ("objective", "classes"),
    [("binary:logistic", 2), ("multi:softprob", 4), ("reg:squarederror", 9)],
)
def test_the_prepared_call_gives_what_the_wrapper_gives(objective: str, classes: int) -> None:
    booster, numbers = trained(objective, classes)
    dense = dense_prediction(booster)
    assert dense is not None
    for part in (numbers, numbers[:1], numbers[7:9]):
        expected = booster.inplace_predict(part)
        found = dense(part)
        assert found.shape == expected.shape
        assert found.tobytes() == np.ascontiguousarray(expected).tobytes()
    alone = np.concatenate([dense(numbers[index : index + 1]) for index in range(len(numbers))])
    assert alone.tobytes() == dense(numbers).tobytes()
    frame = pl.DataFrame(numbers)
    scores = BoostedTrees(booster).predict(frame)
    assert scores.tolist() == booster.inplace_predict(numbers).astype(np.float64).tolist()


def test_a_matrix_xgboost_does_not_take() -> None:
    booster, numbers = trained("binary:logistic", 2)
    dense = dense_prediction(booster)
    assert dense is not None
    with pytest.raises(RefusedMatrix, match="Number of columns"):
        dense(np.zeros((1, numbers.shape[1] + 3), dtype=np.float32))


@pytest.mark.parametrize("missing", [[], [None]])
def test_a_matrix_rounds_once_however_it_is_made(missing: list[None]) -> None:
    # 2**60 + 2**36 + 1 rounds up to float32 at once, but down by way of float64.
    frame = pl.DataFrame(
        {
            "large": [2**60 + 2**36 + 1, -(2**63), 3, *missing],
            "small": pl.Series([1, 2, 3, *missing], dtype=pl.Int8),
            "flag": [True, False, True, *missing],
            "number": [0.1, 1e300, -1e300, *missing],
        }
    )
    columns = [frame[name].cast(pl.Float32).to_numpy() for name in frame.columns]
    for names in (["large"], ["large", "number"], ["small", "flag"], ["flag"], frame.columns):
        expected = np.column_stack([columns[frame.columns.index(name)] for name in names])
        found = matrix(frame.select(names))
        assert found.tobytes() == np.ascontiguousarray(expected).tobytes()
        alone = [matrix(frame.select(names)[index : index + 1]) for index in range(frame.height)]
        assert np.concatenate(alone).tobytes() == found.tobytes()
        assert matrix(pl.concat([frame.select(names)] * 500))[: frame.height].tobytes() == (
            found.tobytes()
        )
