"""File systems of a chosen size, that fill and that can be made read-only; mounted where we may."""

from __future__ import annotations

import subprocess  # noqa: TID251 - mounts file systems
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A file system of a chosen size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def remount(self, options: str) -> None:
        subprocess.run(  # noqa: S603 - as root, in a test
            ["/bin/mount", "-o", f"remount,{options}", str(self.folder)], check=True
        )


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a file system on a folder, or skip the test."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 - as root, in a test
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)],
        check=False,
        capture_output=True,
    )
    if done.returncode != 0:
        pytest.skip("mounting a file system takes root")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)  # noqa: S603 - as above
