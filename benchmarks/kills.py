"""What an apply that is killed loses: of mlform, and of Terraform on the same graph.

Each is killed (SIGKILL) at random instants while it makes resources from nothing, and counted is
what the state says afterwards of the resources that were announced as complete before.

    python benchmarks/kills.py --kills 12 --size 1000
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from layered import write_ours, write_theirs
from measuring import MLFORM, run, table, terraform, variables

_COMPLETE = re.compile(r"^(\S+): Creation complete after ", re.MULTILINE)
_SEED = 7


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was left of one killed apply.

    Attributes:
        announced: Resources that were said to be complete.
        recorded: Those of them that the state holds; None where the state cannot be read.
        whole: Whether a further apply brought everything to be; None where none was tried.
    """

    announced: int
    recorded: int | None
    whole: bool | None = None


def killed(command: Sequence[str], folder: Path, seconds: float) -> set[str]:
    """Run a program for so long, kill it, and return the addresses it said are complete."""
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(
            command, cwd=folder, env=variables(), stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        output.seek(0)
        return set(_COMPLETE.findall(output.read()))


def kill_ours(folder: Path, size: int, seconds: float) -> Aftermath:
    """Kill an apply of mlform, then apply again."""
    write_ours(folder, size)
    told = killed((*MLFORM, "apply", "-auto-approve"), folder, seconds)
    found = _state(lambda: _listed(folder))
    run((*MLFORM, "apply", "-auto-approve"), folder)
    whole = "No changes." in run((*MLFORM, "plan"), folder).output
    return Aftermath(len(told), None if found is None else len(told & found), whole)


def kill_theirs(peer: str, folder: Path, size: int, seconds: float) -> Aftermath:
    """Kill an apply of Terraform; one more would take minutes."""
    write_theirs(folder, size)
    run((peer, "init", "-no-color"), folder)
    told = killed((peer, "apply", "-auto-approve", "-no-color"), folder, seconds)
    found = _state(lambda: _addresses(folder / "terraform.tfstate"))
    return Aftermath(len(told), None if found is None else len(told & found))


def _listed(folder: Path) -> list[str]:
    if not (folder / "mlform.mlfstate").exists():
        return []
    return run((*MLFORM, "state", "list"), folder).output.split()


def _addresses(path: Path) -> list[str]:
    if not path.exists():
        return []
    document = json.loads(path.read_bytes())  # an empty file is no JSON
    return [f"{item['type']}.{item['name']}" for item in document["resources"]]


def _state(read: Callable[[], list[str]]) -> set[str] | None:
    try:
        return set(read())
    except (ValueError, SystemExit):
        return None


def _row(name: str, kills: Sequence[Aftermath]) -> list[str]:
    unreadable = sum(item.recorded is None for item in kills)
    lost = sum(item.announced - (item.recorded or 0) for item in kills)
    tried = [item.whole for item in kills if item.whole is not None]
    return [
        name,
        str(len(kills)),
        str(unreadable),
        f"{sum(item.announced for item in kills):,}",
        f"{lost:,}",
        f"{sum(tried)} of {len(tried)}" if tried else "not tried",
    ]


def _compare(
    kills: int, longest: float, kill: Callable[[Path, float], Aftermath], scratch: Path
) -> list[Aftermath]:
    random = Random(_SEED)  # noqa: S311 - instants, no secrets
    found = []
    for number in range(kills):
        folder = scratch / str(number)
        found.append(kill(folder, random.uniform(0.5, 1.0) * longest))
        shutil.rmtree(folder)
    return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=12)
    arguments.add_argument("--size", type=int, default=1000)
    arguments.add_argument(
        "--peer-seconds", type=float, default=20.0, help="latest instant to kill Terraform at"
    )
    options = arguments.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        folder = write_ours(scratch / "whole", options.size)
        began = time.perf_counter()
        run((*MLFORM, "apply", "-auto-approve"), folder)
        longest = time.perf_counter() - began
        (scratch / "ours").mkdir()
        ours = _compare(
            options.kills,
            longest,
            lambda at, seconds: kill_ours(at, options.size, seconds),
            scratch / "ours",
        )
        rows.append(_row("mlform", ours))
        peer = terraform()
        if peer is not None:
            (scratch / "theirs").mkdir()
            theirs = _compare(
                options.kills,
                options.peer_seconds,
                lambda at, seconds: kill_theirs(peer, at, options.size, seconds),
                scratch / "theirs",
            )
            rows.append(_row("terraform", theirs))
    header = ("program", "kills", "unreadable states", "announced", "lost", "next apply converged")
    table(header, rows)


if __name__ == "__main__":
    main()
