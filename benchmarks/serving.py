"""How fast single rows are served: the breast cancer example against a server that does nothing.

Ours is `python -m mlform.serving` alone and behind the endpoint's gateway; the peer is uvicorn
with an application that answers a constant of the same size. Each is asked by the same client, a
process of its own, in turn and for a bounded time. A request carries one row and every answer is
checked to be one. Processor time is that of the serving processes, for each request.

Run: `python benchmarks/serving.py [--seconds 2] [--rounds 3] [--connections 1 16]`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

from example_overhead import applied, destroyed, free_port, prepare
from measuring import PYTHON, table, variables

CONSTANT = """
import sys, uvicorn

BODY = bytes(int(sys.argv[2]))
START = {"type": "http.response.start", "status": 200, "headers": [
    (b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]}

async def answer(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send({"type": "http.response.body", "body": BODY})

uvicorn.run(answer, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False,
            lifespan="off")
"""


@dataclass(frozen=True, slots=True)
class Served:
    """What a client saw.

    Attributes:
        requests: Answered requests in a second.
        middle: Median of a request's seconds.
        slow: 99th percentile of them.
        processor: Seconds of the servers' processor time for a request; NaN where unknown.
        body: Bytes of an answer's body.
    """

    requests: float
    middle: float
    slow: float
    processor: float
    body: int


class Connection(asyncio.Protocol):
    """A connection that asks again as soon as it has its answer, until the time is over."""

    def __init__(self, request: bytes, until: float, times: list[float]) -> None:
        """Take the request, the end and where to note the seconds of each answer."""
        self.over = asyncio.get_running_loop().create_future()
        self.body = 0
        self._request, self._until, self._times = request, until, times
        self._received = b""
        self._begin = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError
        self._transport = transport
        self._ask(transport)

    def data_received(self, data: bytes) -> None:
        """Take the answer, and ask again."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or self._transport is None:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._end(RuntimeError(self._received.decode(errors="replace")))
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) < length:
            return
        self._times.append(perf_counter() - self._begin)
        self._received, self.body = b"", length
        if perf_counter() < self._until:
            self._ask(self._transport)
        else:
            self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Note an end that came too early."""
        self._end(error or ConnectionError("the server closed the connection"))

    def _ask(self, transport: asyncio.WriteTransport) -> None:
        self._begin = perf_counter()
        transport.write(self._request)

    def _end(self, error: Exception | None) -> None:
        if self.over.done():
            return
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)
        if self._transport is not None:
            self._transport.close()


async def ask(port: int, connections: int, seconds: float, body: bytes) -> dict[str, float]:
    """Ask over some connections at once; return figures as `Served` has them."""
    head = (
        f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    times: list[float] = []
    loop = asyncio.get_running_loop()
    begin = perf_counter()
    until = begin + seconds
    opened = [
        await loop.create_connection(
            lambda: Connection(head.encode() + body, until, times), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.over for _, protocol in opened))
    elapsed = perf_counter() - begin
    times.sort()
    return {
        "requests": len(times) / elapsed,
        "count": len(times),
        "middle": median(times),
        "slow": times[len(times) * 99 // 100],
        "body": opened[0][1].body,
    }


def load(
    port: int, processes: Sequence[int], connections: int, seconds: float, body: Path
) -> Served:
    """Ask from a process of its own; the processor time is that of the given processes."""
    before = processor_time(processes)
    words = [str(word) for word in (port, connections, seconds, body)]
    command = [PYTHON, str(Path(__file__).resolve()), "--ask", *words]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(output)
    used = processor_time(processes) - before
    return Served(
        found["requests"],
        found["middle"],
        found["slow"],
        used / found["count"],
        int(found["body"]),
    )


def processor_time(processes: Sequence[int]) -> float:
    """Return the seconds of processor time that processes have used, NaN where Linux is not."""
    total = 0.0
    for process in processes:
        path = Path(f"/proc/{process}/stat")
        if not path.exists():
            return float("nan")
        user, system = path.read_text().rpartition(")")[2].split()[11:13]
        total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


@contextmanager
def started(command: Sequence[str | Path], port: int) -> Iterator[int]:
    """Start a server and wait until it listens; yield its process."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, env=variables(), stderr=subprocess.PIPE, text=True)
    try:
        wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until a server takes connections.

    Raises:
        SystemExit: If it ends or takes too long.
    """
    deadline = monotonic() + 30
    while monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.05)
        else:
            return
    process.kill()
    sys.exit(f"a server did not start:\n{process.communicate()[1]}")


def processes_of(work: Path) -> list[int]:
    """Return the processes that serve the endpoint of an applied example."""
    ready = (work / ".mlform" / "endpoints").rglob("ready.json")
    return [int(json.loads(path.read_bytes())["pid"]) for path in ready]


def measure(work: Path, options: argparse.Namespace) -> None:
    """Apply the example, serve its model in three ways, ask in turn and print."""
    endpoint, ours, theirs = free_port(), free_port(), free_port()
    applied(work, endpoint)
    try:
        model = next((work / ".mlform" / "checkouts").glob("*/model.json")).parent
        row = json.loads((model / "reference.json").read_bytes())["rows"][0]
        request = work / "request.json"
        request.write_text(json.dumps({"rows": [row]}))
        config = {"name": "tumours", "model": str(model), "instance": "benchmark"}
        written = work / "server.json"
        written.write_text(json.dumps({**config, "host": "127.0.0.1", "port": ours}))
        with started((PYTHON, "-m", "mlform.serving", written), ours) as server:
            body = load(ours, [server], 1, 0.2, request).body
            with started((PYTHON, "-c", CONSTANT, str(theirs), str(body)), theirs) as peer:
                ways = {
                    "uvicorn, a constant": (theirs, [peer]),
                    "mlform": (ours, [server]),
                    "mlform behind its gateway": (endpoint, processes_of(work)),
                }
                report(ways, request, options)
    finally:
        destroyed(work, endpoint)


def report(
    ways: dict[str, tuple[int, list[int]]], request: Path, options: argparse.Namespace
) -> None:
    """Ask every way in turn for each number of connections; print the medians."""
    rows = []
    for connections in options.connections:
        found: dict[str, list[Served]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, (port, processes) in ways.items():
                found[name].append(load(port, processes, connections, options.seconds, request))
        floor = median(each.requests for each in next(iter(found.values())))
        for name, each in found.items():
            requests = median(one.requests for one in each)
            rows.append(
                [
                    f"{name}, {connections} at once",
                    f"{requests:.0f}",
                    f"{median(one.middle for one in each) * 1e3:.2f} ms",
                    f"{median(one.slow for one in each) * 1e3:.2f} ms",
                    f"{median(one.processor for one in each) * 1e3:.2f} ms",
                    f"{requests / floor:.2f}",
                ]
            )
    table(("", "requests/s", "median", "99 %", "processor time each", "of the constant's"), rows)


def main() -> None:
    """Measure and print; with `--ask`, be the client."""
    if sys.argv[1:2] == ["--ask"]:
        port, connections, duration, body = sys.argv[2:]
        found = ask(int(port), int(connections), float(duration), Path(body).read_bytes())
        print(json.dumps(asyncio.run(found)))
        return
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(prepare(Path(folder)), options)


if __name__ == "__main__":
    main()
