from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from mlform.features.arguments import Arguments
from mlform.features.scoring import load_model
from mlform.worker.targets import task_of

if TYPE_CHECKING:
    from mlform.digests import Json
    from tests.unit.worker.conftest import Outcome, Tasks


def table(rows: int = 240) -> str:
    """Rows whose target follows from the features, with missing values in one of them."""
    draws = np.random.Generator(np.random.PCG64(0)).random((rows, 2))
    lines = [
        f"{a:.3f},{'' if b < 0.1 else f'{b:.3f}'},{'red' if a > 0.5 else 'blue'},"
        f"{'yes' if a + b > 1 else 'no'},{min(2, int(3 * a))},{10 * a + b:.3f},1\n"
        for a, b in draws
    ]
    return "a,b,colour,answer,level,amount,w\n" + "".join(lines)


TRANSFORMS: Json = [
    {"op": "impute", "columns": ["b"], "strategy": "mean"},
    {"op": "one_hot", "columns": ["colour"]},
]
FEATURES: Json = ["a", "b", "colour_blue", "colour_red"]


def split(tasks: Tasks, text: str | None = None) -> Outcome:
    return tasks.split(tasks.dataset({"a.csv": text or table()}), transforms=TRANSFORMS)


def xgboost(**extra: Json) -> Json:
    return {"type": "xgboost", "rounds": 30, "params": {"max_depth": 3}, **extra}


def manifest(outcome: Outcome) -> dict[str, object]:
    found = json.loads((outcome.artifact / "model.json").read_text())
    assert isinstance(found, dict)
    return found


def test_binary_model_and_its_artifact(tasks: Tasks) -> None:
    parts = split(tasks)
    early: Json = {"partition": "eval", "rounds": 3, "metric": "auc"}
    model = tasks.model(
        parts, target="answer", features=FEATURES, algorithm=xgboost(early_stopping=early)
    )
    assert model.attribute("task") == "binary"
    assert model.attribute("classes") == ["no", "yes"]
    assert model.attribute("signature") == {
        "inputs": [
            {"name": "a", "type": "float64", "nullable": False},
            {"name": "b", "type": "float64", "nullable": True},
            {"name": "colour", "type": "string", "nullable": False},
        ],
        "outputs": [
            {"name": "prediction", "type": "string"},
            {"name": "probability", "type": "float64"},
        ],
    }
    best = model.attribute("training", "best_iteration")
    lines = (model.artifact / "training.jsonl").read_text().splitlines()
    assert isinstance(best, int)
    assert len(lines) == model.attribute("training", "rounds") == min(30, best + 4)
    assert model.attribute("training", "metric") == "eval-auc"
    assert json.loads(lines[best])["metrics"]["eval-auc"] == model.attribute(
        "training", "best_score"
    )
    importance = model.attribute("importance")
    assert isinstance(importance, dict)
    assert set(importance) <= {"a", "b", "colour_blue", "colour_red"}
    assert any(event.message == "boosting" and "eval-auc" in event.detail for event in model.events)


def test_reference_scores_are_those_of_the_transformed_rows(tasks: Tasks) -> None:
    parts = split(tasks)
    model = tasks.model(parts, target="level", features=FEATURES)
    reference = json.loads((model.artifact / "reference.json").read_text())
    scorer = load_model(model.artifact)
    transformed = pl.read_parquet(parts.artifact / "partitions" / "train.parquet").head(32)
    expected = scorer.score_transformed(transformed).scores
    assert len(reference["rows"]) == 32
    assert set(reference["rows"][0]) == {"a", "b", "colour"}
    np.testing.assert_array_equal(np.asarray(reference["scores"]), expected)
    one_by_one = [scorer.score_rows([row]).scores[0].tolist() for row in reference["rows"]]
    assert one_by_one == reference["scores"]
    assert np.asarray(reference["scores"]).shape == (32, 3)


def test_all_columns_but_target_and_weight_are_the_default(tasks: Tasks) -> None:
    parts = tasks.split(
        tasks.dataset({"a.csv": table()}),
        transforms=[{"op": "drop", "columns": ["colour", "answer"]}],
    )
    model = tasks.model(parts, target="amount", weight="w")
    assert model.attribute("features") == ["a", "b", "level"]
    assert model.attribute("task") == "regression"
    assert manifest(model)["classes"] is None


def test_the_target_never_becomes_an_input(tasks: Tasks) -> None:
    parts = tasks.split(
        tasks.dataset({"a.csv": table()}),
        transforms=[{"op": "standardize", "columns": ["a", "amount"]}],
    )
    model = tasks.model(parts, target="amount", features=["a"])
    pipeline = json.loads((model.artifact / "pipeline.json").read_text())
    assert [column["name"] for column in pipeline["inputs"]] == ["a"]
    assert [column["name"] for column in pipeline["steps"][0]["columns"]] == ["a"]


