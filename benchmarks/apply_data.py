"""How long an apply of `mlform_data` takes: mlform against Terraform, from nothing.

Run: `python benchmarks/apply_data.py [--sizes 100 1000 3000] [--rounds 1] [--peer-limit 1000]`
(Terraform takes minutes for a thousand resources, ten and more for three thousand.)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from layered import write_ours, write_theirs
from measuring import MLFORM, Run, by_size, in_turn, mebibytes, run, seconds, table

_STATES = ("mlform.mlfstate", "terraform.tfstate")


def from_nothing(command: tuple[str, ...], folder: Path) -> Run:
    """Apply without a state."""
    for name in _STATES:
        (folder / name).unlink(missing_ok=True)
    return run(command, folder)


def compare(size: int, rounds: int, peer: str | None, folder: Path) -> list[str]:
    """Measure one size; return the row of the table."""
    ours = write_ours(folder / f"ours-{size}", size)
    theirs = None if peer is None else _peer(peer, size, folder / f"theirs-{size}")
    first, second = in_turn(
        rounds, lambda: from_nothing((*MLFORM, "apply", "-auto-approve"), ours), theirs
    )
    state = (ours / _STATES[0]).stat().st_size
    row = [
        f"{size:,}",
        seconds(first.elapsed),
        seconds(first.processor),
        mebibytes(first.memory),
        f"{state / size:.0f} B",
    ]
    if second is None:
        return [*row, "", "", ""]
    return [
        *row,
        seconds(second.elapsed),
        seconds(second.processor),
        f"{second.elapsed / first.elapsed:.1f}",
    ]


def _peer(peer: str, size: int, folder: Path) -> Callable[[], Run]:
    write_theirs(folder, size)
    run((peer, "init", "-no-color"), folder)
    return lambda: from_nothing((peer, "apply", "-auto-approve", "-no-color"), folder)


def main() -> None:
    """Measure and print."""
    rows = by_size(__doc__, compare, rounds=1, peer_limit=1000)
    table(
        (
            "resources",
            "mlform",
            "processor",
            "memory",
            "state each",
            "terraform",
            "processor",
            "times as fast",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
