"""What a task prints never makes it fail, and what could not be kept is told."""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - a worker whose standard error cannot be written
import sys
from pathlib import Path

from mlform.tasks import ARTIFACT_FOLDER, NO_ROOM, TaskEvent
from mlform.worker.printing import Printed, as_text
from mlform.worker.problems import problem_of
from tests.unit.worker.test_process import ROOT, write

FULL = Path("/dev/full")


def test_a_full_disk_is_no_failure_and_the_gap_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    descriptor = os.open(FULL, os.O_WRONLY)
    printed = Printed(descriptor)
    stream = as_text(printed)
    print("lost", file=stream, flush=True)
    assert printed.loss == "No space left on device"
    room = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(room, descriptor)
    print("kept\udcff", file=stream)
    print("and this", file=stream)
    lines = log.read_text().splitlines()
    assert lines == [
        "",
        "[mlform: lines are missing here, since they could not be written]",
        "kept\\udcff",
        "and this",
    ]
    assert stream.fileno() == descriptor
    for each in (room, descriptor):
        os.close(each)


def test_a_worker_goes_on_without_its_log(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.csv").write_text("a\n1\n")
    (tmp_path / "code").mkdir()
    document = write(
        tmp_path,
        "d",
        "dataset",
        {"files": ["a.csv"], "source": {"type": "file"}},
        {"source": tmp_path / "source"},
    )
    program = (
        "import sys, mlform.worker.dataset as kind\n"
        "run = kind.run\n"
        "def chatty(work):\n"
        "    print('hello')\n"
        "    return run(work)\n"
        "kind.run = chatty\n"
        "from mlform.worker.__main__ import main\n"
        "sys.exit(main([sys.argv[1]]))\n"
    )
    with FULL.open("wb") as full:
        done = subprocess.run(  # noqa: S603 - this Python
            [sys.executable, "-c", program, str(document)],
            cwd=ROOT,
            env={"PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0
    events = [TaskEvent.from_json(json.loads(line)) for line in done.stdout.splitlines()]
    (told,) = [event for event in events if event.lasting]
    assert (
        told.message
        == "its log is incomplete, since it could not be written: No space left on device"
    )
    assert (tmp_path / "d" / ARTIFACT_FOLDER / "data.parquet").is_file()


def test_a_result_that_cannot_be_written_has_a_status_of_its_own(tmp_path: Path) -> None:
    document = write(tmp_path, "d", "nonsense", {}, {})
    (tmp_path / "d" / ".result.json").symlink_to(FULL)
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-m", "mlform.worker", str(document)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == NO_ROOM
    assert "result.json: [Errno 28] No space left on device" in done.stderr


def test_errors_of_the_system_are_no_bugs() -> None:
    full = problem_of(OSError(28, "No space left on device", "/p/data.parquet"))
    assert full.summary == "Files cannot be written"
    assert "/p/data.parquet" in full.detail
    assert "Free some space" in full.detail
    rust = problem_of(RuntimeError("parquet: No space left on device (os error 28)"))
    assert rust.summary == "Files cannot be written"
    closed = problem_of(PermissionError(13, "Permission denied", "/in/source"))
    assert closed.summary == "Files cannot be read"
    assert closed.detail.startswith("/in/source: permission denied. The task runs as user ")
    assert "chmod -R o+rX" in closed.detail
    assert problem_of(OSError("something else")).summary == "The worker failed"
