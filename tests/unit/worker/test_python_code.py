from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from mlform.features.scoring import load_model

if TYPE_CHECKING:
    from mlform.digests import Json
    from tests.unit.worker.conftest import Outcome, Tasks

SHAPES = """
class Mean:
    def __init__(self, by_colour):
        self.by_colour = by_colour
"""

TRAIN = """
import pickle
import numpy as np
import shapes

def fit(features, target, params, weight=None):
    print("fitting with seed", params["seed"], "and", params.get("scale"))
    assert weight is None or len(weight) == len(target)
    return shapes.Mean(target.groupby(features["colour"]).mean().to_dict())

def predict(model, features):
    from shapes import Mean  # an import when called
    assert isinstance(model, Mean)
    return np.array([model.by_colour[colour] for colour in features["colour"]])

def save(model, folder):
    (folder / "model.pickle").write_bytes(pickle.dumps(model))

def load(folder):
    return pickle.loads((folder / "model.pickle").read_bytes())
"""

ROWS = (
    "colour,amount,answer,w\n" + "red,1.5,yes,1\nblue,3.0,no,2\nred,2.5,yes,1\nblue,5.0,no,1\n" * 5
)


def code(folder: Path, **modules: str) -> Path:
    folder.mkdir()
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def python(**extra: Json) -> Json:
    return {"type": "python", "module": "train", "params": {"scale": 2}, **extra}


def parts(tasks: Tasks) -> Outcome:
    return tasks.split(tasks.dataset({"a.csv": ROWS}))


def train(tasks: Tasks, tmp_path: Path, text: str, **arguments: Json) -> Outcome:
    folder = code(tmp_path / f"code{len(list(tmp_path.iterdir()))}", train=text, shapes=SHAPES)
    defaults: dict[str, Json] = {
        "target": "amount",
        "features": ["colour"],
        "algorithm": python(),
    }
    return tasks.model(parts(tasks), folder, **{**defaults, **arguments})


def test_regression_by_own_code(
    tasks: Tasks, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = train(tasks, tmp_path, TRAIN, weight="w")
    assert "fitting with seed 3 and 2" in capsys.readouterr().out
    assert model.attribute("task") == "regression"
    assert sorted(path.name for path in (model.artifact / "code").iterdir()) == [
        "shapes.py",
        "train.py",
    ]
    reference = json.loads((model.artifact / "reference.json").read_text())
    assert (
        load_model(model.artifact).score_rows(reference["rows"]).scores.tolist()
        == (reference["scores"])
    )


def test_two_models_with_modules_of_the_same_names(tasks: Tasks, tmp_path: Path) -> None:
    first = train(tasks, tmp_path, TRAIN)
    doubled = TRAIN.replace("np.array([", "2 * np.array([")
    second = train(tasks, tmp_path, doubled)
    scorers = [load_model(each.artifact) for each in (first, second)]
    frame = pl.DataFrame({"colour": ["red", "blue"]})
    for _ in range(2):
        one, two = (scorer.score(frame).scores for scorer in scorers)
        assert (2 * one).tolist() == two.tolist()


CONSTANT = """
import numpy as np
def fit(features, target, params):
    return None
def predict(model, features):
    return RESULT
def save(model, folder):
    (folder / "m").write_text("m")
def load(folder):
    return None
"""


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("np.full(len(features), 0.25)", 0.25),
        ("np.tile([0.75, 0.25], (len(features), 1))", 0.25),
        ("['yes'] * len(features)", 1.0),
    ],
)
def test_classes_by_own_code(tasks: Tasks, tmp_path: Path, result: str, expected: float) -> None:
    model = train(tasks, tmp_path, CONSTANT.replace("RESULT", result), target="answer")
    assert model.attribute("classes") == ["no", "yes"]
    reference = json.loads((model.artifact / "reference.json").read_text())
    assert set(reference["scores"]) == {expected}


@pytest.mark.parametrize(
    ("target", "result", "expected"),
    [
        ("amount", "np.zeros(3)", "shape (3,)"),
        ("amount", "np.full(len(features), np.nan)", "NaN"),
        ("amount", "['x'] * len(features)", "no array of numbers"),
        ("answer", "np.full(len(features), 1.5)", "between 0 and 1"),
        ("answer", "['maybe'] * len(features)", "none of the classes"),
        ("answer", "np.tile([0.5, 0.1], (len(features), 1))", "sum to 1"),
        ("answer", "np.zeros((len(features), 3))", "expected (10, 2)"),
    ],
)
def test_wrong_results(
    tasks: Tasks, tmp_path: Path, target: str, result: str, expected: str
) -> None:
    text = CONSTANT.replace("RESULT", result)
    summary, detail, argument = train(tasks, tmp_path, text, target=target).problem()
    assert (summary, argument) == ("Wrong result of the training code", "algorithm.module")
    assert expected in detail


@pytest.mark.parametrize(
    ("text", "summary", "expected"),
    [
        (TRAIN.replace("def predict", "def predikt"), "Missing function", 'Did you mean "predikt"'),
        (
            TRAIN.replace("    print(", "    1 / 0\n    print("),
            "The training code failed",
            'File "train.py", line 7, in fit',
        ),
        (TRAIN + "\nimport nonsense_module\n", "The training code failed", "nonsense_module"),
        (TRAIN + "\ndef broken(:\n", "The training code failed", "SyntaxError"),
        (TRAIN + "\nimport sys; sys.exit(3)\n", "The training code failed", "SystemExit"),
        (
            TRAIN.replace('(folder / "model.pickle").write_bytes', "len"),
            "Nothing saved",
            "wrote no file",
        ),
    ],
)
def test_failing_code(tasks: Tasks, tmp_path: Path, text: str, summary: str, expected: str) -> None:
    found, detail, _ = train(tasks, tmp_path, text).problem()
    assert found == summary
    assert expected in detail
    assert "mlform/" not in detail
    assert str(tmp_path) not in detail


def test_unknown_module(tasks: Tasks, tmp_path: Path) -> None:
    algorithm = python()
    assert isinstance(algorithm, dict)
    model = train(tasks, tmp_path, TRAIN, algorithm={**algorithm, "module": "trian"})
    summary, detail, argument = model.problem()
    assert (summary, argument) == ("Unknown module", "algorithm.module")
    assert 'Did you mean "train"?' in detail
