"""Asking an applied model."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from mlform.addresses import ResourceAddress
from mlform.digests import JsonObject
from mlform.errors import MlformError, UsageError
from mlform.operations.environment import Environment
from mlform.operations.show import find_record, read_state

_TIMEOUT_SECONDS = 30.0


def predict(
    environment: Environment, address: ResourceAddress, rows: Sequence[JsonObject]
) -> JsonObject:
    """Return what a served model answers to rows.

    Args:
        environment: The outside world.
        address: An endpoint, or a model that an endpoint serves.
        rows: Columns by name, as the model's signature says.

    Raises:
        UsageError: If the address is neither.
        MlformError: If the endpoint does not answer, or refuses the rows.
    """
    url = _url(environment, address)
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


def _url(environment: Environment, address: ResourceAddress) -> str:
    record = find_record(environment, address)
    if address.kind == "endpoint":
        return str(record.attributes["url"])
    if address.kind == "model":
        state = read_state(environment)
        for item in () if state is None else state.records:
            served = item.attributes.get("model_digest")
            if item.address.kind == "endpoint" and served == record.artifact:
                return str(item.attributes["url"])
        detail = f"No endpoint serves {address}. Add an endpoint for it, or name one that is there."
        raise UsageError("The model is not served", detail)
    detail = f"{address} predicts nothing: name an endpoint or a model that is served."
    raise UsageError("Not a model", detail)
