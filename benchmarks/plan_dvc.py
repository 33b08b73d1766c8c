"""How long it takes to see that nothing changed: a plan of mlform against `dvc repro`.

Two graphs of mlform: values in layers (`mlform_data`), as many as DVC has stages, and data sets
each made from a file of its own, which is nearer to what DVC looks at: files and their digests.
DVC's stages are in the same layers, each makes a file from two files of the layer above. To run 500
of them takes minutes, so the files, DVC's cache of them and `dvc.lock` are written here; DVC must
say itself that no stage changed, which is checked at every run.

Run: `python benchmarks/plan_dvc.py [--sizes 100 500] [--rounds 3]`
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from layered import parents, write_ours
from measuring import MLFORM, PYTHON, Run, compared, in_turn, run, table
from plan_noop import unchanged

DVC = (PYTHON, "-m", "dvc")
_DATASET = """\
resource "dataset" "n{number}" {{
  source "file" {{
    path = "${{path.module}}/n{number}.csv"
  }}
}}
"""


def write_datasets(folder: Path, count: int) -> Path:
    """Write as many data sets, each with its file, to a new folder."""
    folder.mkdir()
    for number in range(count):
        rows = "".join(f"{number},{row},{number * row}\n" for row in range(20))
        (folder / f"n{number}.csv").write_text(f"number,row,product\n{rows}")
    blocks = [_DATASET.format(number=number) for number in range(count)]
    (folder / "main.mlf.hcl").write_text("\n".join(blocks))
    return folder


def write_stages(folder: Path, count: int) -> Path:
    """Write a project of DVC in which every stage is up to date."""
    folder.mkdir()
    run((*DVC, "init", "--no-scm", "--quiet"), folder)
    contents: list[str] = []
    stages, locked = ["stages:"], ["schema: '2.0'", "stages:"]
    for number in range(count):
        above = parents(number, count)
        contents.append(f"{number}\n" + "".join(contents[item][:8] for item in above))
        _write_output(folder, f"n{number}.txt", contents[number])
        needed = [f"n{item}.txt" for item in above]
        command = f"echo {number} | cat - {' '.join(needed)} > n{number}.txt"
        deps = [f"    - {name}" for name in needed]
        stages += [f"  n{number}:", f"    cmd: {command}", *(["    deps:", *deps] if deps else [])]
        stages += ["    outs:", f"    - n{number}.txt"]
        locked += [f"  n{number}:", f"    cmd: {command}"]
        if above:
            locked.append("    deps:")
            for item in sorted(above, key=lambda each: f"n{each}.txt"):
                locked += _entry(f"n{item}.txt", contents[item])
        locked += ["    outs:", *_entry(f"n{number}.txt", contents[number])]
    (folder / "dvc.yaml").write_text("\n".join(stages) + "\n")
    (folder / "dvc.lock").write_text("\n".join(locked) + "\n")
    return folder


def _digest(content: str) -> str:
    return hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()


def _write_output(folder: Path, name: str, content: str) -> None:
    """Write a file, and the copy of it in DVC's cache."""
    (folder / name).write_text(content)
    digest = _digest(content)
    cached = folder / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text(content)
    cached.chmod(0o444)


def _entry(name: str, content: str) -> list[str]:
    return [
        f"    - path: {name}",
        "      hash: md5",
        f"      md5: {_digest(content)}",
        f"      size: {len(content.encode())}",
    ]


def up_to_date(folder: Path) -> Run:
    """Let DVC reproduce everything, and make sure that nothing was to do."""
    found = run((*DVC, "repro"), folder)
    if "Data and pipelines are up to date." not in found.output or "Running stage" in found.output:
        sys.exit(f"dvc found changes:\n{found.output[-2000:]}")
    return found


def compare(size: int, rounds: int, folder: Path) -> list[list[str]]:
    """Measure one size; return the rows of the table."""
    stages = write_stages(folder / f"dvc-{size}", size)
    up_to_date(stages)  # DVC notes the digests of files, as it would have had it made them
    rows = []
    graphs = {
        "values": write_ours(folder / f"values-{size}", size),
        "data sets": write_datasets(folder / f"data-sets-{size}", size),
    }
    for name, ours in graphs.items():
        run((*MLFORM, "apply", "-auto-approve"), ours)
        first, second = in_turn(
            rounds,
            lambda ours=ours: unchanged((*MLFORM, "plan"), ours),
            lambda: up_to_date(stages),
        )
        _, *figures = compared(size, first, second)
        rows.append([f"{size:,} {name}", *figures])
    return rows


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[100, 500])
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    rows: list[list[str]] = []
    folder = Path(tempfile.mkdtemp())
    try:
        for size in options.sizes:
            rows += compare(size, options.rounds, folder)
    finally:
        shutil.rmtree(folder)
    head = ("nodes", "mlform", "processor", "memory", "dvc repro", "processor", "memory")
    table((*head, "ratio", "of processor"), rows)


if __name__ == "__main__":
    main()
