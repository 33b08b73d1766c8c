"""`python -m mlform.worker`: run a task, check an image, or serve as a fork server.

* `DOCUMENT`: runs the task; standard output carries events, exit status as `run_document` says.
* `--check`: prints the versions in this image as JSON.
* `--warm`: see `mlform.worker.warm`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_USAGE = "usage: python -m mlform.worker DOCUMENT.json | --check | --warm\n"


def main(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status."""
    if len(arguments) != 1 or (arguments[0].startswith("-") and arguments[0] not in _MODES):
        sys.stderr.write(_USAGE)
        return 2
    return _MODES.get(arguments[0], lambda: _task(Path(arguments[0])))()


def _check() -> int:
    import json

    from mlform.worker.versions import versions

    sys.stdout.write(json.dumps(versions()) + "\n")
    return 0


def _warm() -> int:
    _fix_hashes()
    from mlform.worker.warm import ForkServer

    replies = _take_stdout()
    ForkServer(0, replies).serve()
    return 0


def _task(document: Path) -> int:
    _fix_hashes()
    from mlform.worker.execution import run_document
    from mlform.worker.printing import Printed, as_text, printing

    with printing() as printed:
        return run_document(document, as_text(Printed(_take_stdout())), printed)


_MODES = {"--check": _check, "--warm": _warm}


def _take_stdout() -> int:
    """Keep standard output for ourselves; what anyone prints goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return kept


def _fix_hashes() -> None:
    """Start over with fixed string hashes, so that sets of user code have one order."""
    if sys.flags.hash_randomization and os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this same command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
