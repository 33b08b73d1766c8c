"""What happens during an apply, for people: plain lines, or a live picture on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from mlform.addresses import ResourceAddress
from mlform.apply.events import (
    Event,
    Interrupted,
    Recovered,
    StepFailed,
    StepFinished,
    StepProgress,
    StepRetrying,
    StepSkipped,
    StepStarted,
)
from mlform.dataclass import dataclass, field
from mlform.plan.steps import Operation
from mlform.tasks import TaskEvent
from mlform.views.paper import Ink, Line, Piece, duration, wrap
from mlform.views.values import shortened

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

HEARTBEAT: Final = 10.0
"""Seconds between two `Still creating...` lines of one step."""

INTERRUPT_SENTENCE: Final = (
    "Interrupt received: what is running is finished first, nothing new is started. "
    "Interrupt again to stop at once."
)
STOP_SENTENCE: Final = (
    "Stopping at once. What finished is recorded; the next plan goes on from there."
)


@dataclass(frozen=True, slots=True)
class Words:
    """How an operation is spoken of: `Creating`, `Creation complete`, `creating`."""

    doing: str
    done: str


WORDS: Final[Mapping[Operation, Words]] = {
    Operation.CREATE: Words("Creating", "Creation complete"),
    Operation.REBUILD: Words("Rebuilding", "Rebuild complete"),
    Operation.UPDATE: Words("Modifying", "Modifications complete"),
    Operation.DELETE: Words("Destroying", "Destruction complete"),
    Operation.FORGET: Words("Forgetting", "Forgotten"),
}


class ProgressView(Protocol):
    """Watches an apply."""

    def handle(self, event: Event) -> None:
        """Show an event."""
        ...

    def tick(self) -> None:
        """Show that time went by; called about once a second."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


@dataclass(slots=True)
class Running:
    """A step that runs: since when (seconds of a monotonic clock), and what it said last.

    Attributes:
        retrying: The attempt that it waits for, or None while it runs.
    """

    address: ResourceAddress
    operation: Operation
    since: float
    expected: float | None = None
    progress: TaskEvent | None = None
    beats: int = 0
    retrying: StepRetrying | None = None


def progress_text(progress: TaskEvent) -> str:
    """Return progress as one clause, such as `boosting 40/200, eval-logloss 0.31`."""
    count = ""
    if progress.done is not None:
        count = f"{progress.done}/{progress.total}" if progress.total else str(progress.done)
    head = " ".join(part for part in (progress.message, count) if part)
    return ", ".join(part for part in (head, progress.detail) if part)


def sentence(event: Event, elapsed: float = 0.0) -> Line | None:
    """Return the line that says an event, or None for progress that is no news by itself.

    Args:
        event: What happened.
        elapsed: Seconds since the step began, for a failure.
    """
    if isinstance(event, StepProgress):
        if not event.progress.lasting:
            return None
        return _said(event.address, event.progress.message, Ink.CHANGE)
    if isinstance(event, Interrupted):
        return Line((Piece(STOP_SENTENCE if event.now else INTERRUPT_SENTENCE, Ink.ALARM),))
    return _step_sentence(event, elapsed)


def _step_sentence(
    event: StepStarted | StepFinished | StepRetrying | StepFailed | StepSkipped | Recovered,
    elapsed: float,
) -> Line:
    match event:
        case StepStarted():
            again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            doing = WORDS[event.operation].doing
            return _said(event.address, f"{doing}...{again}{identity_text(event.id)}")
        case StepFinished():
            return _finished(event)
        case StepFailed():
            text = f"Failed after {duration(elapsed)}: {event.summary}"
            return _said(event.address, text, Ink.ALARM)
        case StepRetrying():
            text = f"{event.summary}, {retry_text(event, event.seconds)}"
            return _said(event.address, text, Ink.CHANGE)
        case StepSkipped():
            return _said(event.address, f"Skipped: {event.because}", Ink.CHANGE)
        case Recovered():
            return _said(event.address, event.message, Ink.CHANGE)
    assert_never(event)


def retry_text(event: StepRetrying, left: float) -> str:
    """Return which attempt follows and when, such as `retrying (2 of 3) in 4s`."""
    when = f"in {duration(left)}" if left > 0 else "now"
    return f"retrying ({event.attempt} of {event.attempts}) {when}"


def _finished(event: StepFinished) -> Line:
    took, identity = duration(event.seconds), identity_text(event.id)
    if event.unchanged:
        text = f"Unchanged after {took}, so what depends on it stays{identity}"
        return _said(event.address, text)
    if event.reused:
        return _said(event.address, f"Reused from cache after {took}{identity}")
    return _said(event.address, f"{WORDS[event.operation].done} after {took}{identity}")


def identity_text(identity: str) -> str:
    """Return the identity of an object as it stands behind what is said of it, with a blank."""
    return f" [id={shortened(identity)}]" if identity else ""


def _said(address: ResourceAddress, text: str, ink: Ink = Ink.PLAIN) -> Line:
    return Line((Piece(f"{address}:", Ink.BOLD), Piece(f" {text}", ink)), hang=4)


