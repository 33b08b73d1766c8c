"""The runtime adapters, each set up for the suite: the stand-in programs do their work."""

from __future__ import annotations

import os
import signal
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlform.digests import Json
from mlform.errors import ServerFailed, TaskFailed
from mlform.runtimes.base import Runtime
from mlform.runtimes.memory import MemoryRuntime, MemoryWork, WorkProblem, pass_self_test
from mlform.runtimes.preparation import Programs, ending
from mlform.runtimes.process import ProcessRuntime
from mlform.tasks import Server, TaskEvent, TaskProblem

STANDINS = Path(__file__).with_name("runtime_standins.py")


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One runtime under test.

    Attributes:
        name: Of the adapter.
        make: Makes the runtime; a second one stands for a later run of mlform.
        instance_at: The server that answers at a port of the loopback address, or None.
        measures: Whether what tasks do to the machine is really there to be seen.
    """

    name: str
    make: Callable[[], Runtime]
    instance_at: Callable[[int], str | None]
    measures: bool = True


def standin_programs(path: str) -> Programs:
    """Return the stand-ins as a runtime's programs."""
    return Programs(worker=(path, "worker"), server=(path, "server"), gateway=(path, "gateway"))


def process_adapter(folder: Path) -> Adapter:
    """Return the process runtime."""

    def make() -> Runtime:
        return ProcessRuntime(
            folder / "processes",
            python=sys.executable,
            warm=False,
            programs=standin_programs(str(STANDINS)),
        )

    return Adapter(name="process", make=make, instance_at=instance_over_http)


def memory_adapter() -> Adapter:
    """Return the runtime in memory; every run of mlform shares the one."""
    runtime = MemoryRuntime(
        {"standin": _memory_work}, packages={"xgboost": "3.0"}, self_test=_memory_self_test
    )
    return Adapter(
        name="memory",
        make=lambda: runtime,
        instance_at=lambda port: runtime.answering("127.0.0.1", port),
        measures=False,
    )


def docker_host() -> str | None:
    """Return where the tests' engine is, or None for the local socket."""
    return os.environ.get("DOCKER_HOST")  # noqa: TID251 - tests read their own settings


def instance_over_http(port: int) -> str | None:
    """Return the name of the server that answers at a port, or None."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=3) as got:
            return str(got.headers["mlform-instance"])
    except OSError:
        return None


def _memory_work(work: MemoryWork) -> Mapping[str, Json]:
    arguments = work.document.arguments
    work.on_event(TaskEvent(message="counting", done=1, total=2))
    work.print("said on standard output, no event")
    work.print("said on standard error")
    action = str(arguments.get("action", "copy"))
    if action == "sleep":
        work.pass_time(600)
    if action == "memory":
        work.claim_memory(int(str(arguments["mebibytes"])) << 20)
    if action == "problem":
        raise WorkProblem(
            TaskProblem(summary="Unknown column", detail="no column `age`", argument="columns")
        )
    if action in {"die", "exit"}:
        number = getattr(signal, str(arguments.get("signal", "SIGSEGV")))
        status = int(str(arguments.get("status", -number)))
        raise TaskFailed("Worker died", ending(status), log_tail=work.log.read_text())
    if action == "silent":
        raise TaskFailed("Worker left no result")
    lines = 0
    for name in sorted(work.document.inputs):
        for path in sorted(work.input_folder(name).rglob("*")):
            (work.artifact / f"{name}-{path.name}").write_bytes(path.read_bytes())
            lines += len(path.read_text().splitlines())
    (work.artifact / "empty-folder-is-not").write_text(str(arguments.get("text", "")))
    work.on_event(TaskEvent(message="counting", done=2, total=2))
    return {"lines": lines, "threads": work.document.threads}


def _memory_self_test(server: Server, model: Path) -> None:
    pass_self_test(server, model)
    if server.options.get("fail"):
        text = "the stored rows do not score as in training"
        raise ServerFailed("Server died before it was ready", text, log_tail=text)
    if server.options.get("hang"):
        raise ServerFailed("Server did not become ready", "it hangs")
