"""Problems a person can cause with data, arguments or user code, and how they are worded."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

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
