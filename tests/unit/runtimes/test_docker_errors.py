"""Which answers of an engine are worth another try."""

from __future__ import annotations

import pytest
import requests
from docker.errors import APIError

from mlform.errors import EngineFailed, EngineUnavailable, RuntimeFailure
from mlform.runtimes.docker.engine import engine_errors


def answer(status: int, text: str) -> APIError:
    response = requests.Response()
    response.status_code = status
    return APIError("error", response, text)


@pytest.mark.parametrize(
    ("status", "text", "transient"),
    [
        (500, "driver failed programming external connectivity", True),
        (503, "the engine is shutting down", True),
        (409, "container is restarting", True),
        (400, "invalid mount config", False),
        (404, "no such image", False),
        (500, 'could not select device driver "" with capabilities: [[gpu]]', False),
    ],
)
def test_what_an_engine_says(status: int, text: str, transient: bool) -> None:  # noqa: FBT001 - a parameter of the test
    with (
        pytest.raises(RuntimeFailure) as failure,
        engine_errors("unix:///none", "start the container"),
    ):
        raise answer(status, text)
    assert failure.value.transient is transient
    assert isinstance(failure.value, EngineFailed) is transient
    assert text in failure.value.detail


def test_an_engine_without_gpus_says_what_is_missing() -> None:
    with (
        pytest.raises(RuntimeFailure, match="NVIDIA Container Toolkit"),
        engine_errors("unix:///none", "start the container"),
    ):
        raise answer(500, "could not select device driver")


def test_an_engine_that_is_away_may_come_back() -> None:
    with (
        pytest.raises(EngineUnavailable) as failure,
        engine_errors("unix:///none", "start the container"),
    ):
        raise requests.exceptions.ConnectionError("gone")
    assert failure.value.transient
