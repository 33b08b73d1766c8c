"""Working folders: gone after use, swept after a death, never under somebody's feet."""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251 - a process that dies is what is tested
import sys
from pathlib import Path

from mlform.apply.work_folders import sweep, work_folder

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from pathlib import Path
from mlform.apply.work_folders import work_folder
with work_folder(Path(sys.argv[1]), "held") as folder:
    (folder / "file").write_text("x")
    print("held", flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "work").iterdir())


def test_gone_after_use(tmp_path: Path) -> None:
    with work_folder(tmp_path, "a") as folder:
        (folder / "file").write_text("x")
        assert folder == tmp_path / "work" / "a"
    assert names(tmp_path) == []


def test_only_what_the_dead_left_is_swept(tmp_path: Path) -> None:
    sweep(tmp_path)
    (tmp_path / "work" / "old").mkdir(parents=True)
    (tmp_path / "work" / "gone.lock").touch()
    with subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with work_folder(tmp_path, "mine"):
            sweep(tmp_path)
            assert names(tmp_path) == ["held", "held.lock", "mine", "mine.lock"]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    sweep(tmp_path)
    assert names(tmp_path) == []
