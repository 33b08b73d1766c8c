from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251 - real processes are what is tested
import sys
import time

from mlform.runtimes import proc

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
IGNORE = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdout.write("on\\n")
sys.stdout.flush()
time.sleep(60)
"""


def start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - commands of this file
        command, start_new_session=True, stdout=subprocess.PIPE
    )


def test_status_line_with_spaces_and_brackets_in_the_name() -> None:
    fields = ["S", "1", "22", "33", *["0"] * 15, "4242", "0", "7", *["0"] * 20]
    status = proc.parse_status(f"11 (a) b (c) {' '.join(fields)}")
    assert (status.pid, status.state, status.group, status.session) == (11, "S", 22, 33)
    assert status.started == 4242
    assert status.memory == 7 * os.sysconf("SC_PAGE_SIZE")


def test_a_stranger_with_a_used_number_is_not_stopped() -> None:
    child = start(SLEEP)
    try:
        name = proc.name_of(child.pid)
        assert name is not None
        stranger = proc.ProcessName(pid=child.pid, started=name.started - 1)
        assert not proc.stop(stranger, 0.1)
        assert proc.is_running(name)
        assert proc.stop(name, 1.0)
        assert not proc.is_running(name)
        assert not proc.stop(name, 1.0)
    finally:
        child.kill()
        child.communicate()


def test_one_that_ignores_the_request_is_killed_with_its_session() -> None:
    child = start([sys.executable, "-c", IGNORE])
    assert child.stdout is not None
    child.stdout.readline()
    name = proc.name_of(child.pid)
    assert name is not None
    begun = time.monotonic()
    assert proc.stop(name, 0.3)
    assert time.monotonic() - begun >= 0.3
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()


def test_a_dead_child_that_nobody_waited_for_is_not_running() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    while proc.name_of(child.pid) is not None:
        time.sleep(0.01)
    assert child.poll() == 0


def test_processes_are_found_by_a_whole_argument() -> None:
    child = start([*SLEEP, "/some/where/task.json"])
    try:
        name = proc.name_of(child.pid)
        found = proc.running_with_argument("/some/where/task.json")
        while name not in found:
            found = proc.running_with_argument("/some/where/task.json")
        assert proc.running_with_argument("/some/where/task") == []
    finally:
        child.kill()
        child.communicate()


def test_memory_counts_the_session() -> None:
    child = start(SLEEP)
    try:
        deadline = time.monotonic() + 10
        # A program that was only just started has not touched its memory yet.
        while proc.session_memory(child.pid) <= 1 << 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert proc.session_memory(child.pid) > 1 << 20
    finally:
        child.kill()
        child.communicate()
