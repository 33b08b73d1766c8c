"""How long reading configuration takes: mlform's parser against python-hcl2, in one run.

The texts are 1,000 blocks of 8 arguments each. In the plain one these are strings, numbers,
references and truth values, as in most configuration; the mixed one has lists, objects, calls,
templates and conditionals as well. Prints the best of several runs in seconds, and the ratio; then
the memory that 1,000 to 8,000 plain blocks take at the peak, which has to grow like their number.
The search for garbage is set as the mlform command sets it.

Run: `python benchmarks/parse.py [--blocks 1000] [--runs 5] [--skip-peer]`
"""

from __future__ import annotations

import argparse
import gc
import tracemalloc
from collections.abc import Callable
from time import perf_counter

from mlform.diagnostics import Source
from mlform.hcl.parser import parse

_PLAIN = """\
resource "mlform_data" "r{n}" {{
  name        = "resource-{n}"
  description = "A resource with a description of some words"
  enabled     = true
  size        = {n}
  ratio       = 0.25
  parent      = mlform_data.root.id
  label       = var.label
  kind        = "plain"
}}
"""
_MIXED = """\
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
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def configuration(blocks: int, block: str = _MIXED) -> str:
    """Return the text that both parsers read."""
    return "\n".join(block.format(n=n) for n in range(blocks))


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


def peak_memory(text: str) -> int:
    """Return the bytes that reading a text takes at the peak, the text itself not counted."""
    tracemalloc.start()
    read(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def compare(name: str, text: str, *, runs: int, skip_peer: bool) -> None:
    """Measure one text with both parsers and print."""
    ours = best_seconds(lambda: read(text), runs)
    print(f"{name}: {len(text):,} characters")
    print(f"  mlform       {ours:8.3f} s")
    if skip_peer:
        return
    import hcl2

    theirs = best_seconds(lambda: hcl2.loads(text), 1)
    print(f"  python-hcl2  {theirs:8.3f} s")
    print(f"  ratio        {theirs / ours:8.1f} times as fast")


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--blocks", type=int, default=1000)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--skip-peer", action="store_true")
    options = arguments.parse_args()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 100)
    for name, block in (("plain", _PLAIN), ("mixed", _MIXED)):
        text = configuration(options.blocks, block)
        compare(name, text, runs=options.runs, skip_peer=options.skip_peer)
    print("memory")
    for factor in (1, 2, 4, 8):
        blocks = factor * options.blocks
        peak = peak_memory(configuration(blocks, _PLAIN))
        print(f"  {blocks:6,} blocks {peak / 2**20:8.1f} MiB, {peak // blocks:,} bytes each")


if __name__ == "__main__":
    main()