@pytest.mark.parametrize(
    ("values", "algorithm", "task"),
    [
        ([0, 1, 1], {}, "binary"),
        ([True, False], {}, "binary"),
        (["a", "b", "c"], {}, "multiclass"),
        (list(range(20)), {}, "multiclass"),
        (list(range(21)), {}, "regression"),
        ([0.0, 1.0], {}, "regression"),
        ([0.0, 1.0], {"task": "binary"}, "binary"),
        ([0, 1], {"objective": "reg:squarederror"}, "regression"),
        ([0, 1], {"objective": "multi:softprob"}, "multiclass"),
    ],
)
def test_task_follows_from_arguments_and_target(
    values: list[object], algorithm: dict[str, Json], task: str
) -> None:
    assert task_of(pl.Series("t", values), Arguments(values=algorithm)) == task


@pytest.mark.parametrize(
    ("arguments", "summary", "argument", "detail"),
    [
        ({"target": "answr"}, "Unknown column", "target", 'Did you mean "answer"?'),
        ({"features": ["a", "c"]}, "Unknown column", "features[1]", '"colour_red"'),
        ({"features": ["answer"]}, "Target among the features", "features", "answer"),
        ({"features": []}, "No features", "features", ""),
        ({"weight": "ww"}, "Unknown column", "weight[0]", '"w"'),
        ({"train": "trian"}, "Unknown partition", "train", 'Did you mean "train"?'),
        (
            {"target": "amount", "features": None},
            "Features that are no numbers",
            "features",
            '"answer" (string)',
        ),
        (
            {"algorithm": xgboost(early_stopping={"partition": "evl", "rounds": 3})},
            "Unknown partition",
            "algorithm.early_stopping.partition",
            'Did you mean "eval"?',
        ),
        (
            {"algorithm": xgboost(objective="binary:logitic")},
            "Unfit objective",
            "algorithm.objective",
            'Did you mean "binary:logistic"?',
        ),
        (
            {"algorithm": xgboost(params={"max_dept": 3})},
            "Unknown parameter",
            "algorithm.params.max_dept",
            'Did you mean "max_depth"?',
        ),
        (
            {"algorithm": xgboost(params={"n_jobs": 3})},
            "Reserved parameter",
            "algorithm.params.n_jobs",
            "cpus",
        ),
        (
            {"algorithm": xgboost(params={"max_depth": "deep"})},
            "XGBoost refused the arguments",
            "algorithm",
            "deep",
        ),
        (
            {"algorithm": xgboost(params={"eval_metric": "rmsee"})},
            "XGBoost refused the arguments",
            "algorithm",
            "Unknown metric function rmsee (in",
        ),
        (
            {"target": "level", "algorithm": xgboost(objective="binary:logistic")},
            "Too many classes",
            "target",
            "3 classes",
        ),
        ({"algorithm": xgboost(task="clustering")}, "Unknown task", "algorithm.task", "binary"),
        (
            {"algorithm": xgboost(task="regression")},
            "Target of the wrong type",
            "target",
            "number",
        ),
    ],
)
def test_problems(
    tasks: Tasks, arguments: dict[str, Json], summary: str, argument: str, detail: str
) -> None:
    defaults: dict[str, Json] = {"target": "answer", "features": FEATURES}
    model = tasks.model(split(tasks), None, **{**defaults, **arguments})
    found = model.problem()
    assert (found[0], found[2]) == (summary, argument)
    assert detail in found[1]


def test_target_with_missing_values_and_one_class(tasks: Tasks) -> None:
    parts = tasks.split(tasks.dataset({"a.csv": "x,y,z\n1,2,1\n2,,1\n3,3,1\n4,,1\n5,,1\n6,6,1\n"}))
    missing = tasks.model(parts, target="y")
    assert missing.problem()[0] == "Target with missing values"
    assert "y IS NOT NULL" in missing.problem()[1]
    assert tasks.model(parts, target="z", features=["x"]).problem()[0] == "Only one class"


def test_class_that_appears_only_outside_training(tasks: Tasks) -> None:
    by_row: Json = {
        "type": "by_column",
        "partitions": {"train": {"where": "x < 4"}, "eval": {"where": "x >= 4"}},
    }
    parts = tasks.split(tasks.dataset({"a.csv": "x,y\n1,a\n2,b\n3,a\n4,c\n5,b\n"}), strategy=by_row)
    early: Json = {"partition": "eval", "rounds": 3, "metric": None}
    stopped = tasks.model(parts, target="y", algorithm=xgboost(early_stopping=early))
    assert stopped.problem()[0] == "Class unseen in training"
    evaluation = tasks.evaluation(tasks.model(parts, target="y"), parts, metrics=["accuracy"])
    summary, detail, _ = evaluation.problem()
    assert summary == "Class unseen in training"
    assert '"c"' in detail
