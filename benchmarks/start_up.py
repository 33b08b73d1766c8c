"""How long it takes until mlform has something to say, against Python itself and Terraform.

Run: `python benchmarks/start_up.py [--rounds 7]`
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from layered import write_ours
from measuring import MLFORM, PYTHON, Run, mebibytes, medians, run, seconds, table, terraform


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


if __name__ == "__main__":
    main()
