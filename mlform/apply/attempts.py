"""One step's attempts: what each may use, when it began, whether another one follows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mlform.apply.events import StepRetrying
from mlform.apply.failing import Trouble, is_worth_repeating, told_of
from mlform.apply.making import Making
from mlform.apply.slots import NOTHING, Needs
from mlform.dataclass import dataclass, field
from mlform.errors import MlformError, TaskCancelled, TaskTimedOut
from mlform.plan.steps import Step
from mlform.requirements import Retry
from mlform.tasks import Requirements

_NEXT: Final = "Whatever it left is removed by the next run."


@dataclass(slots=True, kw_only=True)
class Attempt:
    """The newest attempt at a step.

    Attributes:
        step: The step.
        making: What is made; None for a removal.
        needs: What it needs of the machine.
        retry: How often it is tried.
        number: Which attempt this is; 0 before the first.
        identity: Of the attempt in the world.
        began: When it began, on the monotonic clock.
        limit: Seconds it may take, or None.
        trouble: What the last attempt failed of.
    """

    step: Step
    making: Making | None = None
    needs: Needs = NOTHING
    retry: Retry = field(default_factory=Retry)
    number: int = 0
    identity: str = ""
    began: float = 0.0
    limit: float | None = None
    trouble: Trouble | None = None

    def begin(self, identity: str, now: float, granted: Requirements) -> None:
        """Start the next attempt."""
        self.number += 1
        self.identity = identity
        self.began = now
        self.limit = granted.timeout


def next_attempt(attempt: Attempt, log: Path | None) -> StepRetrying | None:
    """Return the attempt that follows on one that failed, or None if none is to follow."""
    trouble, retry, number = attempt.trouble, attempt.retry, attempt.number
    if trouble is None or number >= retry.attempts or not is_worth_repeating(trouble, retry):
        return None
    told = told_of(trouble)
    return StepRetrying(
        address=attempt.step.address,
        operation=attempt.step.operation,
        summary=told.summary,
        detail=told.detail,
        attempt=number + 1,
        attempts=retry.attempts,
        seconds=retry.pause_before(number + 1),
        log="" if log is None else str(log),
    )


def gave_up(limit: float | None) -> MlformError:
    """Return the failure of an attempt that its runtime does not end.

    Args:
        limit: The time limit in seconds that it ran past; None where it was to be stopped.
    """
    if limit is None:
        return TaskCancelled(
            "Task cancelled", f"The run was interrupted, but the runtime does not answer. {_NEXT}"
        )
    return TaskTimedOut(
        "Task timed out",
        f"It ran longer than its limit of {limit:g} s, and the runtime did not stop it. {_NEXT}",
    )
