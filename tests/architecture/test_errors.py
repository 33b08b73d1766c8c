"""Every foreign exception that an adapter can meet becomes one of the tree in mlform.errors."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import NoReturn

import pytest

from mlform import errors
from mlform.backends.local import LocalBackend
from mlform.errors import BackendError, MlformError, RuntimeFailure, StoreError
from mlform.state.journal import UNKNOWN_RUN
from mlform.state.snapshot import State
from mlform.store.local import LocalStore

TREE = [
    item
    for item in vars(errors).values()
    if inspect.isclass(item) and item.__module__ == errors.__name__
]


def test_the_tree_is_drawn_whole() -> None:
    drawn = (errors.__doc__ or "").partition("::")[2]
    for item in TREE:
        assert issubclass(item, MlformError)
        assert f" {item.__name__}\n" in drawn, f"{item.__name__} is not in the drawing"


def _docker_errors() -> list[type[Exception]]:
    import docker.errors

    return [
        item
        for item in vars(docker.errors).values()
        if inspect.isclass(item)
        and issubclass(item, docker.errors.DockerException)
        and item.__module__ == "docker.errors"
    ]


def _example(kind: type[Exception]) -> Exception:
    import docker.errors

    if kind is docker.errors.ContainerError:
        from docker.models.containers import Container

        return docker.errors.ContainerError(Container(), 1, "command", "image", "said")
    if kind is docker.errors.BuildError:
        return docker.errors.BuildError("reason", iter(()))
    if kind is docker.errors.StreamParseError:
        return docker.errors.StreamParseError("reason")
    return kind("reason")


@pytest.mark.parametrize("kind", _docker_errors(), ids=lambda kind: kind.__name__)
def test_docker_exceptions_become_runtime_failures(kind: type[Exception]) -> None:
    from mlform.runtimes.docker.engine import engine_errors

    with pytest.raises(RuntimeFailure), engine_errors("unix:///none", "try"):
        raise _example(kind)


@pytest.mark.parametrize(
    "name", ["ConnectionError", "Timeout", "ReadTimeout", "ChunkedEncodingError"]
)
def test_exceptions_of_the_connection_become_runtime_failures(name: str) -> None:
    import requests.exceptions

    from mlform.runtimes.docker.engine import engine_errors

    with pytest.raises(RuntimeFailure), engine_errors("unix:///none", "try"):
        raise getattr(requests.exceptions, name)("reason")


def _postgres_errors() -> list[type[Exception]]:
    import psycopg

    found: list[type[Exception]] = [psycopg.Error]
    for kind in found:  # it grows
        found.extend(each for each in kind.__subclasses__() if each not in found)
    return found


def test_exceptions_of_postgres_become_backend_errors() -> None:
    from mlform.backends.pg_session import Target, postgres_errors

    target = Target(parameters={"password": "secret"}, schema="s", shown="postgres://db/s")
    kinds = _postgres_errors()
    assert len(kinds) > 200
    for kind in kinds:
        with pytest.raises(BackendError) as caught, postgres_errors(target):
            raise kind("it said secret")
        assert caught.value.detail.startswith("postgres://db/s: it said (hidden). "), kind


def _http_errors() -> list[Exception]:
    import http.client
    import ssl

    names = [
        item
        for item in vars(http.client).values()
        if inspect.isclass(item) and issubclass(item, http.client.HTTPException)
    ]
    made: list[Exception] = [item("it said") for item in names]
    return [*made, ssl.SSLError(1, "it said"), TimeoutError(), OSError(101, "it said")]


@pytest.mark.parametrize("problem", _http_errors(), ids=lambda problem: type(problem).__name__)
def test_exceptions_of_http_become_backend_errors(problem: Exception) -> None:
    from mlform.backends.http_client import HttpClient, HttpSettings

    class Failing(HttpClient):
        def _follow(self, method: str, url: str, body: bytes | None) -> NoReturn:
            del method, url, body
            raise problem

    with pytest.raises(BackendError) as caught:
        Failing(HttpSettings(retries=0)).request("GET", "http://states.test/a?b")
    assert caught.value.detail.startswith("http://states.test/a: ")


def _object_store_errors() -> list[type[Exception]]:
    from obstore import exceptions

    foreign = [item for item in vars(exceptions).values() if inspect.isclass(item)]
    return [*(item for item in foreign if issubclass(item, Exception)), OSError, ValueError]


@pytest.mark.parametrize("kind", _object_store_errors(), ids=lambda kind: kind.__name__)
def test_exceptions_of_object_stores_become_backend_errors(kind: type[Exception]) -> None:
    from mlform.backends.object_errors import Place, Refused, translated

    expected = Refused if kind.__name__ in {"AlreadyExistsError", "PreconditionError"} else None
    with (
        pytest.raises(expected or BackendError),
        translated(Place(url="s3://bucket", provider="s3"), "read", "key"),
    ):
        raise kind("reason")


def test_files_in_the_way_become_backend_errors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(BackendError):
            LocalBackend(path).begin(State(lineage="x"), UNKNOWN_RUN)


def test_a_cache_in_the_way_becomes_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact" / "file").write_text("x")
    store = LocalStore(
        cache=tmp_path / "cache", metadata=tmp_path / "meta", checkouts=tmp_path / "out"
    )
    with pytest.raises(StoreError):
        store.put(tmp_path / "artifact")
