"""What kinds make of their arguments: recipes, tasks, gates."""

from __future__ import annotations

import pytest

from mlform.digests import Digest, Json
from mlform.resources.base import Made, SourceAnswer
from mlform.resources.dataset import KIND as DATASET
from mlform.resources.endpoint import KIND as ENDPOINT
from mlform.resources.evaluation import KIND as EVALUATION
from mlform.resources.evaluation import judge
from mlform.resources.model import KIND as MODEL
from mlform.resources.split import KIND as SPLIT
from mlform.resources.split import partition_names
from mlform.tasks import ArtifactInput, FolderInput, Requirements
from mlform.wiring import KINDS, KindTable

DIGEST = Digest("sha256:" + "1" * 64)


@pytest.mark.parametrize("name", KINDS)
def test_kind_is_what_its_table_says(name: str) -> None:
    kind = KindTable()[name]
    assert kind.schema.kind == name
    assert kind.sort in {"value", "artifact", "server"}
    body = kind.schema.body
    names = [*(item.name for item in body.attributes), *(item.name for item in body.blocks)]
    assert len(names) == len(set(names)), "an attribute and a block of one name"
    assert all(item.description for item in kind.schema.body.attributes)
    assert all(source in names for source in kind.schema.exposed.values())


@pytest.mark.parametrize(
    ("kind", "arguments", "left_out"),
    [
        (DATASET, {"source": {"type": "file", "path": "a.csv"}, "requirements": None}, "a.csv"),
        (SPLIT, {"dataset": "dataset.d", "seed": 1, "requirements": {}}, "dataset.d"),
        (
            MODEL,
            {"split": "split.s", "algorithm": {"type": "python", "code": "folder"}},
            "folder",
        ),
        (
            EVALUATION,
            {"model": "model.m", "metrics": [], "gate": [{"metric": "m", "min": 0.123}]},
            "0.123",
        ),
        (ENDPOINT, {"model": "model.m", "requires": ["evaluation.e"], "port": 1}, "evaluation.e"),
    ],
    ids=lambda item: getattr(getattr(item, "schema", None), "kind", ""),
)
def test_places_and_names_are_no_part_of_the_recipe(
    kind: object, arguments: dict[str, Json], left_out: str
) -> None:
    decisive = kind.recipe_arguments(arguments)  # type: ignore[attr-defined] # one of the table
    assert left_out not in str(decisive)
    assert not {"requirements", "model", "dataset"} & set(decisive) - {"source"} or kind is ENDPOINT


@pytest.mark.parametrize(
    ("gate", "passed", "message"),
    [
        ({"metric": "auc", "min": 0.8}, True, ""),
        ({"metric": "auc", "min": 0.9}, True, ""),
        ({"metric": "auc", "min": 0.95}, False, "auc is 0.9, the gate asks for at least 0.95"),
        ({"metric": "auc", "max": 0.5}, False, "auc is 0.9, the gate asks for at most 0.5"),
        ({"metric": "auc", "better_than": 0.8}, True, ""),
        ({"metric": "auc", "better_than": 0.9}, False, "auc is 0.9, which is not better than 0.9"),
        ({"metric": "rmse", "better_than": 3.0}, True, ""),
        ({"metric": "rmse", "better_than": 1.0}, False, "rmse is 2, which is not better than 1"),
        ({"metric": "f1", "min": 0.1}, False, "f1 was not measured"),
        (
            {"metric": "auc", "min": 0.95, "better_than": 0.92},
            False,
            (
                "auc is 0.9, the gate asks for at least 0.95; "
                "auc is 0.9, which is not better than 0.92"
            ),
        ),
    ],
)
def test_gates(gate: dict[str, Json], passed: bool, message: str) -> None:  # noqa: FBT001 - a table
    outcome = judge(gate, {"auc": 0.9, "rmse": 2.0})
    assert (outcome["passed"], outcome["message"]) == (passed, message)


def test_evaluation_says_which_gates_fail() -> None:
    arguments: dict[str, Json] = {
        "gate": [{"metric": "auc", "min": 0.1}, {"metric": "auc", "min": 1}]
    }
    attributes = EVALUATION.attributes(
        Made(arguments=arguments, inputs={}, sources={}, result={"metrics": {"auc": 0.5}})
    )
    assert attributes["passed"] is False
    (problem,) = EVALUATION.failures(attributes)
    assert problem.path == ("gate", 1)


def test_endpoint_is_blocked_by_a_failed_evaluation_only() -> None:
    failed: dict[str, Json] = {
        "address": "evaluation.e",
        "passed": False,
        "gates": [{"passed": False, "message": "auc is low"}],
    }
    assert ENDPOINT.blockers({"requires": ({"passed": True}, {"passed": None})}) == ()
    (problem,) = ENDPOINT.blockers({"requires": (failed,)})
    assert "evaluation.e did not pass: auc is low" in problem.detail


def test_task_of_a_data_set_names_its_files() -> None:
    arguments: dict[str, Json] = {"source": {"type": "file", "path": "data/*.csv"}, "limit": 3}
    (query,) = DATASET.sources(arguments)
    assert (query.form, query.path, query.argument) == ("files", "data/*.csv", ("source", "path"))
    answer = SourceAnswer(folder="/somewhere/data", files=("a.csv", "b.csv"), digest=DIGEST)
    task = DATASET.task(arguments, {}, {"source": answer}, Requirements(cpus=2))
    assert task.arguments["files"] == ["a.csv", "b.csv"]
    assert task.arguments["limit"] == 3
    assert task.inputs == {"source": FolderInput(path="/somewhere/data")}
    assert task.requirements.cpus == 2


def test_task_of_a_model_takes_split_and_code() -> None:
    arguments: dict[str, Json] = {"algorithm": {"type": "python", "code": "c", "module": "m"}}
    code = SourceAnswer(folder="/c", digest=DIGEST)
    task = MODEL.task(arguments, {"split": DIGEST}, {"code": code}, Requirements())
    assert task.inputs == {"split": ArtifactInput(digest=DIGEST), "code": FolderInput(path="/c")}


def test_inputs_are_unknown_until_they_were_made() -> None:
    assert MODEL.inputs({"split": ({"digest": None},)}) == {"split": None}
    assert MODEL.inputs({"split": ({"digest": DIGEST},)}) == {"split": DIGEST}
    assert EVALUATION.inputs({"model": ({"digest": DIGEST, "split_digest": None},)}) == {
        "model": DIGEST,
        "split": None,
    }


def test_partition_names_of_each_strategy() -> None:
    assert partition_names({"ratio": {"partitions": {"a": 0.5, "b": 0.5}}}) == ("a", "b")
    assert partition_names({"by_column": {"partition": [{"name": "x"}, {"name": "y"}]}}) == (
        "x",
        "y",
    )
    assert partition_names({}) == ()