@dataclass(slots=True)
class Tracker:
    """The steps that run, kept up to date from events; shared by the views."""

    clock: Callable[[], float]
    running: dict[ResourceAddress, Running] = field(default_factory=dict)
    skipped: set[ResourceAddress] = field(default_factory=set)

    def is_told(self, event: Event) -> bool:
        """Whether an event says what was said: a replacement has two steps to fail or skip."""
        if not isinstance(event, StepSkipped):
            return False
        told = event.address in self.skipped or event.because == f"{event.address} failed"
        self.skipped.add(event.address)
        return told

    def follow(self, event: Event) -> float:
        """Take an event in; return the seconds since its step began."""
        match event:
            case StepStarted():
                self.running[event.address] = Running(
                    event.address, event.operation, self.clock(), event.expected_seconds
                )
            case StepProgress():
                if step := self.running.get(event.address):
                    step.progress = event.progress
            case StepRetrying():
                self.running[event.address] = Running(
                    event.address, event.operation, self.clock(), retrying=event
                )
            case StepFinished() | StepFailed() | StepSkipped():
                step = self.running.pop(event.address, None)
                return self.clock() - step.since if step else 0.0
            case Recovered() | Interrupted():
                pass
        return 0.0

    def due(self) -> list[tuple[Running, float]]:
        """Return the steps whose next heartbeat came, with the seconds they have run."""
        found = []
        for step in list(self.running.values()):
            if step.retrying is not None:
                continue
            elapsed = self.clock() - step.since
            if elapsed >= HEARTBEAT * (step.beats + 1):
                step.beats = int(elapsed // HEARTBEAT)
                found.append((step, elapsed))
        return found


class PlainProgress:
    """Terraform's lines: one when a step begins and ends, and one every ten seconds between."""

    def __init__(self, write: Callable[[Line], None], clock: Callable[[], float]) -> None:
        self._write = write
        self._tracker = Tracker(clock)

    def handle(self, event: Event) -> None:
        """Write the line of an event."""
        said = sentence(event, self._tracker.follow(event))
        if said is not None and not self._tracker.is_told(event):
            self._write(said)

    def tick(self) -> None:
        """Write `Still creating... [10s elapsed]` for each step that is due."""
        for step, elapsed in self._tracker.due():
            newest = f", {progress_text(step.progress)}" if step.progress else ""
            whole = duration(elapsed // HEARTBEAT * HEARTBEAT)
            doing = WORDS[step.operation].doing.lower()
            self._write(_said(step.address, f"Still {doing}... [{whole} elapsed{newest}]"))

    def close(self) -> None:
        """Nothing is left to do."""


class LiveProgress:
    """A line for each running step that moves; finished steps scroll above as sentences."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._tracker = Tracker(clock)
        self._live: Live | None = None
        self._drawn = 0.0

    def handle(self, event: Event) -> None:
        """Show an event."""
        elapsed = self._tracker.follow(event)
        self._open()
        said = None if isinstance(event, StepStarted) else sentence(event, elapsed)
        if said is not None and not self._tracker.is_told(event):
            for item in wrap(said, self._console.width):
                self._console.print(_text(item), soft_wrap=True)
            self._draw()

    def _open(self) -> None:
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=8,
                transient=True,
            )
            self._live.start()

    def _draw(self) -> None:
        """Draw the picture anew, so that it does not show what was just said to be over."""
        now = self._clock()
        if self._live is not None and now - self._drawn > 1 / _FRAME_RATE / 2:
            self._drawn = now
            self._live.refresh()

    def tick(self) -> None:
        """Nothing to do: the picture is drawn anew all the time."""

    def close(self) -> None:
        """Take the picture off the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _picture(self) -> RenderableType:
        from rich.console import Group

        steps = list(self._tracker.running.values())
        size = self._console.size
        content = picture(steps, now=self._clock(), width=size.width, height=size.height - 3)
        return Group(*(_text(item) for item in content))


_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_RATE: Final = 8
_BAR_WIDTH: Final = 20
_NARROW: Final = 80


def picture(steps: Sequence[Running], *, now: float, width: int, height: int) -> list[Line]:
    """Return a line for each running step, none wider than `width`, at most `height` in all.

    Each has a spinner, the address, a bar where the work has a count, what it said last, and how
    long it has run beside how long it took last time.
    """
    shown = steps if len(steps) <= height else steps[: max(height - 1, 0)]
    name_width = min(max((len(str(step.address)) for step in shown), default=0), width // 3)
    # Room for the ^C that a terminal echoes, so that it does not wrap the line.
    content = [_picture_line(step, now, width - 3, name_width) for step in shown]
    if len(steps) > len(shown):
        content.append(Line((Piece(f"  … and {len(steps) - len(shown)} more", Ink.FAINT),)))
    return content


def _picture_line(step: Running, now: float, width: int, name_width: int) -> Line:
    elapsed = now - step.since
    frame = _FRAMES[int(elapsed * _FRAME_RATE) % len(_FRAMES)]
    name = _cut(str(step.address), name_width).ljust(name_width)
    last = f" / {duration(step.expected)}" if step.expected is not None else ""
    time = f" {duration(elapsed)}{last}"
    said = f"{WORDS[step.operation].doing.lower()}..."
    bar: tuple[Piece, ...] = ()
    if step.retrying is not None:
        said = retry_text(step.retrying, step.retrying.seconds - elapsed)
        time = ""
    if step.progress is not None:
        said = progress_text(step.progress) or said
        bar = _bar(step.progress, _BAR_WIDTH if width >= _NARROW else _BAR_WIDTH // 2)
    used = len(frame) + 1 + name_width + 1 + sum(len(piece.text) for piece in bar) + len(time)
    return Line(
        (
            Piece(f"{frame} ", Ink.NOTICE),
            Piece(f"{name} ", Ink.BOLD),
            *bar,
            Piece(_cut(said, max(width - used, 0))),
            Piece(time, Ink.FAINT),
        )
    )


def _bar(progress: TaskEvent, size: int) -> tuple[Piece, ...]:
    if progress.done is None or not progress.total:
        return ()
    full = min(max(size * progress.done // progress.total, 0), size)
    return (Piece("━" * full, Ink.ADD), Piece("─" * (size - full) + " ", Ink.FAINT))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _text(item: Line) -> Text:
    from rich.text import Text

    return Text.assemble(*((piece.text, piece.ink.value) for piece in item.pieces))
