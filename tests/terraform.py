"""The `terraform` program as a second opinion on the form of files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess  # noqa: TID251 - the other program
from collections.abc import Sequence
from pathlib import Path

TERRAFORM = shutil.which("terraform")
_REJECTED = re.compile(r"\bon \S*?file(\d{5})\.tf line")


def terraform_fmt(folder: Path, contents: Sequence[bytes]) -> list[bytes | None]:
    """Return what `terraform fmt` makes of files, None for those that it rejects.

    Args:
        folder: Empty, to write files to.
        contents: Of the files.
    """
    assert TERRAFORM is not None
    files = [folder / f"file{number:05}.tf" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    settings = folder / "settings"
    settings.write_text("disable_checkpoint = true\n")
    done = subprocess.run(  # noqa: S603 - found on the PATH on purpose
        [TERRAFORM, "fmt", "-list=false", "-no-color", str(folder)],
        cwd=folder,
        env={**os.environ, "TF_CLI_CONFIG_FILE": str(settings)},  # noqa: TID251 - to start it
        capture_output=True,
        text=True,
        check=False,
    )
    rejected = {int(number) for number in _REJECTED.findall(done.stdout + done.stderr)}
    return [None if number in rejected else file.read_bytes() for number, file in enumerate(files)]
