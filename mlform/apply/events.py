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
    """A step began; `expected_seconds` is the duration of its last run, if known."""

    address: ResourceAddress
    operation: Operation
    id: str = ""
    expected_seconds: float | None = None


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
        range: The argument at fault, where that is known.
    """

    address: ResourceAddress
    operation: Operation
    summary: str
    detail: str
    log: str = ""
    range: SourceRange | None = None


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
    StepStarted | StepProgress | StepFinished | StepFailed | StepSkipped | Recovered | Interrupted
)
