"""Asking an applied model."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mlform.addresses import ResourceAddress
from mlform.apply.making import Job, perform
from mlform.apply.stop import Stop
from mlform.digests import Digest, JsonObject, short
from mlform.errors import MlformError, UsageError
from mlform.operations.access import open_backend
from mlform.operations.environment import Environment
from mlform.operations.loading import load
from mlform.operations.pins import resolve_pins
from mlform.operations.ports import make_ports
from mlform.operations.show import find_record
from mlform.operations.world import World
from mlform.runtimes.base import Owner
from mlform.state.snapshot import ResourceRecord
from mlform.tasks import ArtifactInput, Requirements, Task, TaskEvent

_TIMEOUT_SECONDS = 30.0


def predict(
    environment: Environment, address: ResourceAddress, rows: Sequence[JsonObject]
) -> JsonObject:
    """Return what a model answers to rows.

    An endpoint is asked over HTTP; a model scores in a task of its own, whether or not it is
    served.

    Args:
        environment: The outside world.
        address: An endpoint or a model.
        rows: Columns by name, as the model's signature says.

    Raises:
        UsageError: If the address is neither.
        MlformError: If the endpoint does not answer, or the rows do not fit.
    """
    record = find_record(environment, address)
    if address.kind == "endpoint":
        return _ask(str(record.attributes["url"]), address, rows)
    if address.kind == "model" and record.artifact is not None:
        return _score(environment, record, record.artifact, rows)
    detail = f"{address} predicts nothing: name an endpoint or a model."
    raise UsageError("Not a model", detail)


def _score(
    environment: Environment, record: ResourceRecord, model: Digest, rows: Sequence[JsonObject]
) -> JsonObject:
    """Score rows in a task where the model was trained."""
    loaded = load(environment, partial=True)
    backend = open_backend(environment, loaded)
    state = backend.read()
    pins = resolve_pins(environment, loaded.runtimes.values(), readonly=True)
    world = World(environment, loaded.runtimes, pins.images, state)
    task = Task(
        kind="prediction",
        arguments={"rows": list(rows)},
        inputs={"model": ArtifactInput(digest=model)},
        requirements=Requirements(cpus=environment.machine().cpus),
    )
    owner = Owner(
        project="" if state is None else state.lineage,
        address=str(record.address),
        step=environment.new_id(),
    )
    try:
        ports = make_ports(environment, world, backend, Stop())
        runtime = str(record.handle["runtime"])
        job = Job(task=task, runtime=runtime, owner=owner)
        result, _ = perform(job, ports, _unheard, _untaken)
    finally:
        world.close()
    name = {"name": record.address.name, "version": short(model)}
    return {"predictions": result.attributes["predictions"], "model": name}


def _unheard(_: TaskEvent) -> None:
    """Say nothing: a prediction takes no time worth telling of."""


def _untaken(_: Path) -> None:
    """Leave the artifact: a prediction has none."""


def _ask(url: str, address: ResourceAddress, rows: Sequence[JsonObject]) -> JsonObject:
    """Ask an endpoint."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_SECONDS
    )
    try:
        body = json.dumps({"rows": list(rows)}).encode()
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        document = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        detail = (
            f"{url} did not answer as an endpoint does ({error}). See whether it still runs with "
            f'"mlform plan", and what it printed with "mlform logs {address}".'
        )
        raise MlformError("The endpoint does not answer", detail) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        problem = document.get("error", {}) if isinstance(document, Mapping) else {}
        raise MlformError(
            str(problem.get("summary", "The endpoint refused the rows")),
            str(problem.get("detail", document)),
        )
    if not isinstance(document, Mapping):
        raise MlformError("The endpoint does not answer", f"{url} gave no JSON object.")
    return document
