"""What the benchmarks share: running programs side by side, configurations, tables.

Programs are run in turn, ours and theirs, so that both see the same machine; what is printed are
medians. Elapsed time is what a person waits; processor time says more on a machine that is busy
with other things as well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
MLFORM = (PYTHON, "-m", "mlform")
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program.

    Attributes:
        elapsed: Seconds on the wall.
        processor: Seconds of processor time, that of its children included.
        memory: Peak of resident memory of the program itself, in bytes.
        output: What it printed.
    """

    elapsed: float
    processor: float
    memory: int
    output: str


def run(command: Sequence[str | Path], folder: Path) -> Run:
    """Run a program to its end.

    Raises:
        SystemExit: If it fails.
    """
    begin = perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env=variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = process.stdout.read() if process.stdout is not None else ""
    _, status, used = os.wait4(process.pid, 0)
    elapsed = perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} in {folder} failed:\n{output}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(elapsed, used.ru_utime + used.ru_stime, used.ru_maxrss * unit, output)


def variables() -> Mapping[str, str]:
    """Return the environment of the programs: mlform as if installed, with compiled bytecode."""
    found = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith(("TF_", "MLF_"))
    }
    return {**found, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def terraform() -> str | None:
    """Return the path of terraform, or None where there is none."""
    return shutil.which("terraform")


def by_size(
    description: str | None,
    compare: Callable[[int, int, str | None, Path], list[str]],
    *,
    rounds: int,
    peer_limit: int,
    sizes: Sequence[int] = (100, 1000, 3000),
) -> list[list[str]]:
    """Compare mlform with Terraform at each size that the command line names.

    Args:
        description: Of the program, for its help.
        compare: Gives a row for a size: takes the size, the rounds, the path of terraform or
            None, and a scratch folder.
        rounds: How often each is run by default.
        peer_limit: Largest size that Terraform is asked for by default.
        sizes: By default.
    """
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--sizes", type=int, nargs="+", default=list(sizes))
    arguments.add_argument("--rounds", type=int, default=rounds)
    arguments.add_argument(
        "--peer-limit", type=int, default=peer_limit, help="largest size for Terraform"
    )
    options = arguments.parse_args()
    peer = terraform()
    if peer is None:
        print("terraform is not here: only mlform is measured")
    with tempfile.TemporaryDirectory() as folder:
        return [
            compare(
                size, options.rounds, peer if size <= options.peer_limit else None, Path(folder)
            )
            for size in options.sizes
        ]


def in_turn(
    rounds: int, ours: Callable[[], Run], theirs: Callable[[], Run] | None = None
) -> tuple[Run, Run | None]:
    """Run two programs in turn; return the medians of each."""
    first: list[Run] = []
    second: list[Run] = []
    for _ in range(rounds):
        first.append(ours())
        if theirs is not None:
            second.append(theirs())
    return medians(first), medians(second) if second else None


COMPARED = (
    "resources",
    "mlform",
    "processor",
    "memory",
    "terraform",
    "processor",
    "memory",
    "ratio",
    "of processor",
)
"""Head of a table of rows that `compared` gives."""


def compared(size: int, ours: Run, theirs: Run | None) -> list[str]:
    """Return the row of one size; empty cells where the peer was not run."""
    row = [f"{size:,}", seconds(ours.elapsed), seconds(ours.processor), mebibytes(ours.memory)]
    if theirs is None:
        return [*row, "", "", "", "", ""]
    return [
        *row,
        seconds(theirs.elapsed),
        seconds(theirs.processor),
        mebibytes(theirs.memory),
        ratio(ours.elapsed, theirs.elapsed),
        ratio(ours.processor, theirs.processor),
    ]


def medians(runs: Sequence[Run]) -> Run:
    """Return the median of each figure."""
    return Run(
        median(item.elapsed for item in runs),
        median(item.processor for item in runs),
        int(median(item.memory for item in runs)),
        runs[-1].output,
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table, numbers to the right."""
    every = [header, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        first, *rest = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]
        return "| " + " | ".join(cells) + " |"

    print(line(header))
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for row in rows:
        print(line(row), flush=True)


def ratio(ours: float, theirs: float) -> str:
    """Return a ratio for a table, with two digits that say something."""
    return f"{ours / theirs:.3f}" if ours < theirs / 10 else f"{ours / theirs:.2f}"


def seconds(value: float) -> str:
    """Return a duration for a table."""
    return f"{value:.2f} s"


def mebibytes(value: int) -> str:
    """Return a size for a table."""
    return f"{value / MEBIBYTE:.0f} MiB"
