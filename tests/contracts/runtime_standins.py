"""Small real programs that speak the worker's and server's contract.

They let the runtime suite ask for behaviour no real task has: sleep for ever, grab memory, die.
`python runtime_standins.py worker|server|gateway DOCUMENT` runs in a child process or a container,
so this file uses the standard library alone.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TypeAlias

Document: TypeAlias = "dict[str, dict[str, str]]"


def work(document_path: str) -> int:
    """Do what the arguments of the task document say."""
    document = json.loads(Path(document_path).read_text())
    (Path(str(document["output"])) / "artifact").mkdir()
    say(json.dumps({"message": "counting", "done": 1, "total": 2}))
    say("said on standard output, no event")
    complain("said on standard error")
    return ACTIONS[document["arguments"].get("action", "copy")](document)


def say(line: str) -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """Write a line to standard error at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def sleep(document: Document) -> int:
    """Sleep for ever; with `child`, have a child do so too."""
    if document["arguments"].get("child") and os.fork() == 0:
        time.sleep(600)
    time.sleep(600)
    return 0


def hold_memory(document: Document) -> int:
    """Hold so many mebibytes for a while."""
    held = [os.urandom(1 << 20) for _ in range(int(document["arguments"]["mebibytes"]))]
    time.sleep(1.5)
    complain(f"held {len(held)}")
    return 0


def die(document: Document) -> int:
    """Send itself a signal."""
    os.kill(os.getpid(), getattr(signal, document["arguments"].get("signal", "SIGSEGV")))
    return 0


def leave(document: Document) -> int:
    """Exit with a status and no result."""
    return int(document["arguments"].get("status", 0))


def look_around(document: Document) -> int:
    """Tell what a hardened container must not let it do."""
    attempts = {
        "root": Path("/mine"),
        "input": Path(next(iter(document["inputs"].values()))) / "mine",
    }
    told: dict[str, object] = {"uid": os.getuid()}
    for name, path in attempts.items():
        try:
            path.write_text("x")
            told[name] = "written"
        except OSError as error:
            told[name] = error.strerror
    told["networks"] = sorted(path.name for path in Path("/sys/class/net").iterdir())
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(("CapEff", "NoNewPrivs")):
            told[line.split(":")[0]] = line.split()[1]
    return answer(document, {"attributes": told})


def report_problem(document: Document) -> int:
    """Report a problem as a worker does."""
    problem = {"summary": "Unknown column", "detail": "no column `age`", "argument": "columns"}
    answer(document, {"problem": problem})
    return 1


def copy(document: Document) -> int:
    """Copy every input to the artifact."""
    arguments, output = document["arguments"], Path(str(document["output"]))
    lines = 0
    for name, folder in sorted(document["inputs"].items()):
        for path in sorted(Path(folder).rglob("*")):
            (output / "artifact" / f"{name}-{path.name}").write_bytes(path.read_bytes())
            lines += len(path.read_text().splitlines())
    (output / "artifact" / "empty-folder-is-not").write_text(arguments.get("text", ""))
    say(json.dumps({"message": "counting", "done": 2, "total": 2}))
    variables = {
        name: os.environ.get(name)  # noqa: TID251 - this is what is asked for
        for name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "PYTHONHASHSEED", "SECRET_OF_HOST")
    }
    attributes = {"lines": lines, "threads": document["threads"], "variables": variables}
    return answer(document, {"attributes": attributes})


def answer(document: Document, result: object) -> int:
    """Write the result."""
    (Path(str(document["output"])) / "result.json").write_text(json.dumps(result))
    return 0


def nap(document: Document) -> int:
    """Do the work a while later."""
    time.sleep(1.5)
    return copy(document)


def nap_and_die(document: Document) -> int:
    """End badly a while later."""
    time.sleep(1.0)
    (Path(str(document["output"])) / "died").touch()
    return 3


ACTIONS = {
    "nap and die": nap_and_die,
    "nap": nap,
    "copy": copy,
    "sleep": sleep,
    "memory": hold_memory,
    "die": die,
    "exit": leave,
    "silent": leave,
    "look around": look_around,
    "problem": report_problem,
}


def serve(config_path: str) -> int:
    """Answer every request with the server's instance; `options.fail` makes it die first."""
    config = json.loads(Path(config_path).read_text())
    if config["options"].get("fail"):
        complain("the stored rows do not score as in training")
        return 3
    if config["options"].get("hang"):
        time.sleep(600)
    model = (Path(config["model"]) / "model.txt").read_text()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = model.encode()
            self.send_response(200)
            self.send_header("mlform-instance", config["instance"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            say(f"{self.path} {code} {size}")

    return _listen(config, Handler)


def forward(config_path: str) -> int:
    """Forward each request to the address in the route file."""
    config = json.loads(Path(config_path).read_text())

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                route = json.loads(Path(config["route"]).read_text())
                url = f"http://{route['host']}:{route['port']}{self.path}"
                with urllib.request.urlopen(url, timeout=5) as answer:
                    body, instance = answer.read(), answer.headers["mlform-instance"]
                    status = answer.status
            except OSError as error:
                body, instance, status = str(error).encode(), "", 502
            self.send_response(status)
            self.send_header("mlform-instance", instance)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size

    return _listen(config, Handler)


def _listen(config: dict[str, object], handler: type[http.server.BaseHTTPRequestHandler]) -> int:
    server = http.server.ThreadingHTTPServer(
        (str(config["host"]), int(str(config["port"]))), handler
    )

    def end(number: int, frame: object) -> None:
        del number, frame
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    ready = config.get("ready_file")
    if isinstance(ready, str):
        temporary = Path(ready + ".new")
        temporary.write_text(json.dumps({"port": server.server_address[1]}))
        temporary.replace(ready)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    role = {"worker": work, "server": serve, "gateway": forward}[sys.argv[1]]
    sys.exit(role(sys.argv[2]))
