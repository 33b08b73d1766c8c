from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from mlform.digests import Json
    from tests.unit.worker.conftest import Outcome, Tasks


def numbers(count: int) -> str:
    """Rows with a key, a class that is `a` three times of four, and a group of five rows each."""
    lines = [f"{n},{'b' if n % 4 == 0 else 'a'},g{n // 5}\n" for n in range(count)]
    return "n,kind,group\n" + "".join(lines)


def partition(outcome: Outcome, name: str) -> pl.DataFrame:
    assert outcome.status == 0, outcome.result
    return pl.read_parquet(outcome.artifact / "partitions" / f"{name}.parquet")


def ratio(**extra: Json) -> Json:
    partitions: Json = {"train": 0.6, "eval": 0.3, "test": 0.1}
    return {"type": "ratio", "partitions": partitions, **extra}


def test_ratio_is_exact_seeded_and_keeps_the_order(tasks: Tasks) -> None:
    dataset = tasks.dataset({"a.csv": numbers(100)})
    split = tasks.split(dataset, strategy=ratio())
    assert split.attribute("partitions") == {
        "eval": {"rows": 30},
        "test": {"rows": 10},
        "train": {"rows": 60},
    }
    parts = [partition(split, name)["n"] for name in ("train", "eval", "test")]
    assert all(part.is_sorted() for part in parts)
    assert sorted(pl.concat(parts).to_list()) == list(range(100))
    other = tasks.split(dataset, strategy=ratio(), seed=2)
    assert partition(other, "train")["n"].to_list() != parts[0].to_list()
    assert split.attribute("pipeline", "steps") == 0
    assert split.attribute("features") == ["n", "kind", "group"]


