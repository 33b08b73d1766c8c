"""The log files of attempts: numbered whatever the clock says, and not kept for ever."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlform.addresses import parse_address
from mlform.apply.attempt_logs import DAYS, KEPT, find_log, logs_of, new_log, remove_old_logs

ADDRESS = parse_address('module.a["x/y"].model.m["ä"]')
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_numbers_follow_the_order_though_the_clock_jumps_back(tmp_path: Path) -> None:
    for number in range(3):
        new_log(tmp_path, ADDRESS, f"id-{number}", NOW - timedelta(days=number)).write_text("x")
    found = logs_of(tmp_path, ADDRESS)
    assert [(log.number, log.attempt) for log in found] == [(1, "id-0"), (2, "id-1"), (3, "id-2")]
    assert found[0].began == "2026-01-02T03:04:05Z"
    assert find_log(tmp_path, ADDRESS, "id-1") == found[1].path
    assert find_log(tmp_path, ADDRESS, "id-9") is None
    assert logs_of(tmp_path, parse_address("model.m")) == ()


def test_an_attempt_has_one_log(tmp_path: Path) -> None:
    first = new_log(tmp_path, ADDRESS, "id", NOW)
    first.write_text("x")
    assert new_log(tmp_path, ADDRESS, "id", NOW + timedelta(days=1)) == first


def test_old_logs_go_but_not_that_of_the_running_server(tmp_path: Path) -> None:
    for number in range(1, KEPT + 6):
        new_log(tmp_path, ADDRESS, f"id-{number}", NOW, serving="id-2").write_text("x")
    found = logs_of(tmp_path, ADDRESS)
    assert [log.number for log in found] == [2, *range(6, KEPT + 6)]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    first = new_log(tmp_path, ADDRESS, "id", NOW)
    (first.parent / "notes.log").write_text("mine")
    assert logs_of(tmp_path, ADDRESS) == ()


def test_logs_of_what_is_nowhere_any_more_go_with_time(tmp_path: Path) -> None:
    gone, fresh, kept = map(parse_address, ("model.gone", "model.fresh", "model.kept"))
    for address in (gone, fresh, kept):
        log = new_log(tmp_path, address, "id", NOW)
        log.write_text("x")
        for path in (log, log.parent):
            old = NOW - timedelta(days=DAYS - 1 if address == fresh else DAYS + 1)
            os.utime(path, (old.timestamp(), old.timestamp()))
    remove_old_logs(tmp_path, {kept}, NOW)
    assert [len(logs_of(tmp_path, each)) for each in (gone, fresh, kept)] == [0, 1, 1]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "model.fresh",
        "model.kept",
    ]
    remove_old_logs(tmp_path / "none", set(), NOW)
