"""How long `validate` takes: mlform against Terraform, on the same configuration; how memory grows.

Resources hold an object with eight attributes, some of them computed, and refer to a variable, a
local and an earlier resource.

Run: `python benchmarks/validate.py [--sizes 1000 2000 5000 10000] [--rounds 3] [--peer-limit 5000]`
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from measuring import COMPARED, MLFORM, Run, by_size, compared, in_turn, run, table

_WIDTH = 10
"""Each resource refers to the one that stands as many places before it."""
_HEAD = """\
variable "region" {
  type    = string
  default = "eu"
}

locals {
  prefix = "row-${var.region}"
}
"""


def configuration(kind: str, count: int) -> str:
    """Return the resources as HCL, of the kind `mlform_data` or `terraform_data`."""
    return _HEAD + "".join(_resource(kind, number) for number in range(count))


def _resource(kind: str, number: int) -> str:
    parent = f"{kind}.n{number - _WIDTH}.output.name" if number >= _WIDTH else "local.prefix"
    return f"""
resource "{kind}" "n{number}" {{
  input = {{
    name    = "${{local.prefix}}-{number}"
    size    = {number} * 2
    enabled = {number} % 2 == 0
    tags    = ["a", "b", var.region]
    parent  = {parent}
    limits  = {{ low = 0.5, high = max({number}, 10) }}
    title   = upper("row {number}")
  }}
  triggers_replace = [var.region, {number}]
}}
"""


def compare(size: int, rounds: int, peer: str | None, folder: Path) -> list[str]:
    """Measure one size; return the row of the table."""
    ours = folder / f"ours-{size}"
    ours.mkdir()
    (ours / "main.mlf.hcl").write_text(configuration("mlform_data", size))
    theirs = None if peer is None else _peer(peer, size, folder / f"theirs-{size}")
    first, second = in_turn(rounds, lambda: _valid((*MLFORM, "validate"), ours), theirs)
    return compared(size, first, second)


def _peer(peer: str, size: int, folder: Path) -> Callable[[], Run]:
    folder.mkdir()
    (folder / "main.tf").write_text(configuration("terraform_data", size))
    run((peer, "init", "-no-color"), folder)
    return lambda: _valid((peer, "validate", "-no-color"), folder)


def _valid(command: tuple[str, ...], folder: Path) -> Run:
    found = run(command, folder)
    if "The configuration is valid" not in found.output:
        sys.exit(f"{command} found problems:\n{found.output[-2000:]}")
    return found


def main() -> None:
    """Measure and print."""
    rows = by_size(__doc__, compare, rounds=3, peer_limit=5000, sizes=(1000, 2000, 5000, 10000))
    table(COMPARED, rows)


if __name__ == "__main__":
    main()
