"""Watching an apply: events go to a view, time goes by, and Ctrl-C becomes a wish to stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import IO, TYPE_CHECKING, Final, Self, TextIO, cast

from mlform.apply.events import Event, Interrupted
from mlform.apply.stop import Stop
from mlform.cli.interrupting import ENDING
from mlform.wiring import monotonic

if TYPE_CHECKING:
    from mlform.cli.session import Session, Stream
    from mlform.views.paper import Line
    from mlform.views.progress import ProgressView

_TICK: Final = 0.2


class Watch:
    """A context around an apply; `on_event` may be called before it is entered, too."""

    def __init__(self, session: Session) -> None:
        self.stop = Stop()
        self._session = session
        self._view: ProgressView | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=target, name="mlform-watch", daemon=True)
            for target in (self._pass_on, self._tick)
        ]
        self._wishes = 0
        self._told: set[bool] = set()
        self._handlers: dict[signal.Signals, object] = {}

    def on_event(self, event: Event) -> None:
        """Show an event; may be called from any thread."""
        with self._lock:
            if isinstance(event, Interrupted):
                if event.now in self._told:
                    return
                self._told.add(event.now)
            self._open().handle(event)

    def _open(self) -> ProgressView:
        if self._view is None:
            self._view = make_view(self._session)
        return self._view

    def __enter__(self) -> Self:
        for stream in (self._session.out, self._session.err):
            stream.loss.on_loss = self._unread
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._interrupted)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        with self._lock:
            if self._view is not None:
                self._view.close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal.signal returned

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        """Note the wish; a thread passes it on, as a handler must take no lock and not write."""
        del frame
        if number == signal.SIGHUP:
            # The end of a terminal may be told several times: by the system and by the shell.
            self._wishes = max(self._wishes, 1)
        else:
            self._wishes += 1

    def _look_for_readers(self) -> None:
        """Find out that nobody reads on before the next line is written: that may take hours."""
        for stream in (self._session.out, self._session.err):
            if not stream.loss.is_lost and is_hung_up(stream.file):
                self._unread()

    def _unread(self) -> None:
        """Take it as the wish to stop that nobody reads what is printed any more."""
        self._wishes = max(self._wishes, 1)
        self.stop.request()

    def _pass_on(self) -> None:
        """Pass wishes on, on a thread of its own: whatever becomes of a view, they arrive."""
        while not self._over.wait(_TICK):
            self._look_for_readers()
            if self._wishes:
                (self.stop.request_now if self._wishes > 1 else self.stop.request)()

    def _tick(self) -> None:
        while not self._over.wait(_TICK):
            if self.stop.requested:
                self.on_event(Interrupted(now=self.stop.now.is_set()))
            with self._lock:
                if self._view is not None:
                    self._view.tick()


def is_hung_up(file: TextIO) -> bool:
    """Whether the other end of a pipe or terminal is closed."""
    import select

    try:
        poll = select.poll()
        poll.register(file.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


class _Paper:
    """A stream as a file, for who wants one."""

    def __init__(self, stream: Stream) -> None:
        self.write = stream.write
        self.isatty = stream.file.isatty
        self.fileno = stream.file.fileno
        self.encoding = stream.file.encoding

    def flush(self) -> None:
        """Do nothing: whatever is written is seen at once."""


def make_view(session: Session) -> ProgressView:
    """Return the view of an apply that suits where its lines go."""
    if session.messages is not None:
        return session.messages
    from mlform.views.progress import LiveProgress, PlainProgress

    out = session.out
    if out.terminal and session.variables.get("TERM") != "dumb":
        from rich.console import Console

        console = Console(
            file=cast("IO[str]", _Paper(out)),
            no_color=not out.color,
            width=out.columns or None,
            legacy_windows=False,
            highlight=False,
        )
        return LiveProgress(console, monotonic)
    from mlform.views.paper import render

    def write(item: Line) -> None:
        out.write(render([item], color=False, width=None))

    return PlainProgress(write, monotonic)
