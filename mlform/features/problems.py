"""Problems a person can cause with data, arguments or user code, and how they are worded."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from mlform.tasks import TaskProblem

_LISTED = 40


class TaskFailure(Exception):
    """The work cannot be done because of what it was given.

    Attributes:
        problem: What is wrong and how to fix it.
    """

    def __init__(self, summary: str, detail: str, argument: str = "") -> None:
        """Make the failure from the fields of its problem."""
        super().__init__(f"{summary}: {detail}")
        self.problem = TaskProblem(summary=summary, detail=detail, argument=argument)


def unreadable(path: Path | str, argument: str = "") -> TaskFailure:
    """Return the failure of not being allowed to read a file or folder."""
    return TaskFailure(
        "Files cannot be read",
        f"{path}: permission denied. The task runs as user {os.getuid()} of group {os.getgid()}, "
        "who must be able to read sources and code and to enter their folders. Give everybody that "
        "right (chmod -R o+rX), or run mlform as a user who owns them.",
        argument,
    )


def require_readable(path: Path, argument: str = "") -> None:
    """Check that this process may read a file, or enter a folder; absent is fine.

    Raises:
        TaskFailure: If it may not.
    """
    try:
        wanted = os.R_OK | (os.X_OK if path.is_dir() else 0)
    except PermissionError as error:
        raise unreadable(path, argument) from error
    if os.access(path, os.F_OK) and not os.access(path, wanted):
        raise unreadable(path, argument)


def require_readable_tree(folder: Path, argument: str = "") -> None:
    """Check that this process may read all that lies in a folder.

    Whatever lists files leaves out silently what it may not enter.

    Raises:
        TaskFailure: If it may not.
    """
    for path in (folder, *folder.rglob("*")):
        require_readable(path, argument)


def quoted(names: Iterable[object]) -> str:
    """Return names in quotes, separated by commas, cut after 40."""
    listed = [f'"{name}"' for name in names]
    if len(listed) > _LISTED:
        return ", ".join(listed[:_LISTED]) + f" and {len(listed) - _LISTED} more"
    return ", ".join(listed)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "…"?` where a known name is close, else an empty string."""
    names = list(known)
    lowered = {candidate.lower(): candidate for candidate in names}
    if name.lower() in lowered:
        return f' Did you mean "{lowered[name.lower()]}"?'
    close = get_close_matches(name, names, n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


def unknown_column(name: str, known: Iterable[str], argument: str = "") -> TaskFailure:
    """Return the failure of naming a column that does not exist."""
    names = list(known)
    return TaskFailure(
        "Unknown column",
        f'There is no column "{name}".{suggestion(name, names)} The columns are {quoted(names)}.',
        argument,
    )


def require_columns(names: Iterable[str], known: Iterable[str], argument: str) -> None:
    """Check that every name is a known column.

    Raises:
        TaskFailure: For the first one that is not; the argument gets its index.
    """
    columns = list(known)
    for index, name in enumerate(names):
        if name not in columns:
            raise unknown_column(name, columns, f"{argument}[{index}]")
