"""One step's attempts: what each may use, when it began, whether another one follows."""

from __future__ import annotations

from pathlib import Path

from mlform.apply.events import StepRetrying
from mlform.apply.failing import Trouble, is_worth_repeating, told_of
from mlform.apply.making import Making
from mlform.apply.slots import NOTHING, Needs
from mlform.dataclass import dataclass, field
from mlform.errors import TaskCancelled
from mlform.plan.steps import Step
from mlform.requirements import Retry


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
        trouble: What the last attempt failed of.
    """

    step: Step
    making: Making | None = None
    needs: Needs = NOTHING
    retry: Retry = field(default_factory=Retry)
    number: int = 0
    identity: str = ""
    trouble: Trouble | None = None

    def begin(self, identity: str) -> None:
        """Start the next attempt."""
        self.number += 1
        self.identity = identity


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


def unstoppable() -> TaskCancelled:
    """Return the failure of an attempt that was to be stopped and does not end."""
    return TaskCancelled(
        "Task cancelled",
        "The run was interrupted, but the runtime does not answer. Whatever it left is removed by "
        "the next run.",
    )
