"""How long bringing a file into canonical form takes: `mlform fmt` against `terraform fmt`.

The file has blocks of ten arguments with comments, lists, objects, templates and a nested block;
both programs get the same bytes and must give the same. The sizes are numbers of blocks, about
265 bytes each. Processor time is that of the whole program, its start included.

Run: `python benchmarks/fmt.py [--sizes 10 1200 6000] [--rounds 5] [--peer-limit 6000]`
"""

from __future__ import annotations

from pathlib import Path

from measuring import MLFORM, by_size, in_turn, mebibytes, run, seconds, table

_BLOCK = """\
resource "mlform_data" "d{n}" {{
  name = "some name"
  path   = "./data/${{var.x}}/file.csv" # the path
  count = 3
  list = ["a", "b", 1, 2, var.foo.bar[0]]
  # a comment
  nested {{
    a = 1
    bcd = {{ x = 1, y = "two" }}
    cond = var.x > 3 ? "yes" : "no"
  }}
}}

"""


def compare(blocks: int, rounds: int, peer: str | None, folder: Path) -> list[str]:
    """Return the row of one size.

    Raises:
        ValueError: If the two forms differ.
    """
    text = "".join(_BLOCK.format(n=number) for number in range(blocks))
    ours, theirs = folder / "main.mlf.hcl", folder / "main.tf"
    ours.write_text(text)
    theirs.write_text(text)
    flags = ("-list=false", "-write=false")
    first, second = in_turn(
        rounds,
        lambda: run((*MLFORM, "fmt", *flags, ours.name), folder),
        (lambda: run((peer, "fmt", *flags, theirs.name), folder)) if peer is not None else None,
    )
    row = [f"{len(text) / 1000:.0f} kB", seconds(first.elapsed), seconds(first.processor)]
    row.append(mebibytes(first.memory))
    if second is None:
        return [*row, "", "", ""]
    if not second.output.endswith(first.output):
        message = f"the programs differ on {blocks} blocks"
        raise ValueError(message)
    ratio = f"{first.elapsed / second.elapsed:.1f}"
    return [*row, seconds(second.elapsed), seconds(second.processor), ratio]


def main() -> None:
    """Measure and print."""
    rows = by_size(__doc__, compare, rounds=5, peer_limit=6000, sizes=(10, 1200, 6000))
    header = ("file", "mlform", "processor", "memory", "terraform", "processor", "ratio")
    table(header, rows)


if __name__ == "__main__":
    main()
