from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from mlform.serving.configuration import ServingOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlform.features.scoring import Predictions
    from tests.unit.serving.conftest import Client, ClientMaker, Response, ScorerMaker

ROW = {"age": 30.0, "sex": "male"}


def problem(response: Response) -> tuple[str, str]:
    error = response.document["error"]
    return error["summary"], error["detail"]


def test_predict_answers_class_and_probabilities(client: Client) -> None:
    response = client.post("/predict", {"rows": [ROW, {"age": None, "sex": "x"}]})
    assert response.status == 200
    assert response.headers[b"mlform-instance"] == b"instance-1"
    assert response.document == {
        "predictions": [
            {"prediction": "yes", "probabilities": {"no": 0.5, "yes": 0.5}},
            {"prediction": "yes", "probabilities": {"no": 0.5, "yes": 0.5}},
        ],
        "model": {"name": "survival", "version": "4ab1c0de7788"},
    }


@pytest.mark.parametrize("body", [[ROW], ROW, {"rows": [ROW]}])
def test_all_three_shapes_of_a_body_mean_the_same(client: Client, body: object) -> None:
    assert len(client.post("/predict", body).document["predictions"]) == 1


def test_body_in_pieces(client: Client) -> None:
    assert client.post("/predict", [ROW], pieces=5).status == 200


def test_no_rows_make_no_predictions(client: Client) -> None:
    assert client.post("/predict", {"rows": []}).document["predictions"] == []
    assert client.scorer.calls == []


def test_multiclass_and_regression(make_client: ClientMaker, make_scorer: ScorerMaker) -> None:
    three = make_client(make_scorer(classes=(1, 2, 3))).post("/predict", ROW).document
    assert three["predictions"][0] == {
        "prediction": 3,
        "probabilities": {"1": 0.25, "2": 0.25, "3": 0.5},
    }
    number = make_client(make_scorer(classes=())).post("/predict", ROW).document
    assert number["predictions"] == [{"prediction": 0.5}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", "not JSON"),
        (5, "holds no rows"),
        ({"rows": 5}, '"rows" must be a list'),
        ({"row": [ROW]}, 'Did you mean "rows"?'),
        ({"rows": [ROW], "extra": 1}, '"extra"'),
        ([ROW, 7], "Row 1 is the number 7"),
        ([{"age": 1}], '"sex"'),
        ([{"age": 1, "sexx": "m"}], 'did you mean "sex"?'),
        (
            [{"age": "old", "sex": "m"}],
            'Row 0, column "age" must be a number, not the string "old"',
        ),
        ([{"age": 1, "sex": None}], 'column "sex" must not be missing'),
    ],
)
def test_malformed_bodies_say_where(client: Client, body: object, expected: str) -> None:
    response = client.post("/predict", body)
    assert response.status == 400
    assert expected in ": ".join(problem(response))


def test_refused_requests(client: Client, make_client: ClientMaker) -> None:
    assert client.post("/predict", ROW, {b"content-type": b"text/csv"}).status == 415
    wrong = client.get("/predict")
    assert (wrong.status, wrong.headers[b"allow"]) == (405, b"POST")
    lost = client.get("/predit")
    assert lost.status == 404
    assert "/predict" in problem(lost)[1]
    small = make_client(options=ServingOptions(max_rows=1, max_body_bytes=60))
    assert small.post("/predict", [ROW, ROW], {b"content-length": b"99"}).status == 413
    assert small.post("/predict", [ROW, ROW], pieces=3).status == 413
    assert small.post("/predict", b"[1,2]").status == 413
    assert make_client(options=ServingOptions(max_requests=0)).post("/predict", ROW).status == 503


def test_requests_that_arrive_together_are_scored_in_one_call(make_client: ClientMaker) -> None:
    client = make_client()

    async def many() -> list[float]:
        asks = [client.ask("POST", "/predict", {"age": age, "sex": "m"}) for age in (20, 30, 40)]
        responses = await asyncio.gather(*asks)
        return [r.document["predictions"][0]["probabilities"]["yes"] for r in responses]

    found = asyncio.run(many())
    assert client.scorer.calls == [3]
    assert found == pytest.approx([1 / (1 + math.exp(x)) for x in (-1, 0, 1)])


def test_one_bad_request_of_a_batch_fails_alone(client: Client) -> None:
    async def many() -> list[int]:
        bodies = [ROW, {"age": "old", "sex": "m"}, ROW]
        asks = [client.ask("POST", "/predict", body) for body in bodies]
        return [response.status for response in await asyncio.gather(*asks)]

    assert asyncio.run(many()) == [200, 400, 200]


def test_own_code_is_called_for_each_request(
    make_client: ClientMaker, make_scorer: ScorerMaker
) -> None:
    client = make_client(make_scorer(algorithm="python"))

    async def many() -> list[int]:
        asks = [client.ask("POST", "/predict", [ROW, ROW]) for _ in range(3)]
        return [response.status for response in await asyncio.gather(*asks)]

    assert asyncio.run(many()) == [200, 200, 200]
    assert client.scorer.calls == [2, 2, 2]


def test_many_rows_go_to_a_thread_and_health_answers_meanwhile(make_client: ClientMaker) -> None:
    client = make_client(options=ServingOptions(inline_rows=10))
    order: list[str] = []

    async def noted(name: str, method: str, path: str, body: object) -> None:
        assert (await client.ask(method, path, body)).status == 200
        order.append(name)

    async def both() -> None:
        await asyncio.gather(
            noted("large", "POST", "/predict", [ROW] * 20_000),
            noted("health", "GET", "/v2/health/live", b""),
        )

    asyncio.run(both())
    assert order == ["health", "large"]


def test_a_bug_is_answered_500_and_logged(
    make_client: ClientMaker, make_scorer: ScorerMaker, caplog: pytest.LogCaptureFixture
) -> None:
    scorer = make_scorer()

    def broken(_: Sequence[object]) -> Predictions:
        raise ZeroDivisionError

    scorer.before = broken
    client = make_client(scorer)
    assert client.post("/predict", ROW).status == 500
    assert "ZeroDivisionError" in caplog.text


def test_draining_closes_connections_and_is_not_ready(client: Client) -> None:
    assert client.get("/v2/health/ready").status == 200
    client.application.draining = True
    response = client.post("/predict", ROW)
    assert (response.status, response.headers[b"connection"]) == (200, b"close")
    assert client.get("/v2/health/ready").status == 503
    assert client.get("/v2/health/live").status == 200


def test_description_has_a_request_that_works(client: Client) -> None:
    description = client.get("/").document
    assert [column["name"] for column in description["inputs"]] == ["age", "sex"]
    assert "POST /predict" in description["routes"]
    example = description["example"]
    assert client.post(example["path"], example["body"]).status == 200


def test_metrics_count_what_happened(client: Client) -> None:
    client.post("/predict", [ROW, {"age": 90.0, "sex": "m"}])
    client.post("/predict", b"x")
    text = client.get("/metrics").body.decode()
    assert 'mlform_requests_total{route="/predict",code="200"} 1\n' in text
    assert 'mlform_requests_total{route="/predict",code="400"} 1\n' in text
    assert 'mlform_request_duration_seconds_bucket{route="/predict",le="+Inf"} 2\n' in text
    assert 'mlform_predictions_total{class="yes"} 1\n' in text
    assert "mlform_rows_total 2\n" in text
