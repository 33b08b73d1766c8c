"""Progress of an apply, in plain lines and as a live picture."""

from __future__ import annotations

import io
import re

from mlform.apply.events import (
    Event,
    Interrupted,
    Recovered,
    StepFailed,
    StepFinished,
    StepProgress,
    StepSkipped,
    StepStarted,
)
from mlform.plan.steps import Operation
from mlform.tasks import TaskEvent
from mlform.views.paper import Line, duration
from mlform.views.progress import LiveProgress, PlainProgress, Running, picture, progress_text
from tests.unit.views import plans

MODEL = plans.address("model.survival")


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Page:
    """Plain progress on a page."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lines: list[str] = []
        self.view = PlainProgress(self._write, self.clock)

    def _write(self, line: Line) -> None:
        self.lines.append(line.text)

    def after(self, seconds: float, *events: Event) -> Page:
        self.clock.time += seconds
        self.view.tick()
        for event in events:
            self.view.handle(event)
        return self


def started(operation: Operation, identity: str = "") -> StepStarted:
    return StepStarted(address=MODEL, operation=operation, id=identity)


def boosting(done: int) -> StepProgress:
    progress = TaskEvent(message="boosting", done=done, total=200, detail="eval-logloss 0.31")
    return StepProgress(address=MODEL, progress=progress)


def test_a_step_from_begin_to_end() -> None:
    page = Page().after(0, started(Operation.REBUILD)).after(9.9).after(0.2, boosting(40)).after(5)
    page.after(5).after(
        1, StepFinished(address=MODEL, operation=Operation.REBUILD, seconds=21.1, id=plans.OLD)
    )
    page.after(60)
    assert page.lines == [
        "model.survival: Rebuilding...",
        "model.survival: Still rebuilding... [10s elapsed]",
        "model.survival: Still rebuilding... [20s elapsed, boosting 40/200, eval-logloss 0.31]",
        "model.survival: Rebuild complete after 21s [id=sha256:1a2b3c4d5e6f…]",
    ]


def test_words_of_each_operation() -> None:
    page = Page()
    for operation in (Operation.CREATE, Operation.UPDATE, Operation.DELETE):
        finished = StepFinished(address=MODEL, operation=operation, seconds=3, id="x")
        page.after(0, started(operation, "x"), finished)
    assert page.lines == [
        "model.survival: Creating... [id=x]",
        "model.survival: Creation complete after 3s [id=x]",
        "model.survival: Modifying... [id=x]",
        "model.survival: Modifications complete after 3s [id=x]",
        "model.survival: Destroying... [id=x]",
        "model.survival: Destruction complete after 3s [id=x]",
    ]


def test_other_ends() -> None:
    page = Page().after(
        0,
        StepFinished(address=MODEL, operation=Operation.REBUILD, seconds=0, id="x", reused=True),
        StepFinished(address=MODEL, operation=Operation.REBUILD, seconds=2, unchanged=True),
        started(Operation.CREATE),
    )
    page.after(
        4,
        StepFailed(address=MODEL, operation=Operation.CREATE, summary="Unknown column", detail=""),
        StepSkipped(address=MODEL, operation=Operation.CREATE, because="it had to wait"),
        StepSkipped(address=MODEL, operation=Operation.DELETE, because="it had to wait"),
        Recovered(address=MODEL, message="removed a container of a dead run"),
        Interrupted(now=False),
        Interrupted(now=True),
    )
    assert page.lines[:2] == [
        "model.survival: Reused from cache after 0s [id=x]",
        "model.survival: Unchanged after 2s, so what depends on it stays",
    ]
    assert page.lines[3:6] == [
        "model.survival: Failed after 4s: Unknown column",
        "model.survival: Skipped: it had to wait",
        "model.survival: removed a container of a dead run",
    ]
    assert page.lines[6].startswith("Interrupt received")
    assert page.lines[7].startswith("Stopping at once")


def test_a_replacement_that_fails_is_not_skipped_because_of_itself() -> None:
    page = Page().after(
        0,
        StepFailed(address=MODEL, operation=Operation.CREATE, summary="Gate not passed", detail=""),
        StepSkipped(address=MODEL, operation=Operation.DELETE, because=f"{MODEL} failed"),
    )
    assert page.lines == ["model.survival: Failed after 0s: Gate not passed"]


def test_progress_as_a_clause() -> None:
    assert progress_text(TaskEvent(message="reading")) == "reading"
    assert progress_text(TaskEvent(message="reading", done=3)) == "reading 3"
    assert progress_text(TaskEvent(message="", detail="auc 0.9")) == "auc 0.9"


def test_durations() -> None:
    told = [duration(seconds) for seconds in (0, 0.04, 0.44, 0.97, 1, 59.6, 80, 3599.7, 7500)]
    assert told == ["0s", "0s", "0.4s", "1s", "1s", "1m00s", "1m20s", "1h00m", "2h05m"]


def test_the_picture_fits_the_terminal() -> None:
    step = Running(MODEL, Operation.REBUILD, since=88.0, expected=12.4)
    step.progress = TaskEvent(message="boosting", done=50, total=200, detail="eval-logloss 0.3121")
    other = Running(plans.address("dataset.titanic"), Operation.CREATE, since=99.5)
    for width in (50, 60, 100):
        lines = picture([step, other], now=100.0, width=width, height=10)
        assert all(len(line.text) < width for line in lines)
        assert "12s / 12s" in lines[0].text
        assert "0.5s" in lines[1].text
    wide = picture([step, other], now=100.0, width=100, height=10)
    assert "━━━━━───────────────" in wide[0].text
    assert "boosting 50/200, eval-logloss 0.3121" in wide[0].text
    assert "creating..." in wide[1].text


def test_a_picture_too_high_says_how_many_more() -> None:
    steps = [
        Running(plans.address(f"mlform_data.a{index}"), Operation.CREATE, since=0.0)
        for index in range(5)
    ]
    lines = picture(steps, now=1.0, width=80, height=3)
    assert [line.text for line in lines][2] == "  … and 3 more"


def test_live_progress_leaves_only_sentences_behind() -> None:
    from rich.console import Console

    paper = io.StringIO()
    console = Console(file=paper, force_terminal=True, width=80, height=24, no_color=True)
    clock = Clock()
    view = LiveProgress(console, clock)
    view.handle(started(Operation.REBUILD))
    view.handle(boosting(100))
    view.handle(StepFinished(address=MODEL, operation=Operation.REBUILD, seconds=3, id="x"))
    view.close()
    bare = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", paper.getvalue())
    assert "model.survival: Rebuild complete after 3s [id=x]\n" in bare
    assert "Rebuilding..." not in bare
    assert paper.getvalue().rstrip().endswith("\x1b[?25h"), "the cursor is shown again"
