"""A fork server: the heavy libraries are imported once, each task runs in a forked child.

Standard input, a JSON object a line: `{"id": …, "document": path, "environment": {…}, "log":
path, "events": path}`. Standard output, likewise: `{"id", "pid"}` when the child runs, `{"id",
"exit"}` when it has ended (negative: the signal that ended it), `{"id", "error"}` for a line that
cannot be obeyed. A child is the leader of its own session and process group, and can be killed by
its id or its group. The end of standard input, or SIGTERM, ends the server and kills the children.

Libraries are imported between requests, and never used here: no thread of theirs exists that a
fork would lose. (jemalloc's and Polars' housekeeping threads do not hold locks over a fork.)
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

from mlform.digests import JsonObject
from mlform.tasks import TaskDocument
from mlform.worker.execution import BEFORE_LIBRARIES, FAILED, run_document
from mlform.worker.printing import Printed, as_text, printing

_TABLES: Final = ("numpy", "polars")

_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "dataset": (*_TABLES, "mlform.worker.dataset"),
    "split": (*_TABLES, "mlform.worker.split"),
    "model": (*_TABLES, "xgboost", "mlform.worker.model"),
    "evaluation": (*_TABLES, "xgboost", "mlform.worker.evaluation", "mlform.worker.metrics"),
    "prediction": (*_TABLES, "xgboost", "mlform.worker.prediction"),
}
"""What a task of each kind imports, in the order the kinds usually come."""

_PARENT_DIES: Final = 1
"""PR_SET_PDEATHSIG of Linux' prctl(2)."""


class ForkServer:
    """Serves the requests of one client until it goes away."""

    def __init__(self, requests: int, replies: int) -> None:
        """Take the file descriptors of requests and replies."""
        self._requests = requests
        self._replies = replies
        self._children: dict[int, object] = {}
        self._pending = list(dict.fromkeys(name for names in _MODULES.values() for name in names))
        self._buffer = b""

    def serve(self) -> None:
        """Answer requests until the end of input or SIGTERM."""
        os.environ.update(BEFORE_LIBRARIES)
        awake, wake = os.pipe()
        for end in (awake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, _ignore)
        signal.signal(signal.SIGTERM, _stop)
        selector = selectors.DefaultSelector()
        selector.register(self._requests, selectors.EVENT_READ)
        selector.register(awake, selectors.EVENT_READ)
        try:
            while self._turn(selector, awake):
                pass
        except BrokenPipeError:
            return
        finally:
            signal.set_wakeup_fd(-1)
            self._kill()

    def _turn(self, selector: selectors.BaseSelector, awake: int) -> bool:
        """Do what is due, or import the next library; False at the end of input."""
        ready = {key.fd for key, _ in selector.select(0 if self._pending else None)}
        if awake in ready:
            os.read(awake, 4096)
            self._reap()
        if self._requests in ready:
            return self._receive()
        if not ready and self._pending:
            self._import(self._pending[0])
        return True

    def _import(self, name: str) -> None:
        if name in self._pending:
            self._pending.remove(name)
        try:
            if name == "xgboost":
                importlib.import_module("mlform.features.boosting").import_xgboost()
            else:
                importlib.import_module(name)
        except ImportError:
            # A task that needs it will say so; the others go on.
            traceback.print_exc()
        if not self._pending:
            gc.freeze()

    def _receive(self) -> bool:
        content = os.read(self._requests, 1 << 16)
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        for line in lines:
            if line.strip():
                self._start(line)
        return bool(content)

    def _start(self, line: bytes) -> None:
        try:
            request = json.loads(line)
            identity = request["id"]
            paths = {name: str(request[name]) for name in ("document", "log", "events")}
            environment = {str(k): str(v) for k, v in (request.get("environment") or {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._reply({"id": None, "error": f"malformed request: {error!r}"})
            return
        for name in _needed(paths["document"]):
            self._import(name)
        try:
            server = os.getpid()
            pid = os.fork()
        except OSError as error:
            self._reply({"id": identity, "error": str(error)})
            return
        if pid == 0:
            _become(paths, environment, server)
        self._children[pid] = identity
        self._reply({"id": identity, "pid": pid})

    def _reap(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                identity = self._children.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                self._reply(
                    {"id": identity if isinstance(identity, str | int) else None, "exit": code}
                )

    def _reply(self, document: JsonObject) -> None:
        content = (json.dumps(document) + "\n").encode()
        while content:
            content = content[os.write(self._replies, content) :]

    def _kill(self) -> None:
        for pid in self._children:
            for kill in (os.killpg, os.kill):
                try:
                    kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        for pid in self._children:
            os.waitpid(pid, 0)


def _needed(document: str) -> list[str]:
    """Return what to import before the fork, so that the next task of the kind has it too."""
    try:
        task = TaskDocument.from_json(json.loads(Path(document).read_bytes()))
    except (OSError, ValueError):
        # The child meets the same document and says what is wrong with it.
        return []
    modules = list(_MODULES.get(task.kind, ()))
    algorithm = task.arguments.get("algorithm")
    if isinstance(algorithm, Mapping) and algorithm.get("type") == "python":
        modules = ["pandas" if name == "xgboost" else name for name in modules]
    if task.arguments.get("custom_metrics"):
        modules.append("pandas")
    return [name for name in modules if name not in sys.modules]


def _become(paths: Mapping[str, str], environment: Mapping[str, str], server: int) -> None:
    """Turn the forked child into a process of its own and run the task; never returns."""
    status = FAILED
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        _die_with(server)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        log = os.open(paths["log"], flags, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.closerange(3, max(log, nothing) + 1)
        os.environ.update(environment)
        events = as_text(Printed(os.open(paths["events"], flags, 0o644)))
        with printing() as printed:
            status = run_document(Path(paths["document"]), events, printed)
    except BaseException:  # noqa: BLE001 - a child must never go on as a second server
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)  # the server's own cleanup is not the child's


def _die_with(server: int) -> None:
    """Have the kernel kill this process when the server dies, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(FAILED)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Let the signal do no more than wake the selector."""


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)
