"""The log of a task: known to be writable before it begins, and no reason to end it afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.runtimes.launch import not_started
from mlform.runtimes.task_log import TaskLog, make_log
from mlform.tasks import TaskEvent


def test_a_line_that_does_not_fit_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    told: list[TaskEvent] = []
    log = TaskLog(path, told.append)
    log.append(b"x\n")
    log.append(b"y\n")
    (event,) = told
    assert event.lasting
    assert event.message == f"its log is incomplete: {path}: No space left on device"


def test_one_that_cannot_be_made_says_so_at_once(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    with pytest.raises(OSError, match="logs"):
        make_log(tmp_path / "logs" / "model.m" / "1.log")
    make_log(tmp_path / "more" / "1.log")
    assert (tmp_path / "more" / "1.log").read_bytes() == b""


def test_the_failure_to_start_names_what_was_in_the_way() -> None:
    full = not_started("Worker", "/bin/python", OSError(28, "No space left on device", "/p/log"))
    assert full.detail.startswith("/p/log: No space left on device. Is the disk full")
    gone = not_started(
        "Server", "/bin/python", OSError(2, "No such file or directory", "/bin/python")
    )
    assert gone.summary == "Server cannot be started"
    assert "still installed" in gone.detail
