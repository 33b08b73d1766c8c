"""What comes out of tests, and what is told while they run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeAlias

from mlform.addresses import ResourceAddress
from mlform.config.suites import RunBlock, Suite
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic
from mlform.plan.changes import Plan
from mlform.state.snapshot import State


class Status(Enum):
    """How a run or a file of tests went; the value is the word in Terraform's JSON."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    """An assertion does not hold."""
    ERROR = "error"
    """It could not be carried out, or what was expected to fail did not."""
    SKIP = "skip"
    """It was not begun because of one before it, or of an interrupt."""


_WORST = (Status.ERROR, Status.FAIL, Status.PASS, Status.SKIP)


def worst(statuses: Sequence[Status]) -> Status:
    """Return the worst of several; `PASS` where there are none."""
    return min(statuses, key=_WORST.index, default=Status.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How one run went.

    Attributes:
        name: Of the run.
        status: How it went.
        diagnostics: What is wrong, and warnings.
        began: When, or None if it was not begun.
        seconds: How long it took.
        assertions: How many assertions it has.
        failed: How many of them do not hold.
        plan: What it planned, where there is such a plan.
        state: What it left, if it applied.
        because: Why it was skipped, or empty.
    """

    name: str
    status: Status
    diagnostics: tuple[Diagnostic, ...] = ()
    began: datetime | None = None
    seconds: float = 0.0
    assertions: int = 0
    failed: int = 0
    plan: Plan | None = None
    state: State | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Objects that could not be destroyed after the runs of a file.

    Attributes:
        run: The last run that worked on them.
        addresses: Of the objects.
        diagnostics: Why.
    """

    run: str
    addresses: tuple[ResourceAddress, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOutcome:
    """How the runs of one file went.

    Attributes:
        path: The file.
        runs: In order.
        diagnostics: What is wrong with the file as a whole.
        leftovers: What could not be destroyed.
    """

    path: str
    runs: tuple[RunOutcome, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    leftovers: tuple[Leftover, ...] = ()

    @property
    def status(self) -> Status:
        """The worst of its runs; what is left over is an error."""
        if self.leftovers:
            return Status.ERROR
        return worst([run.status for run in self.runs])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many runs went how."""

    status: Status
    passed: int
    failed: int
    errored: int
    skipped: int


def tally_of(suites: Sequence[SuiteOutcome]) -> Tally:
    """Return the figures of all files."""
    statuses = [run.status for suite in suites for run in suite.runs]
    return Tally(
        status=worst([suite.status for suite in suites]),
        passed=statuses.count(Status.PASS),
        failed=statuses.count(Status.FAIL),
        errored=statuses.count(Status.ERROR),
        skipped=statuses.count(Status.SKIP),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """The files of tests that are about to run."""

    suites: tuple[Suite, ...]


@dataclass(frozen=True, slots=True)
class SuiteStarted:
    """The runs of a file begin."""

    path: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins."""

    path: str
    run: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run is over, or was skipped."""

    path: str
    block: RunBlock
    outcome: RunOutcome


@dataclass(frozen=True, slots=True)
class TearingDown:
    """What the runs of a file made is destroyed; with `run`, what that one worked on last."""

    path: str
    run: str = ""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Objects could not be destroyed."""

    path: str
    leftover: Leftover


@dataclass(frozen=True, slots=True)
class SuiteFinished:
    """All of a file is over."""

    path: str
    outcome: SuiteOutcome


SuiteEvent: TypeAlias = (
    Found | SuiteStarted | RunStarted | RunFinished | TearingDown | LeftBehind | SuiteFinished
)


class Audience(Protocol):
    """Takes what happens in tests, as it happens."""

    def __call__(self, event: SuiteEvent) -> None:
        """Take an event."""
        ...
