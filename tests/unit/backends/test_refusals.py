"""A disk that is full, broken or read-only at any call of the system that a local state makes.

What was told to be safe is there afterwards, what went wrong is a `BackendError` that names the
reason and the way out, and the next run goes on.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from mlform.backends.local import LocalBackend
from mlform.errors import BackendError
from mlform.state.snapshot import Intent, Recorded, State
from tests.contracts.state_samples import MODEL, RUN, TRAIN, lock_info, record, state

NEVER, REFUSED, GONE_ON, BROKEN = 0, 9, 7, 8
"""How a run ended: no call failed, it said so, it went on all the same, something else came."""


@dataclass
class Disk:
    """Refuses the calls below a folder, from one on."""

    folder: Path
    number: int
    at: int
    lasting: bool
    calls: int = 0

    def meet(self, *arguments: object) -> None:
        """Refuse a call whose turn it is."""
        if any(str(each).startswith(str(self.folder)) for each in arguments):
            self.calls += 1
            if self.calls == self.at or (self.lasting and self.calls > self.at):
                raise OSError(self.number, os.strerror(self.number), str(arguments[0]))

    def watch(self) -> None:
        """Meet all calls of this process from now on."""
        sys.addaudithook(self._announced)
        for name in ("write", "fsync"):
            setattr(os, name, self._around(getattr(os, name)))

    def _announced(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" or event.startswith("os."):
            self.meet(*arguments[:2])

    def _around(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(descriptor: int, *rest: object) -> object:
            self.meet(Path(f"/proc/self/fd/{descriptor}").readlink())
            return real(descriptor, *rest)

        return call


def whole_run(backend: LocalBackend, told: Callable[[int], None]) -> None:
    """Recover what a dead run left, record an object, fold."""
    backend.lock(lock_info("id-1"))
    recovered = backend.read()
    assert recovered is not None
    backend.begin(recovered, RUN)
    backend.append((Recorded(step="s2", record=record(MODEL)),))
    told(1)
    done = state(record(TRAIN), record(MODEL), serial=2)
    backend.write(done, expected_serial=1)
    told(2)
    backend.unlock("id-1")


def in_a_process(path: Path, disk: Disk, descriptor: int) -> None:
    real = os.write
    tempfile.tempdir = str(path.parent.parent)
    backend = LocalBackend(path)

    def tell(number: int) -> None:
        real(descriptor, bytes([number]))

    disk.watch()
    try:
        whole_run(backend, tell)
    except BackendError as problem:
        said = f"{problem.summary}. {problem.detail}"
        reason = os.strerror(disk.number)
        os._exit(REFUSED if f"{reason}. " in said and "cannot be" in said else BROKEN)
    except BaseException as problem:  # noqa: BLE001 - told to the test
        real(2, f"{problem!r}\n".encode())
        os._exit(BROKEN)
    os._exit(NEVER if disk.calls < disk.at else GONE_ON)


def run(path: Path, disk: Disk) -> tuple[int, int | None]:
    """Return what it told to be safe, and how it ended."""
    reading, writing = os.pipe()
    child = multiprocessing.get_context("fork").Process(
        target=in_a_process, args=(path, disk, writing)
    )
    child.start()
    os.close(writing)
    child.join(60)
    with os.fdopen(reading, "rb") as stream:
        return max(stream.read(), default=0), child.exitcode


def check(found: State | None, told: int) -> None:
    assert found is not None
    assert found.current(TRAIN) == record(TRAIN)
    assert found.serial >= (2 if told == 2 else 1)
    if told:
        assert found.current(MODEL) == record(MODEL)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_at_any_call(number: int, lasting: bool, tmp_path: Path) -> None:  # noqa: FBT001 - by pytest
    told = 0
    for at in count(1):
        path = tmp_path / str(at) / "mlform.mlfstate"
        path.parent.mkdir()
        dead = LocalBackend(path)
        dead.write(state(serial=1), expected_serial=None)
        dead.begin(state(serial=1), RUN)
        dead.append((Recorded(step="s1", record=record(TRAIN)),))
        dead.append((Intent(step="s2", address=MODEL, operation="create"),))
        told, status = run(path, Disk(path.parent, number, at, lasting))
        assert status in {NEVER, REFUSED, GONE_ON}, f"at call {at}"
        check(LocalBackend(path).read(), told)
        again = LocalBackend(path)
        again.lock(lock_info("id-2"))
        recovered = again.read()
        assert recovered is not None
        again.begin(recovered, RUN)
        again.write(
            replace(recovered, serial=recovered.serial + 1), expected_serial=recovered.serial
        )
        check(LocalBackend(path).read(), min(told, 1))
        left = [each.name for each in path.parent.iterdir() if each.name.endswith(".tmp")]
        assert not left, f"at call {at}"
        if status == NEVER:
            break
    assert told == 2
    assert at > 25, "it makes many calls"
