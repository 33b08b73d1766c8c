"""What happens during an apply, for whoever watches."""

from __future__ import annotations

from typing import TypeAlias

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass
from mlform.diagnostics import SourceRange
from mlform.plan.steps import Operation
from mlform.tasks import TaskEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step began.

    Attributes:
        id: Identity of the object that there was, or empty.
        expected_seconds: The duration of its last run, if known.
        attempt: How often it began by now.
    """

    address: ResourceAddress
    operation: Operation
    id: str = ""
    expected_seconds: float | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    """A step that runs has something to say."""

    address: ResourceAddress
    progress: TaskEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step succeeded.

    Attributes:
        seconds: How long it took.
        id: Identity of the object (short digest, container, …), or empty.
        reused: The result came from the store; nothing ran.
        unchanged: Nothing had to be done after all, or the new artifact is the old one.
    """

    address: ResourceAddress
    operation: Operation
    seconds: float
    id: str = ""
    reused: bool = False
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed:
    """A step failed: what, why, and where the whole log is.

    Attributes:
        summary: What failed.
        detail: Why, and what to do about it.
        log: Path of the log, or empty.
        tail: The last lines of the log.
        range: The argument at fault, where that is known.
    """

    address: ResourceAddress
    operation: Operation
    summary: str
    detail: str
    log: str = ""
    tail: tuple[str, ...] = ()
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRetrying:
    """An attempt at a step failed, and another one follows.

    Attributes:
        summary: What failed.
        detail: Why.
        attempt: The attempt that follows, counted from 1.
        attempts: How many there are at most.
        seconds: How long it waits until then.
        log: Path of the log of the failed attempt, or empty.
    """

    address: ResourceAddress
    operation: Operation
    summary: str
    detail: str
    attempt: int
    attempts: int
    seconds: float
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped:
    """A step was not begun because of another one, or of an interrupt."""

    address: ResourceAddress
    operation: Operation
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Something that a dead run left behind was adopted or removed."""

    address: ResourceAddress
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The wish to stop arrived: what runs finishes, or is stopped too when `now`."""

    now: bool


Event: TypeAlias = (
    StepStarted
    | StepProgress
    | StepFinished
    | StepRetrying
    | StepFailed
    | StepSkipped
    | Recovered
    | Interrupted
)
