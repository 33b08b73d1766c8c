"""What a command knows of the world around it: folders, streams, the terminal, variables."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from mlform.addresses import ResourceAddress, Target, parse_address, parse_target
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostic, Severity
from mlform.errors import MlformError, UsageError

if TYPE_CHECKING:
    from mlform.apply.events import Event
    from mlform.backends.base import LockInfo
    from mlform.operations.environment import Environment
    from mlform.schema import BlockSchema
    from mlform.views.machine import MessageStream

_GONE: Final = frozenset({errno.EPIPE, errno.EIO, errno.ENXIO, errno.EBADF})
"""What writing to a pipe or terminal gives that somebody closed."""
_DURATION: Final = r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?"


@dataclass(slots=True)
class Loss:
    """What happens when nobody can read a stream any more: a closed pipe or terminal, a full disk.

    Attributes:
        is_lost: Whether that was found out.
        on_loss: Called then, and whatever is written is dropped; with None it is an exception.
    """

    is_lost: bool = False
    on_loss: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """An output stream and what it can show.

    Attributes:
        file: Where text goes.
        terminal: Whether a person watches it.
        color: Whether colour may be used.
        columns: Its width, or 0 where there is none.
        loss: What happens when nobody can read it any more.
    """

    file: TextIO
    terminal: bool = False
    color: bool = False
    columns: int = 0
    loss: Loss = field(default_factory=Loss)

    @property
    def width(self) -> int | None:
        """Columns to wrap at, or None for no wrapping."""
        return self.columns or None

    def write(self, text: str) -> None:
        """Write text and let it be seen at once.

        Raises:
            BrokenPipeError: If nobody can read it any more.
            MlformError: If it cannot be written for another reason.
        """
        if self.loss.is_lost:
            return
        try:
            self.file.write(text)
            self.file.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        on_loss = self.loss.on_loss
        if on_loss is not None:
            self.loss.is_lost = True
            discard(self.file)
            on_loss()
        elif error.errno in _GONE:
            raise BrokenPipeError(error.errno, error.strerror) from error
        else:
            discard(self.file)  # or the interpreter tries once more when it ends
            reason = error.strerror or error
            raise MlformError("Output cannot be written", f"{reason}.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the command line.

    Attributes:
        folder: The working folder, absolute.
        data_folder: `.mlform`, or what `MLF_DATA_DIR` says, absolute.
        variables: The process environment.
        workspace: Name of the workspace.
        stdin: Standard input.
        out: Standard output.
        err: Standard error.
        asks: Whether a person can be asked.
        automation: Whether a program runs mlform, so that hints on what to do next are left out.
        messages: The stream of JSON messages, where the command prints one.
        compact_warnings: Whether warnings take one line each.
    """

    folder: Path
    data_folder: Path
    variables: Mapping[str, str]
    workspace: str
    stdin: TextIO
    out: Stream
    err: Stream
    asks: bool = False
    automation: bool = False
    messages: MessageStream | None = None
    compact_warnings: bool = False

    def environment(
        self, *, parallelism: int = 10, on_event: Callable[[Event], None] | None = None
    ) -> Environment:
        """Return the environment that operations work in.

        Raises:
            UsageError: If no workspace can have the name of the one in use.
        """
        from mlform.operations.environment import Settings
        from mlform.operations.selection import check_name
        from mlform.wiring import build_environment

        check_name(self.workspace)
        settings = Settings(
            folder=self.folder,
            data_folder=self.data_folder,
            variables=self.variables,
            workspace=self.workspace,
            parallelism=parallelism,
        )
        environment = build_environment(settings, on_event or _unheard)
        return replace(environment, on_wait=self._tell_wait)

    def _tell_wait(self, holder: LockInfo | None) -> None:
        from mlform.backends.base import describe_wait

        text = describe_wait(holder)
        if self.messages is not None:
            self.messages.message("log", text, {})
        else:
            # Over what stands on the terminal meanwhile, such as "Planning...".
            self.err.write(f"\r{text}\n" if self.err.terminal else f"{text}\n")

    def schemas(self, environment: Environment, kinds: Iterable[str]) -> dict[str, BlockSchema]:
        """Return the schema of the body of each of these kinds that is known."""
        known = environment.kinds
        return {kind: known[kind].schema.body for kind in sorted(set(kinds)) if kind in known}

    def path(self, text: str) -> Path:
        """Return a path as given on the command line, absolute."""
        return self.folder / Path(text).expanduser()

    def report(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Show problems: in the JSON stream where there is one, else on standard error."""
        if self.messages is not None:
            self.messages.diagnostics(diagnostics)
            return
        shown = []
        for item in diagnostics:
            if self.compact_warnings and item.severity is Severity.WARNING:
                self.err.write(f"Warning: {item.summary}\n")
            else:
                shown.append(item)
        if shown:
            from mlform.views.diagnostics import render_report

            self.err.write(render_report(shown, color=self.err.color, width=self.err.columns))


def discard(file: TextIO) -> None:
    """Let what is still to be written to a stream go nowhere, so that no end of it fails."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
    except (OSError, ValueError):
        return


def _unheard(event: Event) -> None:
    """Take an event of a command that shows none."""


def read_address(text: str) -> ResourceAddress:
    """Return the address that a person wrote.

    Raises:
        UsageError: If it is none.
    """
    try:
        return parse_address(text)
    except ValueError as error:
        raise UsageError("Invalid address", str(error)) from None


def read_addresses(texts: Iterable[str]) -> tuple[ResourceAddress, ...]:
    """Return the addresses that a person wrote.

    Raises:
        UsageError: If one of them is none.
    """
    return tuple(read_address(text) for text in texts)


def read_targets(texts: Iterable[str]) -> tuple[Target, ...]:
    """Return the addresses of resources and modules that a person wrote.

    Raises:
        UsageError: If one of them is none.
    """
    try:
        return tuple(parse_target(text) for text in texts)
    except ValueError as error:
        raise UsageError("Invalid address", str(error)) from None


def read_duration(text: str) -> float:
    """Return the seconds of a duration such as `30s`, `5m` or `1h30m`; a bare number is seconds.

    Raises:
        UsageError: If it is none.
    """
    match = re.fullmatch(_DURATION, text)
    if match is None or not text:
        raise UsageError("Invalid duration", f'"{text}" is no duration. Write 30s, 5m or 1h30m.')
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def lock_wait(text: str, *, lock: bool) -> float | None:
    """Return the seconds to wait for the lock of the state, or None where it is not to be taken.

    Raises:
        UsageError: If the text is no duration.
    """
    seconds = read_duration(text)
    return seconds if lock else None


def in_default_workspace(session: Session) -> Session:
    """Return the session for what is done to workspaces, whatever the one in use is called."""
    return replace(session, workspace="default")
