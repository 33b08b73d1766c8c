"""Long logs lose their middle, whoever writes to them meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from mlform.bounded import cut_middle

LINES = [f"line {number:05d}\n" for number in range(1000)]
SIZE = len(LINES[0])


def cut(log: Path) -> None:
    cut_middle(log, most=200 * SIZE, head=10 * SIZE + 3, tail=20 * SIZE + 3)


def test_beginning_and_end_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(LINES))
    cut(log)
    found = log.read_text().splitlines(keepends=True)
    assert found[:10] == LINES[:10]
    assert found[11:] == LINES[-20:]
    assert f"[mlform: {970 * SIZE} bytes left out here: " in found[10]


def test_what_is_left_out_adds_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(LINES[:300]))
    cut(log)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, "".join(LINES[300:]).encode())
    cut(log)
    os.write(descriptor, b"it goes on\n")
    os.close(descriptor)
    found = log.read_text().splitlines(keepends=True)
    assert found[:10] == LINES[:10]
    assert f"[mlform: {970 * SIZE} bytes left out here: " in found[10]
    assert found[11:] == [*LINES[-20:], "it goes on\n"]


def test_a_short_one_stays_and_one_that_is_not_there_is_fine(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(LINES[:200]))
    cut(log)
    assert log.read_text() == "".join(LINES[:200])
    cut(tmp_path / "none")


def test_one_line_without_an_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for _ in range(2):
        with log.open("ab") as stream:
            stream.write(b"x" * 400 * SIZE)
        cut(log)
    found = log.read_text().splitlines()
    assert [set(line) for line in (found[0], found[2])] == [{"x"}, {"x"}]
    assert found[1].startswith("[mlform: ")
    assert len(found) == 3
