"""The gateway with real processes: swaps under load, failures, limits."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess  # noqa: TID251 - the tests start real processes
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).with_name("serving_stand_in.py")
SWAPS = 6
CLIENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    process: subprocess.Popen[bytes]
    port: int

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


@contextmanager
def started(
    folder: Path, name: str, command: list[str], config: dict[str, object]
) -> Iterator[Running]:
    ready = folder / f"{name}.ready"
    path = folder / f"{name}.json"
    path.write_text(
        json.dumps({"host": "127.0.0.1", "port": 0, "ready_file": str(ready), **config})
    )
    log = folder / f"{name}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *command, str(path)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"},
            stderr=stream,
        )
    try:
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield Running(process=process, port=json.loads(ready.read_bytes())["port"])
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)


def server(folder: Path, instance: str) -> dict[str, object]:
    return {"name": "m", "model": str(folder), "instance": instance}


def send_to(route: Path, port: int, instance: str) -> None:
    temporary = route.with_suffix(".new")
    temporary.write_text(json.dumps({"host": "127.0.0.1", "port": port, "instance": instance}))
    temporary.replace(route)


@contextmanager
def gateway(folder: Path, **options: float) -> Iterator[Running]:
    config: dict[str, object] = {"route": str(folder / "route.json"), "options": options}
    with started(folder, "gateway", ["-m", "mlform.serving.gateway"], config) as running:
        yield running


@dataclass(slots=True, kw_only=True)
class Load:
    """Clients with one keep-alive connection each, and what happened to them."""

    port: int
    stop: threading.Event = field(default_factory=threading.Event)
    failures: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    connections: int = 0

    def wait_for(self, instance: str) -> None:
        """Wait for an answer of a server; a failure of the load is for the test to see."""
        wait_until(
            lambda: instance in self.answered or bool(self.failures),
            f"an answer of {instance}",
            limit=30,
        )

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.connect()
        sock = connection.sock
        self.connections += 1
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                connection.request(
                    "POST",
                    "/predict",
                    json.dumps({"x": number}),
                    {"Content-Type": "application/json"},
                )
                response = connection.getresponse()
                document = json.loads(response.read())
                assert connection.sock is sock, "the connection was closed"
                assert document["predictions"] == [{"prediction": number / 2}], document
            except Exception as failure:  # noqa: BLE001 - every failure is what the test looks for
                self.failures.append(repr(failure))
                return
            self.answered.append(response.getheader("mlform-instance") or "")
            time.sleep(0.001)
        connection.close()


def test_swaps_lose_no_request_of_keep_alive_clients(tmp_path: Path) -> None:
    route = tmp_path / "route.json"
    with ExitStack() as stack:

        def start(instance: str) -> Running:
            running = started(tmp_path, instance, [str(STAND_IN)], server(tmp_path, instance))
            return stack.enter_context(running)

        current = start("server-0")
        send_to(route, current.port, "server-0")
        front = stack.enter_context(gateway(tmp_path))
        load = Load(port=front.port)
        threads = [threading.Thread(target=load.run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        statuses = []
        for number in range(1, SWAPS + 1):
            successor = start(f"server-{number}")
            send_to(route, successor.port, f"server-{number}")
            load.wait_for(f"server-{number}")
            statuses.append(current.stop())
            current = successor
        load.stop.set()
        for thread in threads:
            thread.join(timeout=15)
        assert load.failures == []
        assert load.connections == CLIENTS
        assert {f"server-{number}" for number in range(SWAPS + 1)} <= set(load.answered)
        assert statuses == [0] * SWAPS
        assert front.stop() == 0


def test_a_server_that_is_killed_after_the_swap_costs_nothing(tmp_path: Path) -> None:
    """Idle connections to a server that died are not used for a request twice lost."""
    route = tmp_path / "route.json"
    with ExitStack() as stack:
        servers = [
            stack.enter_context(started(tmp_path, name, [str(STAND_IN)], server(tmp_path, name)))
            for name in ("one", "two")
        ]
        send_to(route, servers[0].port, "one")
        front = stack.enter_context(gateway(tmp_path))
        load = Load(port=front.port)
        thread = threading.Thread(target=load.run)
        thread.start()
        load.wait_for("one")
        send_to(route, servers[1].port, "two")
        servers[0].process.kill()
        load.wait_for("two")
        load.stop.set()
        thread.join(timeout=15)
        assert load.failures == []
        assert {"one", "two"} == set(load.answered)


def ask(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw)
        answer = b""
        while data := connection.recv(65536):
            answer += data
        return answer


def test_without_a_server_requests_are_asked_to_come_again(tmp_path: Path) -> None:
    with gateway(tmp_path, connect_seconds=0.2) as front:
        request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        answer = ask(front.port, request)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in answer
        refused = free_port()
        send_to(tmp_path / "route.json", refused, "gone")
        time.sleep(0.2)
        answer = ask(front.port, request)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert f"127.0.0.1:{refused}".encode() in answer


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 3000, 431),
        (b"GET / HTTP/1.1\r\nHost:", 408),
        (b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
def test_requests_that_cannot_be_understood(tmp_path: Path, raw: bytes, status: int) -> None:
    with gateway(tmp_path, header_bytes=2000, head_seconds=0.5) as front:
        assert ask(front.port, raw).startswith(b"HTTP/1.1 %d " % status)


def test_bodies_pipelines_and_old_clients(tmp_path: Path) -> None:
    route = tmp_path / "route.json"
    with (
        started(tmp_path, "one", [str(STAND_IN)], server(tmp_path, "one")) as one,
        gateway(tmp_path, replay_bytes=100_000) as front,
    ):
        send_to(route, one.port, "one")
        time.sleep(0.2)
        post = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        body = b'{"x": 4}'
        whole = post + b"Content-Length: %d\r\n\r\n" % len(body) + body
        chunked = post + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"x"\r\n4\r\n: 4}\r\n0\r\n\r\n'
        last = b"GET /v2/health/live HTTP/1.0\r\n\r\n"
        answer = ask(front.port, whole + chunked + whole + last)
        assert answer.count(b"HTTP/1.1 200 OK") == 4
        assert answer.count(b'"prediction":2.0') == 3
        assert b"connection: close" in answer
        # Larger than what is kept for a second sending, and answered with as much.
        rows = json.dumps([{"x": float(number)} for number in range(60_000)]).encode()
        head = post + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(rows)
        large = ask(front.port, head + rows)
        document = json.loads(large.partition(b"\r\n\r\n")[2])
        assert len(document["predictions"]) == 60_000
        assert document["predictions"][-1] == {"prediction": 59_999 / 2}


def test_a_taken_port_is_said_and_ends_with_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = {"host": "127.0.0.1", "port": taken.getsockname()[1], "route": "r"}
        path = tmp_path / "gateway.json"
        path.write_text(json.dumps(config))
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "mlform.serving.gateway", str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 1
    assert "cannot serve 127.0.0.1" in done.stderr
