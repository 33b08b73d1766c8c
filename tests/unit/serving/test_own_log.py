"""A server keeps its own log within bounds while it prints on."""

from __future__ import annotations

import subprocess  # noqa: TID251 - a process with a standard error of its own
import sys
import time
from pathlib import Path

PROGRAM = """
import sys
from mlform.serving import own_log

own_log._LOOK = 0.01
own_log.bound_own_log()
for number in range(200_000):
    sys.stderr.write(f"line {number} {'x' * 100}\\n")
sys.stdin.read()
sys.stderr.write("the end\\n")
"""


def test_the_middle_of_a_long_log_goes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        log.open("ab") as stream,
        subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stderr=stream
        ) as process,
    ):
        deadline = time.monotonic() + 120
        while "bytes left out here" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.communicate(b"")
    assert process.returncode == 0
    found = log.read_text()
    assert found.startswith("line 0 ")
    assert found.endswith("the end\n")
    assert found.count("\n") < 150_000


def test_what_is_no_file_is_left_alone() -> None:
    program = "from mlform.serving.own_log import bound_own_log; bound_own_log()"
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
