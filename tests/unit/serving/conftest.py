"""A scorer in memory, and a client that calls the ASGI application directly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias  # noqa: TID251 - Any: see Document

import numpy as np
import pytest

from mlform.digests import Digest, Json
from mlform.features.columns import Column, Schema
from mlform.features.rows import frame_from_rows
from mlform.features.scoring import Manifest, Predictions
from mlform.serving.app import Application
from mlform.serving.configuration import ServingOptions
from mlform.serving.model import Reference, ServedModel


class LogisticScorer:
    """Probability of survival from age and sex; counts its calls."""

    inputs: Schema = (
        Column(name="age", type="float64", nullable=True),
        Column(name="sex", type="string", nullable=False),
    )

    def __init__(
        self, classes: tuple[Json, ...] = ("no", "yes"), algorithm: str = "xgboost"
    ) -> None:
        self.calls: list[int] = []
        self.before: Callable[[Sequence[object]], object] | None = None
        self.manifest = Manifest(
            algorithm=algorithm,
            module="own" if algorithm == "python" else None,
            task={0: "regression", 2: "binary"}.get(len(classes), "multiclass"),
            target="survived",
            target_type="string" if classes else "float64",
            classes=classes,
            features=("age", "sex"),
        )

    def score_rows(self, rows: Sequence[object]) -> Predictions:
        self.calls.append(len(rows))
        if self.before is not None:
            self.before(rows)
        frame = frame_from_rows(rows, self.inputs)
        age = frame["age"].fill_null(30.0).to_numpy()
        second = 1 / (1 + np.exp((age - 30) / 10))
        scores = second
        if len(self.manifest.classes) == 3:
            scores = np.column_stack([second / 2, second / 2, 1 - second])
        return Predictions(classes=self.manifest.classes, scores=scores)


# The tests index into answers freely; a wrong guess of theirs fails them.
Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def document(self) -> Document:
        document: Document = json.loads(self.body)
        return document


@dataclass(slots=True, kw_only=True)
class Client:
    application: Application
    scorer: LogisticScorer

    async def ask(
        self,
        method: str,
        path: str,
        body: object = b"",
        headers: Mapping[bytes, bytes] | None = None,
        pieces: int = 1,
    ) -> Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        size = max(1, -(-len(content) // pieces))
        parts = [content[i : i + size] for i in range(0, len(content), size)] or [b""]
        messages: list[MutableMapping[str, object]] = [
            {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
            for index, part in enumerate(parts)
        ]
        sent: list[MutableMapping[str, object]] = []

        async def receive() -> MutableMapping[str, object]:
            return messages.pop(0)

        async def send(message: MutableMapping[str, object]) -> None:
            sent.append(message)

        given = {b"content-type": b"application/json", **(headers or {})}
        scope: dict[str, object] = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": list(given.items()),
        }
        await self.application(scope, receive, send)
        status, fields = sent[0]["status"], sent[0]["headers"]
        content_out = sent[1]["body"]
        assert isinstance(status, int)
        assert isinstance(fields, list)
        assert isinstance(content_out, bytes)
        return Response(status=status, headers=dict(fields), body=content_out)

    def get(self, path: str) -> Response:
        return asyncio.run(self.ask("GET", path))

    def post(
        self,
        path: str,
        body: object,
        headers: Mapping[bytes, bytes] | None = None,
        pieces: int = 1,
    ) -> Response:
        return asyncio.run(self.ask("POST", path, body, headers, pieces))


class ClientMaker(Protocol):
    def __call__(
        self, scorer: LogisticScorer | None = None, options: ServingOptions | None = None
    ) -> Client: ...


class ScorerMaker(Protocol):
    def __call__(
        self, classes: tuple[Json, ...] = ("no", "yes"), algorithm: str = "xgboost"
    ) -> LogisticScorer: ...


@pytest.fixture
def make_client() -> ClientMaker:
    def make(scorer: LogisticScorer | None = None, options: ServingOptions | None = None) -> Client:
        scorer = scorer or LogisticScorer()
        model = ServedModel(
            name="survival",
            digest=Digest("sha256:" + "4ab1c0de7788" + "0" * 52),
            scorer=scorer,
            reference=Reference(rows=[{"age": 30.0, "sex": "male"}], scores=[0.5]),
        )
        application = Application(model, "instance-1", options or ServingOptions())
        return Client(application=application, scorer=scorer)

    return make


@pytest.fixture
def client(make_client: ClientMaker) -> Client:
    return make_client()


@pytest.fixture
def make_scorer() -> ScorerMaker:
    return LogisticScorer
