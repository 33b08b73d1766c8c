"""A disk that fills, or an engine that refuses, at any call of a port: an error, and nothing lost.

The runtimes hand on what the system says of their files; stores and backends translate it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlform.errors import BackendError, MlformError, StoreError
from mlform.plan.changes import Mode
from tests.engine import Engine, Ran
from tests.faults import Broken, befallen, check_converges

PORT = 8080
HANGS = 60.0


def disk_full() -> OSError:
    return OSError(28, "No space left on device", "/disk/file")


def no_store() -> StoreError:
    return StoreError("An artifact cannot be stored", "/disk/file: No space left on device.")


def no_state() -> BackendError:
    return BackendError("The state cannot be written", "/disk/file: No space left on device.")


def nothing(engine: Engine) -> Mode:
    del engine
    return Mode.NORMAL


def another_model(engine: Engine) -> Mode:
    engine.ok()
    engine.edit("rounds = 10", "rounds = 11")
    return Mode.NORMAL


def destruction(engine: Engine) -> Mode:
    engine.ok()
    return Mode.DESTROY


SCENES: dict[str, Callable[[Engine], Mode]] = {
    "create": nothing,
    "replace": another_model,
    "destroy": destruction,
}
PORTS = {"runtime": disk_full, "store": no_store, "backend": no_state}


def in_time(work: Callable[[], Ran]) -> Ran | Exception:
    """Do something that must end by itself; return how it went."""
    found: list[Ran | Exception] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001 - looked at by the test
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HANGS)
    assert found, "it hangs"
    return found[0]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("scene", SCENES)
def test_at_every_call(scene: str, port: str, lasting: bool, tmp_path: Path) -> None:  # noqa: FBT001 - by pytest
    calls = 0
    while True:
        calls += 1
        folder = tmp_path / str(calls)
        folder.mkdir()
        engine = Engine(folder).with_pipeline()
        mode = SCENES[scene](engine)
        fault = Broken(calls, PORTS[port], lasting)
        other = befallen(engine, fault, through={port})
        went = in_time(lambda: other.apply(mode=mode))  # noqa: B023 - called at once
        if not fault.failed:
            break
        if isinstance(went, Exception):
            assert isinstance(went, MlformError | OSError), f"call {calls}: {went!r}"
            assert "No space left on device" in str(went)
        engine.place.holder = None  # the process has ended
        if scene == "replace":
            assert engine.runtime.answering("127.0.0.1", PORT) is not None, f"call {calls}"
        check_converges(engine, f"call {calls}")
    assert calls > 3