def test_stratified_ratio_keeps_proportions(tasks: Tasks) -> None:
    split = tasks.split(tasks.dataset({"a.csv": numbers(200)}), strategy=ratio(stratify="kind"))
    for name, rows in {"train": 120, "eval": 60, "test": 20}.items():
        part = partition(split, name)
        assert (part.height, (part["kind"] == "b").sum()) == (rows, rows // 4)


def test_groups_stay_together(tasks: Tasks) -> None:
    split = tasks.split(tasks.dataset({"a.csv": numbers(200)}), strategy=ratio(group="group"))
    groups = [set(partition(split, name)["group"]) for name in ("train", "eval", "test")]
    assert sum(len(each) for each in groups) == 40
    assert len(set.union(*groups)) == 40
    assert partition(split, "train").height == 120


def test_sorted_puts_training_first_and_test_last(tasks: Tasks) -> None:
    dataset = tasks.dataset({"a.csv": numbers(50)}, order_by=["kind", "n desc"])
    partitions: Json = {"test": 0.1, "valid": 0.3, "train": 0.6}
    strategy: Json = {"type": "sorted", "by": "n", "partitions": partitions, "descending": False}
    split = tasks.split(dataset, strategy=strategy)
    assert set(partition(split, "train")["n"]) == set(range(30))
    assert set(partition(split, "test")["n"]) == set(range(45, 50))
    assert partition(split, "train")["kind"].is_sorted()
    newest = tasks.split(dataset, strategy={**strategy, "descending": True})  # type: ignore[dict-item]  # a dict
    assert set(partition(newest, "train")["n"]) == set(range(20, 50))


def test_by_column_values_and_predicates(tasks: Tasks) -> None:
    dataset = tasks.dataset({"a.csv": numbers(40)})
    by_values: Json = {
        "type": "by_column",
        "column": "kind",
        "partitions": {
            "train": {"values": ["a"], "where": None},
            "eval": {"values": ["b"], "where": None},
        },
    }
    assert set(partition(tasks.split(dataset, strategy=by_values), "eval")["kind"]) == {"b"}
    by_predicate: Json = {
        "type": "by_column",
        "column": None,
        "partitions": {
            "train": {"values": None, "where": "n < 20"},
            "eval": {"values": None, "where": "n BETWEEN 25 AND 29"},
        },
    }
    split = tasks.split(dataset, strategy=by_predicate)
    assert partition(split, "eval")["n"].to_list() == [25, 26, 27, 28, 29]
    assert json.loads((split.artifact / "split.json").read_text())["left_out"] == 15


def test_hash_never_moves_a_row(tasks: Tasks) -> None:
    strategy: Json = {
        "type": "hash",
        "key": ["n"],
        "partitions": {"train": 0.8, "eval": 0.2},
        "salt": "",
    }
    few = tasks.split(tasks.dataset({"a.csv": numbers(300)}), strategy=strategy)
    many = tasks.split(tasks.dataset({"a.csv": numbers(600)}), strategy=strategy)
    assert set(partition(few, "eval")["n"]) < set(partition(many, "eval")["n"])
    assert 90 <= partition(many, "eval").height <= 150
    salted = tasks.split(
        tasks.dataset({"a.csv": numbers(300)}),
        strategy={**strategy, "salt": "x"},  # type: ignore[dict-item]  # a dict
    )
    assert set(partition(salted, "eval")["n"]) != set(partition(few, "eval")["n"])


def test_transforms_are_fitted_on_the_training_partition_only(tasks: Tasks) -> None:
    strategy: Json = {
        "type": "by_column",
        "column": None,
        "partitions": {
            "train": {"values": None, "where": "n < 3"},
            "eval": {"values": None, "where": "n >= 3"},
        },
    }
    split = tasks.split(
        tasks.dataset({"a.csv": "n,kind\n0,a\n1,b\n2,a\n100,c\n"}),
        strategy=strategy,
        transforms=[{"op": "normalize", "columns": ["n"]}, {"op": "one_hot", "columns": ["kind"]}],
    )
    assert split.attribute("features") == ["n", "kind_a", "kind_b"]
    assert partition(split, "train").rows() == [(0.0, 1, 0), (0.5, 0, 1), (1.0, 1, 0)]
    assert partition(split, "eval").rows() == [(50.0, 0, 0)]
    raw = pl.read_parquet(split.artifact / "raw" / "eval.parquet")
    assert raw.rows() == [(100, "c")]


@pytest.mark.parametrize(
    ("strategy", "argument"),
    [
        (ratio(stratify="kin"), "strategy.stratify"),
        (ratio(group="kin"), "strategy.group"),
        (
            {"type": "sorted", "by": "kin", "partitions": {"train": 0.5, "eval": 0.5}},
            "strategy.by",
        ),
        (
            {"type": "hash", "key": ["kin"], "partitions": {"train": 0.5, "eval": 0.5}},
            "strategy.key[0]",
        ),
        (
            {"type": "by_column", "partitions": {"train": {"where": "kin = 'a'"}}},
            "strategy.partitions.train.where",
        ),
        (
            {"type": "by_column", "column": "kin", "partitions": {"train": {"values": ["a"]}}},
            "strategy.column",
        ),
    ],
)
def test_unknown_column(tasks: Tasks, strategy: Json, argument: str) -> None:
    split = tasks.split(tasks.dataset({"a.csv": numbers(20)}), strategy=strategy)
    summary, detail, found = split.problem()
    assert (summary, found) == ("Unknown column", argument)
    assert 'Did you mean "kind"?' in detail


@pytest.mark.parametrize(
    ("strategy", "summary"),
    [
        ({"type": "ratio", "partitions": {"train": 0.5, "eval": 0.4}}, "Fractions do not sum to 1"),
        (ratio(stratify="kind", group="group"), "Stratify and group"),
        (ratio(stratify="n"), "Class too small to stratify"),
        ({"type": "ratio", "partitions": {"train": 0.99, "eval": 0.01}}, "Empty partition"),
        (
            {"type": "by_column", "partitions": {"train": {"where": "n>3"}, "b": {"where": "n>9"}}},
            "Overlapping partitions",
        ),
        (
            {"type": "by_column", "column": "n", "partitions": {"train": {"values": ["x"]}}},
            "Values of the wrong type",
        ),
        ({"type": "by_column", "partitions": {"train": {}}}, "Incomplete partition"),
        ({"type": "ratio", "partitions": {"training": 0.5, "eval": 0.5}}, "Unknown partition"),
    ],
)
def test_strategies_that_cannot_be_carried_out(tasks: Tasks, strategy: Json, summary: str) -> None:
    split = tasks.split(tasks.dataset({"a.csv": numbers(20)}), strategy=strategy)
    assert split.problem()[0] == summary


def test_missing_values_in_the_order(tasks: Tasks) -> None:
    strategy: Json = {"type": "sorted", "by": "n", "partitions": {"train": 0.5, "eval": 0.5}}
    split = tasks.split(tasks.dataset({"a.csv": "n,m\n1,1\n,2\n3,3\n"}), strategy=strategy)
    assert split.problem()[0] == "Missing values in the order"


def test_transform_problems_name_the_transform(tasks: Tasks) -> None:
    dataset = tasks.dataset({"a.csv": numbers(20)})
    unknown = tasks.split(dataset, transforms=[{"op": "drop", "columns": ["n", "kin"]}])
    assert unknown.problem()[2] == "transforms[0].columns[1]"
    wrong = tasks.split(
        dataset,
        transforms=[{"op": "drop", "columns": ["n"]}, {"op": "standardize", "columns": ["kind"]}],
    )
    summary, detail, argument = wrong.problem()
    assert (summary, argument) == ("Transform on the wrong type", "transforms[1].columns[0]")
    assert '"kind" string, "group" string' in detail


def test_real_tables(tasks: Tasks, shared: Path) -> None:
    taxis = tasks.run(
        "dataset", {"source": {"type": "file"}, "files": ["taxis.csv"]}, {"source": shared}
    )
    strategy: Json = {"type": "sorted", "by": "pickup", "partitions": {"train": 0.8, "test": 0.2}}
    split = tasks.split(
        taxis,
        strategy=strategy,
        transforms=[
            {"op": "log", "columns": ["distance"]},
            {"op": "clip", "columns": ["fare"], "lower_quantile": 0.01, "upper_quantile": 0.99},
            {"op": "impute", "columns": ["payment"], "strategy": "most_frequent"},
            {"op": "one_hot", "columns": ["payment", "pickup_zone"], "max_categories": 5},
            {"op": "ordinal", "columns": ["dropoff_borough"]},
        ],
    )
    train, test = partition(split, "train"), partition(split, "test")
    latest, earliest = train["pickup"].max(), test["pickup"].min()
    assert str(latest) <= str(earliest)
    assert sum(name.startswith("pickup_zone_") for name in train.columns) == 6
