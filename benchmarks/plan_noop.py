"""How long a plan without changes takes: mlform against Terraform, on the same layered graph.

Run: `python benchmarks/plan_noop.py [--sizes 100 1000 3000] [--rounds 3] [--peer-limit 3000]`
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from layered import terraform_state, write_ours, write_theirs
from measuring import COMPARED, MLFORM, Run, by_size, compared, in_turn, run, table


def unchanged(command: tuple[str, ...], folder: Path) -> Run:
    """Plan, and make sure that nothing is to do."""
    found = run(command, folder)
    if "No changes." not in found.output:
        sys.exit(f"{command} found changes:\n{found.output[-2000:]}")
    return found


def compare(size: int, rounds: int, peer: str | None, folder: Path) -> list[str]:
    """Measure one size; return the row of the table."""
    ours = write_ours(folder / f"ours-{size}", size)
    run((*MLFORM, "apply", "-auto-approve"), ours)
    theirs = None if peer is None else _peer(peer, size, folder / f"theirs-{size}")
    first, second = in_turn(rounds, lambda: unchanged((*MLFORM, "plan"), ours), theirs)
    return compared(size, first, second)


def _peer(peer: str, size: int, folder: Path) -> Callable[[], Run]:
    write_theirs(folder, size)
    run((peer, "init", "-no-color"), folder)
    (folder / "terraform.tfstate").write_text(terraform_state(size))
    return lambda: unchanged((peer, "plan", "-no-color"), folder)


def main() -> None:
    """Measure and print."""
    rows = by_size(__doc__, compare, rounds=3, peer_limit=3000)
    table(COMPARED, rows)


if __name__ == "__main__":
    main()
