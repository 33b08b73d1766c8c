"""Which workspace is in use, remembered in the data folder as Terraform does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mlform.durable import write_file
from mlform.errors import MlformError, UsageError

_NAME: Final = re.compile(r"[\w.~$&+=:@-]+", re.ASCII)
"""What stands in the path of a URL as it is."""
_NO_NAMES: Final = frozenset({".", ".."})


def selected_workspace(data_folder: Path) -> str:
    """Return the workspace that was chosen last; an empty string where none was."""
    try:
        return _file(data_folder).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def select_workspace(data_folder: Path, name: str) -> None:
    """Remember that a workspace is in use from now on.

    Raises:
        MlformError: If that cannot be written down.
    """
    path = _file(data_folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, name.encode())
    except OSError as error:
        raise MlformError(
            "The workspace cannot be selected",
            f"{path} cannot be written: {error.strerror or error}. Until it can, name the "
            f"workspace in the environment: MLF_WORKSPACE={name}.",
        ) from error


def check_name(name: str) -> None:
    """Check that a workspace may have a name.

    Raises:
        UsageError: If it may not.
    """
    if _NAME.fullmatch(name) is None or name in _NO_NAMES:
        raise UsageError(
            "Invalid workspace name",
            f'The workspace name "{name}" is not allowed. The name must contain only URL safe '
            "characters, and no path separators.",
        )


def _file(data_folder: Path) -> Path:
    return data_folder / "environment"
