from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mlform.errors import ServerFailed
from mlform.runtimes import route
from mlform.runtimes.route import Route

ONE = Route(host="127.0.0.1", port=1001, instance="one")
TWO = Route(host="127.0.0.1", port=1002, instance="two")


def test_pointing_remembers_the_route_before(tmp_path: Path) -> None:
    assert route.read_routes(tmp_path) == (None, None)
    route.point(tmp_path, ONE)
    assert route.read_routes(tmp_path) == (ONE, None)
    route.point(tmp_path, TWO)
    route.point(tmp_path, TWO)
    assert route.read_routes(tmp_path) == (TWO, ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["route.json"]


def test_pointing_back(tmp_path: Path) -> None:
    route.point(tmp_path, ONE)
    route.point(tmp_path, TWO)
    route.point_back(tmp_path, "one")
    assert route.read_routes(tmp_path) == (TWO, ONE)
    route.point_back(tmp_path, "two")
    assert route.read_routes(tmp_path) == (ONE, None)
    route.point_back(tmp_path, "one")
    assert route.read_routes(tmp_path) == (None, None)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"port": "x"}'])
def test_a_broken_route_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "route.json").write_text(content)
    assert route.read_routes(tmp_path) == (None, None)


def test_nobody_answers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answer = route.ask("127.0.0.1", port)
    assert (answer.status, answer.ready) == (0, False)
    assert answer.problem
    with pytest.raises(ServerFailed, match="could not be reached"):
        route.wait_until_routed("127.0.0.1", port, "one", limit=0, check=lambda: None)
