"""What mlform adds: an apply of the breast cancer example against the same steps as a script.

Both begin from nothing and end when the server answers. Prints where the apply's time goes, from
its own messages. Then a plan without changes of the same example.

Run: `python benchmarks/example_overhead.py [--rounds 3]`
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path

from measuring import MLFORM, PYTHON, ROOT, Run, in_turn, run, seconds, table

EXAMPLE = ROOT / "examples" / "breast_cancer"
SCRIPT = ROOT / "benchmarks" / "plain_breast_cancer.py"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def prepare(folder: Path) -> Path:
    """Copy the example and make its data; return the folder."""
    work = folder / "example"
    shutil.copytree(EXAMPLE, work, ignore=shutil.ignore_patterns(".mlform", "*.mlfstate*"))
    run((PYTHON, "data.py"), work)
    return work


def applied(work: Path, port: int) -> Run:
    """Apply from nothing; leaves the endpoint running."""
    for name in (".mlform", "mlform.mlfstate", ".mlform.lock.hcl"):
        place = work / name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    return run((*MLFORM, "apply", "-auto-approve", f"-var=port={port}"), work)


def destroyed(work: Path, port: int) -> None:
    """Take the endpoint down again."""
    run((*MLFORM, "destroy", "-auto-approve", f"-var=port={port}"), work)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = prepare(Path(folder))
        plans: list[Run] = []

        def ours() -> Run:
            port = free_port()
            found = applied(work, port)
            plans.append(run((*MLFORM, "plan", f"-var=port={port}"), work))
            destroyed(work, port)
            return found

        def theirs() -> Run:
            data = work / "data" / "breast_cancer.csv"
            found = run((PYTHON, SCRIPT, data, Path(folder) / "plain", str(free_port())), work)
            os.kill(json.loads(found.output)["process"], signal.SIGTERM)
            return found

        theirs()  # so that both find compiled bytecode and a warm disk
        ours()
        plans.clear()
        first, second = in_turn(options.rounds, ours, theirs)
    if second is None or any("No changes." not in plan.output for plan in plans):
        raise SystemExit("the plan after the apply found changes")
    rows = [
        ["plain script", seconds(second.elapsed), seconds(second.processor), ""],
        [
            "mlform apply",
            seconds(first.elapsed),
            seconds(first.processor),
            f"{first.elapsed - second.elapsed:+.2f} s",
        ],
        *(
            ["mlform plan, no changes", seconds(plan.elapsed), seconds(plan.processor), ""]
            for plan in plans
        ),
    ]
    table(("", "elapsed", "processor", "more than the script"), rows)
    print()
    print("\n".join(line for line in first.output.splitlines() if " complete after " in line))


if __name__ == "__main__":
    main()
