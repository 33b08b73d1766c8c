"""The ASGI application: reads requests, finds their route, answers, counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter
from typing import Final, TypeAlias, TypeVar, cast

from mlform.digests import JsonObject
from mlform.features.predictions import PredictionWriter
from mlform.features.problems import TaskFailure
from mlform.features.scoring import Predictions, class_label
from mlform.serving.answers import Answer, Refusal, decode_json, json_answer
from mlform.serving.batching import Scoring
from mlform.serving.configuration import ServingOptions
from mlform.serving.metrics import CONTENT_TYPE, Metrics
from mlform.serving.model import ServedModel
from mlform.serving.open_inference import OpenInference
from mlform.serving.rows import rows_of

Scope: TypeAlias = MutableMapping[str, object]
Message: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = Mapping[bytes, bytes]
_Handler: TypeAlias = Callable[[bytes], Awaitable[Answer]]

Given = TypeVar("Given")
Made = TypeVar("Made")

_LOG: Final = logging.getLogger("mlform.serving")
_UNKNOWN_ROUTE: Final = "unknown"
_THREAD_BYTES: Final = 1 << 18
"""From this size on, bodies are read and written in a thread."""


class Application:
    """The ASGI application of one server.

    Attributes:
        draining: Whether the server is about to stop: answers close their connections.
    """

    def __init__(self, model: ServedModel, instance: str, options: ServingOptions) -> None:
        """Prebuild everything that no request changes."""
        manifest = model.scorer.manifest
        self.draining = False
        self._model = model
        self._options = options
        self._columns = tuple(column.name for column in model.scorer.inputs)
        self._classes = [class_label(label) for label in manifest.classes]
        self._metrics = Metrics(
            {
                "name": model.name,
                "version": model.version,
                "task": manifest.task,
                "algorithm": manifest.algorithm,
                "instance": instance,
            },
            self._classes,
        )
        self._scoring = Scoring(
            model.scorer,
            self._metrics,
            inline_rows=options.inline_rows,
            coalesce=options.coalesce,
        )
        self._writer = PredictionWriter(manifest.classes)
        self._protocol = OpenInference(model)
        self._identity = {"name": model.name, "version": model.version}
        self._instance = (b"mlform-instance", instance.encode())
        self._routes = self._build_routes()
        self._description = self._describe(instance)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = perf_counter()
        path = str(scope["path"])
        label = path if path in self._routes else _UNKNOWN_ROUTE
        self._metrics.in_flight += 1
        try:
            answer = await self._answer(scope, receive, path)
            await self._send(send, answer)
            self._metrics.request_done(label, answer.status, perf_counter() - started)
        finally:
            self._metrics.in_flight -= 1

    def close(self) -> None:
        """Let the scoring thread go."""
        self._scoring.close()

    async def _answer(self, scope: Scope, receive: Receive, path: str) -> Answer:
        try:
            return await self._dispatch(scope, receive, path)
        except Refusal as refusal:
            failure = refusal
        except TaskFailure as problem:
            failure = _refusal_of(problem)
        except Exception:  # noqa: BLE001 - a bug is logged and answered 500
            _LOG.exception("%s failed", path)
            failure = Refusal(500, "The server failed", "The log of the server says more.")
        return failure.open_inference() if path.startswith("/v2") else failure.plain()

    async def _dispatch(self, scope: Scope, receive: Receive, path: str) -> Answer:
        route = self._routes.get(path)
        if route is None:
            known = ", ".join(self._routes)
            raise Refusal(404, "There is no such route", f"{path} is not one of {known}.")
        method = str(scope["method"])
        handler = route.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = ", ".join(route)
            detail = f"{path} answers {allowed}, not {method}."
            raise Refusal(405, "Wrong method", detail, ((b"allow", allowed.encode()),))
        if method != "POST":
            return await handler(b"")
        if self._metrics.in_flight > self._options.max_requests:
            detail = f"{self._options.max_requests} requests are being answered; try again."
            raise Refusal(503, "Too many requests at once", detail, ((b"retry-after", b"1"),))
        headers = dict(cast("list[tuple[bytes, bytes]]", scope["headers"]))
        return await handler(await self._body(headers, receive))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind not in {b"", b"application/json"} and not kind.endswith(b"+json"):
            detail = (
                f"Send the header Content-Type: application/json, not {kind.decode('latin-1')}."
            )
            raise Refusal(415, "The body has a media type not understood", detail)
        limit = self._options.max_body_bytes
        if int(headers.get(b"content-length", b"0")) > limit:
            raise _too_large(limit)
        message = await receive()
        body = cast("bytes", message.get("body", b""))
        if not message.get("more_body"):
            if len(body) > limit:
                raise _too_large(limit)
            return body
        parts = bytearray(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "The request is not whole", "The client went away.")
            parts += cast("bytes", message.get("body", b""))
            if len(parts) > limit:
                raise _too_large(limit)
        return bytes(parts)

    async def _send(self, send: Send, answer: Answer) -> None:
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            self._instance,
            *answer.headers,
        ]
        if self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _build_routes(self) -> dict[str, dict[str, _Handler]]:
        routes: dict[str, dict[str, _Handler]] = {
            "/": {"GET": self._show_description},
            "/predict": {"POST": self._predict},
            "/metrics": {"GET": self._show_metrics},
            "/v2": {"GET": self._show_server},
            "/v2/health/live": {"GET": self._show_live},
            "/v2/health/ready": {"GET": self._show_ready},
        }
        base = f"/v2/models/{self._model.name}"
        for prefix in (base, f"{base}/versions/{self._model.version}"):
            routes[prefix] = {"GET": self._show_model}
            routes[f"{prefix}/ready"] = {"GET": self._show_ready}
            routes[f"{prefix}/infer"] = {"POST": self._infer}
        return routes

    def _describe(self, instance: str) -> JsonObject:
        manifest = self._model.scorer.manifest
        return {
            "model": self._identity,
            "instance": instance,
            "task": manifest.task,
            "target": manifest.target,
            "classes": list(manifest.classes),
            "inputs": [column.to_json() for column in self._model.scorer.inputs],
            "outputs": list(manifest.outputs()),
            "routes": [
                f"{method} {path}" for path, methods in self._routes.items() for method in methods
            ],
        }

    async def _predict(self, body: bytes) -> Answer:
        document = await _in_thread_if_large(len(body), decode_json, body)
        rows = rows_of(document, self._columns)
        predictions = await self._score(rows)
        written = [] if predictions is None else self._writer.write(predictions)
        answer = {"predictions": written, "model": self._identity}
        return await _in_thread_if_large(len(body), json_answer, answer)

    async def _infer(self, body: bytes) -> Answer:
        inference = await _in_thread_if_large(len(body), self._protocol.read, body)
        predictions = await self._score(inference.rows)
        return json_answer(self._protocol.write(inference, predictions))

    async def _score(self, rows: list[object]) -> Predictions | None:
        if len(rows) > self._options.max_rows:
            detail = (
                f"{len(rows)} rows were sent, at most {self._options.max_rows} are taken at once."
            )
            raise Refusal(413, "Too many rows", detail)
        if not rows:
            return None
        predictions = await self._scoring.score(rows)
        if self._classes:
            self._metrics.classes_predicted(predictions.indices().tolist())
        else:
            self._metrics.values_predicted(predictions.scores.tolist())
        return predictions

    async def _show_description(self, _: bytes) -> Answer:
        example = {"path": "/predict", "body": {"rows": self._model.reference.rows[:1]}}
        return json_answer({**self._description, "example": example})

    async def _show_metrics(self, _: bytes) -> Answer:
        return Answer(body=self._metrics.render().encode(), content_type=CONTENT_TYPE.encode())

    async def _show_server(self, _: bytes) -> Answer:
        return json_answer(self._protocol.server_metadata())

    async def _show_model(self, _: bytes) -> Answer:
        return json_answer(self._protocol.model_metadata())

    async def _show_live(self, _: bytes) -> Answer:
        return json_answer({"live": True})

    async def _show_ready(self, _: bytes) -> Answer:
        if self.draining:
            raise Refusal(503, "Not ready", "The server is about to stop.")
        return json_answer({"name": self._model.name, "ready": True})


async def _in_thread_if_large(size: int, function: Callable[[Given], Made], given: Given) -> Made:
    if size < _THREAD_BYTES:
        return function(given)
    return await asyncio.to_thread(function, given)


def _refusal_of(failure: TaskFailure) -> Refusal:
    problem = failure.problem
    if problem.argument.startswith("rows["):
        return Refusal(400, problem.summary, problem.detail)
    _LOG.error("scoring failed: %s", failure)
    return Refusal(500, problem.summary, problem.detail)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "The body is too large", f"At most {limit} bytes are taken.")
