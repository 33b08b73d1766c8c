"""Whether what a step makes is what was planned: apply decides nothing anew."""

from __future__ import annotations

from mlform.errors import MlformError
from mlform.graph.desired import DesiredResource
from mlform.plan.changes import Change
from mlform.plan.differing import differences, path_text


class PlanOutdatedError(MlformError):
    """What an object is made from is not what it was when the plan was made."""


def check_arguments(change: Change, desired: DesiredResource) -> None:
    """Refuse arguments that came out otherwise than was planned, where that was known.

    Raises:
        PlanOutdatedError: If one did.
    """
    planned = change.after or {}
    for name, value in desired.document.items():
        if name not in planned or planned[name] == value:
            continue
        for found in differences(planned[name], value, (name,)):
            if not any(found.path[: len(path)] == path for path in change.after_unknown):
                raise PlanOutdatedError(
                    "Changed since the plan was made",
                    f"{path_text(found.path)} is not what it was when the plan was made: perhaps a "
                    "file that a function reads was edited. Nothing was done with it. Make a new "
                    "plan and apply that.",
                )
