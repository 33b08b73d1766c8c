"""How long it takes until mlform has something to say, against Python itself and Terraform.

A second table says when the first byte comes of a plan that takes longer: on a terminal, and as
JSON messages.

Run: `python benchmarks/start_up.py [--rounds 7]`
"""

from __future__ import annotations

import argparse
import os
import pty
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from layered import write_ours
from measuring import (
    MLFORM,
    PYTHON,
    Run,
    mebibytes,
    medians,
    run,
    seconds,
    table,
    terraform,
    variables,
)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    options = arguments.parse_args()
    commands: dict[str, tuple[str, ...]] = {
        "python -c pass": (PYTHON, "-c", "pass"),
        "mlform version": (*MLFORM, "version"),
        "mlform -help": (*MLFORM, "-help"),
        "mlform plan -help": (*MLFORM, "plan", "-help"),
        "mlform validate": (*MLFORM, "validate"),
        "mlform plan": (*MLFORM, "plan"),
    }
    peer = terraform()
    if peer is not None:
        commands["terraform version"] = (peer, "version")
    found: dict[str, list[Run]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        work = write_ours(Path(folder) / "ours", 10)
        run((*MLFORM, "apply", "-auto-approve"), work)
        for _ in range(options.rounds):
            for name, command in commands.items():
                found[name].append(run(command, work))
    floor = medians(found["python -c pass"]).elapsed
    rows = []
    for name, runs in found.items():
        item = medians(runs)
        rows.append(
            [
                name,
                seconds(item.elapsed),
                seconds(item.processor),
                mebibytes(item.memory),
                f"{item.elapsed / floor:.1f}",
            ]
        )
    table(("command", "elapsed", "processor", "memory", "times Python's start"), rows)
    print()
    _first_bytes(options.rounds)


def _first_bytes(rounds: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = write_ours(Path(folder) / "ours", 1000)
        run((*MLFORM, "apply", "-auto-approve"), work)
        for words, terminal in ((("plan",), True), (("plan", "-json"), False)):
            found = [_first_byte((*MLFORM, *words), work, terminal) for _ in range(rounds)]
            first, whole = (median(item[at] for item in found) for at in (0, 1))
            where = "on a terminal" if terminal else "in a pipe"
            rows.append([f"mlform {' '.join(words)}, {where}", seconds(first), seconds(whole)])
    table(("1,000 resources without changes", "first byte after", "all"), rows)


def _first_byte(command: tuple[str, ...], folder: Path, terminal: bool) -> tuple[float, float]:  # noqa: FBT001 - of a table
    """Return the seconds until the first byte of output, and until the end."""
    reading, writing = pty.openpty() if terminal else os.pipe()
    begin = perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=variables(),
        stdin=writing if terminal else subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
    )
    os.close(writing)
    os.read(reading, 1)
    first = perf_counter() - begin
    try:
        while os.read(reading, 1 << 16):
            pass
    except OSError:  # how the end of a terminal shows
        pass
    process.wait()
    os.close(reading)
    return first, perf_counter() - begin


if __name__ == "__main__":
    main()
