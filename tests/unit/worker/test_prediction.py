"""A one-off prediction is what an endpoint would answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.worker.conftest import Outcome, Tasks

ROWS = "a,b,answer\n" + "".join(
    f"{n % 7},{n % 3},{'yes' if n % 7 > 3 else 'no'}\n" for n in range(80)
)


@pytest.fixture
def model(tasks: Tasks) -> Outcome:
    return tasks.model(tasks.split(tasks.dataset({"a.csv": ROWS})), target="answer")


def test_rows_get_a_class_and_probabilities(tasks: Tasks, model: Outcome) -> None:
    rows = [{"a": 6, "b": 0}, {"a": 0, "b": 2}]
    made = tasks.run("prediction", {"rows": rows}, {"model": model.artifact})
    predictions = made.attribute("predictions")
    assert isinstance(predictions, list)
    assert [item["prediction"] for item in predictions] == ["yes", "no"]
    assert all(sum(item["probabilities"].values()) == pytest.approx(1) for item in predictions)
    assert list(made.artifact.iterdir()) == []


def test_a_row_that_does_not_fit(tasks: Tasks, model: Outcome) -> None:
    made = tasks.run("prediction", {"rows": [{"a": 6, "bb": 0}]}, {"model": model.artifact})
    summary, detail, _ = made.problem()
    assert summary == "Wrong columns"
    assert 'lacks the column "b"' in detail
