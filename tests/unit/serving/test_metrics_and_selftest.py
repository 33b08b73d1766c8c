from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from mlform.serving.metrics import BOUNDS, Metrics
from mlform.serving.model import ModelUnusable, Reference
from mlform.serving.selftest import differences, self_test

if TYPE_CHECKING:
    from tests.unit.serving.conftest import ScorerMaker


def test_labels_are_escaped() -> None:
    text = Metrics({"name": 'a"b\\c\nd'}, []).render()
    assert 'mlform_model_info{name="a\\"b\\\\c\\nd"} 1' in text


def test_histogram_is_cumulative_and_bounds_are_inclusive() -> None:
    metrics = Metrics({}, [])
    for seconds in (0.0001, BOUNDS[0], 0.7, 100.0):
        metrics.request_done("/p", 200, seconds)
    lines = metrics.render().splitlines()
    counts = [int(line.split()[-1]) for line in lines if "_bucket" in line]
    assert counts == sorted(counts)
    assert counts[0] == 2
    assert counts[-1] == 4
    assert 'mlform_request_duration_seconds_count{route="/p"} 4' in lines


def test_every_sample_belongs_to_a_declared_family() -> None:
    metrics = Metrics({"name": "m"}, ["a", "b"])
    metrics.classes_predicted([0, 1, 1])
    families: list[str] = []
    for line in metrics.render().splitlines():
        if line.startswith("# TYPE"):
            families.append(line.split()[2])
        elif not line.startswith("#"):
            assert line.startswith(families[-1])
    assert len(families) == len(set(families))
    assert 'mlform_predictions_total{class="b"} 2' in metrics.render()


def test_regression_counts_values() -> None:
    metrics = Metrics({}, [])
    metrics.values_predicted([1.5, 2.0])
    assert "mlform_prediction_value_sum 3.5\nmlform_prediction_value_count 2" in metrics.render()


def test_self_test_passes_within_the_tolerance_only(make_scorer: ScorerMaker) -> None:
    row: dict[str, object] = {"age": 30.0, "sex": "m"}
    self_test(make_scorer(), Reference(rows=[row], scores=[0.5000004]))
    with pytest.raises(ModelUnusable, match=r"1 of 2 rows differ: row 1 scored 0\.5 and was 0\.51"):
        self_test(make_scorer(), Reference(rows=[row, row], scores=[0.5, 0.51]))


def test_self_test_names_rows_that_cannot_be_scored(make_scorer: ScorerMaker) -> None:
    with pytest.raises(ModelUnusable, match="cannot score its own reference rows"):
        self_test(make_scorer(), Reference(rows=[{"age": 1.0}], scores=[0.5]))


def test_self_test_of_three_classes(make_scorer: ScorerMaker) -> None:
    row: dict[str, object] = {"age": 30.0, "sex": "m"}
    scorer = make_scorer(classes=(1, 2, 3))
    self_test(scorer, Reference(rows=[row], scores=[[0.25, 0.25, 0.5]]))
    with pytest.raises(ModelUnusable):
        self_test(scorer, Reference(rows=[row], scores=[[0.25, 0.5, 0.25]]))


def test_differences_know_missing_and_infinite_numbers() -> None:
    assert differences([[math.nan]], [[math.nan]]) == []
    assert differences([[math.inf]], [[math.inf]]) == []
    assert len(differences([[math.nan]], [[1.0]])) == 1
    assert len(differences([[math.inf]], [[1e300]])) == 1
    assert differences([[1.0]], []) == ["0 scores came for 1 rows"]
