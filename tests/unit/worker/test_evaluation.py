from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from mlform.digests import Json
    from tests.unit.worker.conftest import Outcome, Tasks

OWN = """
def columns(predictions):
    assert list(predictions.columns[:3]) == ["target", "prediction", "probability"]
    return len(predictions.columns)

def text(predictions):
    return "high"

def broken(predictions):
    return predictions["no such column"].mean()
"""
FEATURES: Json = ["a", "b"]


def table() -> str:
    draws = np.random.Generator(np.random.PCG64(0)).random((200, 2))
    lines = [
        f"{a:.3f},{b:.3f},{'yes' if a + b > 1 else 'no'},{int(3 * a)},{10 * a:.3f}\n"
        for a, b in draws
    ]
    return "a,b,answer,level,amount\n" + "".join(lines)


def split(tasks: Tasks) -> Outcome:
    return tasks.split(tasks.dataset({"a.csv": table()}))


def test_metrics_and_predictions(tasks: Tasks) -> None:
    parts = split(tasks)
    model = tasks.model(parts, target="answer", features=FEATURES)
    names: Json = ["accuracy", "roc_auc"]
    evaluation = tasks.evaluation(model, parts, metrics=names)
    frame = pl.read_parquet(evaluation.artifact / "predictions.parquet")
    assert frame.columns == ["row", "target", "prediction", "probability"]
    assert frame.height == evaluation.attribute("rows") == 100
    share = (frame["target"] == frame["prediction"]).sum() / 100
    assert evaluation.attribute("metrics", "accuracy") == share
    assert share > 0.8
    assert json.loads((evaluation.artifact / "metrics.json").read_text()) == (
        evaluation.attribute("metrics")
    )
    assert ((frame["probability"] >= 0.5) == (frame["prediction"] == "yes")).all()


@pytest.mark.parametrize(("target", "columns"), [("level", 6), ("amount", 3)])
def test_other_tasks(tasks: Tasks, target: str, columns: int) -> None:
    parts = split(tasks)
    model = tasks.model(parts, target=target, features=FEATURES)
    metric = "log_loss" if target == "level" else "rmse"
    evaluation = tasks.evaluation(model, parts, metrics=[metric])
    value = evaluation.attribute("metrics", metric)
    assert isinstance(value, float)
    assert 0 < value < 2
    assert pl.read_parquet(evaluation.artifact / "predictions.parquet").width == columns


def own(*functions: str) -> Json:
    return [{"name": name, "module": "own", "function": name} for name in functions]


def test_metrics_of_ones_own(tasks: Tasks, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "own.py").write_text(OWN)
    parts = split(tasks)
    model = tasks.model(parts, target="answer", features=FEATURES)

    def run(*functions: str) -> Outcome:
        return tasks.evaluation(
            model, parts, tmp_path / "code", metrics=["f1"], custom_metrics=own(*functions)
        )

    assert run("columns").attribute("metrics", "columns") == 5
    assert run("text").problem()[0] == "Wrong result of the metric code"
    summary, detail, _ = run("broken").problem()
    assert summary == "The training code failed"
    assert "no such column" in detail
    missing = run("columns", "colums").problem()
    assert missing[0] == "Missing function"
    assert missing[2] == "custom_metrics[1]"


def test_problems(tasks: Tasks) -> None:
    parts = split(tasks)
    model = tasks.model(parts, target="answer", features=FEATURES)
    unknown = tasks.evaluation(model, parts, metrics=["roc_auk"]).problem()
    assert (unknown[0], unknown[2]) == ("Unknown metric", "metrics[0]")
    assert 'Did you mean "roc_auc"?' in unknown[1]
    unfit = tasks.evaluation(model, parts, metrics=["f1", "rmse"]).problem()
    assert (unfit[0], unfit[2]) == ("Unfit metric", "metrics[1]")
    assert "regression" in unfit[1]
    assert '"roc_auc"' in unfit[1]
    partition = tasks.evaluation(model, parts, partition="evl").problem()
    assert (partition[0], partition[2]) == ("Unknown partition", "partition")
