from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlform.errors import TaskFailed
from mlform.runtimes.preparation import (
    ending,
    log_tail,
    parse_event,
    read_answer,
    thread_variables,
    threads_of,
    write_document,
)
from mlform.tasks import Requirements, TaskEvent


@pytest.mark.parametrize(("cpus", "threads"), [(0.1, 1), (1, 1), (1.01, 2), (4, 4)])
def test_threads_are_cores_rounded_up(cpus: float, threads: int) -> None:
    assert threads_of(Requirements(cpus=cpus)) == threads
    assert thread_variables(threads)["OMP_NUM_THREADS"] == str(threads)


@pytest.mark.parametrize("line", ["", "hello", "[]", "3", '{"done": 1}', "{"])
def test_what_is_no_event(line: str) -> None:
    assert parse_event(line) is None


def test_an_event() -> None:
    assert parse_event('{"message": "m", "done": 1, "total": "x"}') == TaskEvent(
        message="m", done=1
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [(-9, "SIGKILL"), (137, "SIGKILL"), (-11, "SIGSEGV"), (3, "status 3"), (0, "status 0")],
)
def test_endings(status: int, words: str) -> None:
    assert words in ending(status)
    assert ("memory" in ending(status)) == (words == "SIGKILL")


def test_log_tail_is_the_end_and_survives_broken_text(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert log_tail(log) == ""
    log.write_bytes(b"x" * 50_000 + b"\n" + b"".join(b"line %d\n" % i for i in range(30)) + b"\xff")
    assert log_tail(log).splitlines()[0] == "line 11"
    assert log_tail(log).endswith("�")


def answer(folder: Path, content: str | None, status: int = 0) -> object:
    write_document(folder, {"format": 1})
    (folder / "output" / "artifact").mkdir(exist_ok=True)
    if content is not None:
        (folder / "output" / "result.json").write_text(content)
    return read_answer(folder, status, folder / "log").attributes


def test_a_result(tmp_path: Path) -> None:
    assert answer(tmp_path, '{"attributes": {"rows": 3}}') == {"rows": 3}
    assert json.loads((tmp_path / "task.json").read_text()) == {"format": 1}


@pytest.mark.parametrize(
    ("content", "status", "summary"),
    [
        (None, 0, "Worker left no result"),
        ("{", 0, "Worker left a broken result"),
        ("[]", 0, "Worker left no result"),
        (None, -9, "Worker died"),
        ('{"attributes": {}}', 1, "Worker died"),
        ('{"problem": {"summary": "Unknown column"}}', 1, "Unknown column"),
    ],
)
def test_no_result(tmp_path: Path, content: str | None, status: int, summary: str) -> None:
    with pytest.raises(TaskFailed) as failure:
        answer(tmp_path, content, status)
    assert failure.value.summary == summary


def test_a_result_without_artifact_is_none(tmp_path: Path) -> None:
    write_document(tmp_path, {})
    (tmp_path / "output" / "result.json").write_text('{"attributes": {}}')
    with pytest.raises(TaskFailed, match="no result"):
        read_answer(tmp_path, 0, tmp_path / "log")
