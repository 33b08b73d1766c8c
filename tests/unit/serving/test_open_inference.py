from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Client, ClientMaker, ScorerMaker

INFER = "/v2/models/survival/infer"


def tensor(name: str, datatype: str, data: list[object], **more: object) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data, **more}


AGE = tensor("age", "FP64", [30.0, None])
SEX = tensor("sex", "BYTES", ["male", "female"])


def test_metadata(client: Client) -> None:
    assert client.get("/v2").document["name"] == "mlform"
    metadata = client.get("/v2/models/survival").document
    assert metadata["versions"] == ["4ab1c0de7788"]
    assert metadata["inputs"][0] == {
        "name": "age",
        "datatype": "FP64",
        "shape": [-1],
        "parameters": {"type": "float64", "nullable": True},
    }
    assert metadata["outputs"] == [
        {"name": "prediction", "datatype": "BYTES", "shape": [-1]},
        {"name": "probability", "datatype": "FP64", "shape": [-1]},
    ]
    assert client.get("/v2/models/survival/versions/4ab1c0de7788").document == metadata
    assert client.get("/v2/models/survival/ready").status == 200


def test_infer_answers_columns(client: Client) -> None:
    response = client.post(INFER, {"id": "7", "inputs": [SEX, AGE]})
    assert response.status == 200
    assert response.document == {
        "model_name": "survival",
        "model_version": "4ab1c0de7788",
        "id": "7",
        "outputs": [
            {"name": "prediction", "shape": [2], "datatype": "BYTES", "data": ["yes", "yes"]},
            {"name": "probability", "shape": [2], "datatype": "FP64", "data": [0.5, 0.5]},
        ],
    }


def test_column_shape_whole_numbers_and_output_filter(client: Client) -> None:
    age = {"name": "age", "datatype": "INT64", "shape": [2, 1], "data": [[30], [30]]}
    body = {"inputs": [age, SEX], "outputs": [{"name": "probability"}]}
    response = client.post("/v2/models/survival/versions/4ab1c0de7788/infer", body).document
    assert [output["name"] for output in response["outputs"]] == ["probability"]
    assert "id" not in response


def test_three_classes_have_a_column_each(
    make_client: ClientMaker, make_scorer: ScorerMaker
) -> None:
    client = make_client(make_scorer(classes=("a", "b", "c")))
    outputs = client.post(INFER, {"inputs": [AGE, SEX]}).document["outputs"]
    assert [output["name"] for output in outputs] == [
        "prediction",
        "probability_a",
        "probability_b",
        "probability_c",
    ]
    assert outputs[3]["data"] == [0.5, 0.5]


def test_no_rows(client: Client) -> None:
    body = {"inputs": [tensor("age", "FP64", []), tensor("sex", "BYTES", [])]}
    assert client.post(INFER, body).document["outputs"][0]["data"] == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "inputs"),
        ({"inputs": [AGE]}, 'missing: "sex"'),
        ({"inputs": [AGE, SEX, SEX]}, "given twice"),
        ({"inputs": [AGE, tensor("sx", "BYTES", [])]}, 'Did you mean "sex"?'),
        ({"inputs": [tensor("age", "BYTES", ["a"]), SEX]}, "must have datatype FP64"),
        ({"inputs": [{**AGE, "shape": [3]}, SEX]}, "2 values"),
        ({"inputs": [{**AGE, "shape": [1, 2]}, SEX]}, "shape [n] or [n, 1]"),
        ({"inputs": [tensor("age", "FP64", [1.0]), SEX]}, "equally many rows"),
        ({"inputs": [AGE, tensor("sex", "BYTES", ["m", None])]}, "must not be missing"),
        ({"inputs": [AGE, SEX], "outputs": [{"name": "x"}]}, 'no output "x"'),
        ({"inputs": [{**AGE, "parameters": {"binary_data_size": 8}}, SEX]}, "binary"),
    ],
)
def test_errors_are_one_string(client: Client, body: object, expected: str) -> None:
    response = client.post(INFER, body)
    assert response.status == 400
    assert list(response.document) == ["error"]
    assert expected in response.document["error"]


def test_unknown_model_is_an_error_of_the_protocol(client: Client) -> None:
    response = client.get("/v2/models/other")
    assert response.status == 404
    assert isinstance(response.document["error"], str)
