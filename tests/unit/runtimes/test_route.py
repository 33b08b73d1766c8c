from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlform.errors import ServerFailed
from mlform.runtimes import route
from mlform.runtimes.route import Route
from tests.ports import free_port

ONE = Route(host="127.0.0.1", port=1001, instance="one")
TWO = Route(host="127.0.0.1", port=1002, instance="two")


def test_pointing_remembers_the_route_before(tmp_path: Path) -> None:
    assert route.read_routes(tmp_path) == (None, None)
    route.point(tmp_path, ONE)
    assert route.read_routes(tmp_path) == (ONE, None)
    route.point(tmp_path, TWO)
    route.point(tmp_path, TWO)
    assert route.read_routes(tmp_path) == (TWO, ONE)
    route.forget(tmp_path, "one")
    assert route.read_routes(tmp_path) == (TWO, ONE)
    route.forget(tmp_path, "two")
    assert list(tmp_path.iterdir()) == []


def test_pointing_back(tmp_path: Path) -> None:
    route.point(tmp_path, ONE)
    route.point(tmp_path, TWO)
    route.point_back(tmp_path, "one")
    assert route.read_routes(tmp_path) == (TWO, ONE)
    route.point_back(tmp_path, "two")
    assert route.read_routes(tmp_path) == (ONE, None)
    route.point_back(tmp_path, "one")
    assert route.read_routes(tmp_path) == (None, None)


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_no_url_from_the_server_before(tmp_path: Path) -> None:
    route.point(tmp_path, ONE)
    with full_disk(), pytest.raises(OSError, match="large"):
        route.point(tmp_path, TWO)
    assert route.read_routes(tmp_path) == (ONE, None)
    route.point(tmp_path, TWO)
    with full_disk():
        route.point_back(tmp_path, "two")
    assert route.read_routes(tmp_path) == (ONE, None)


def test_the_way_back_is_made_where_it_is_gone(tmp_path: Path) -> None:
    route.point(tmp_path, ONE)
    route.point(tmp_path, TWO)
    (tmp_path / "route.back.json").unlink()
    route.point_back(tmp_path, "two")
    assert route.read_routes(tmp_path) == (ONE, None)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"port": "x"}'])
def test_a_broken_route_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "route.json").write_text(content)
    assert route.read_routes(tmp_path) == (None, None)


def test_nobody_answers() -> None:
    port = free_port()
    answer = route.ask("127.0.0.1", port)
    assert (answer.status, answer.ready) == (0, False)
    assert answer.problem
    with pytest.raises(ServerFailed, match="could not be reached"):
        route.wait_until_routed("127.0.0.1", port, "one", limit=0, check=lambda: None)
