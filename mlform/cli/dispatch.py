"""Finds the command that words name, makes its session, runs it and reports what went wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TextIO, cast

from mlform.cli.commands import BY_NAME, Command
from mlform.cli.session import Session, Stream
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import ConfigurationError, Diagnostic, did_you_mean
from mlform.errors import MlformError, UsageError
from mlform.operations.selection import selected_workspace

if TYPE_CHECKING:
    from mlform.views.machine import MessageStream

_HELP: Final = frozenset({"-help", "--help", "-h", "help"})
_VERSION: Final = frozenset({"-version", "--version", "-v"})
_STREAMING: Final = frozenset({"init", "plan", "apply", "destroy", "refresh", "test"})
_NO: Final = frozenset({"0", "false", "no"})
_DETAILED: Final = frozenset({"debug", "trace"})


@dataclass(frozen=True, slots=True)
class Streams:
    """The three streams of a process."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for: a command and its words, or help (of a group, or of everything)."""

    command: Command | None = None
    words: tuple[str, ...] = ()
    help_of: str | None = None
    folder: str = ""


class RunCommand(Protocol):
    """What every command module has under the name `run`."""

    def __call__(self, arguments: object, session: Session) -> int:
        """Run the command; return the exit status."""
        ...


def dispatch(words: Sequence[str], variables: Mapping[str, str], streams: Streams) -> int:
    """Run one command line; return its exit status."""
    session = make_session(variables, streams)
    return _guarded(session, lambda: _understood(words, session))


def _understood(words: Sequence[str], session: Session) -> int:
    request = understand(words, session.variables)
    if request.command is None:
        return _show_help(request.help_of, session)
    return _run(request.command, request.words, _moved(session, request.folder))


def _guarded(session: Session, action: Callable[[], int]) -> int:
    """Run a command; show what went wrong where this session shows things."""
    try:
        return action()
    except (ConfigurationError, MlformError) as error:
        from mlform.cli.failures import problems_of, status_of

        session.report(problems_of(error))
        return status_of(error)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last net: what nobody foresaw is a bug
        from mlform.cli.failures import FAILED, problem_of_files, report_bug

        problem = problem_of_files(error)
        if problem is not None:
            session.report([problem])
            return FAILED
        detailed = session.variables.get("MLF_LOG", "").lower() in _DETAILED
        report = report_bug(error, session, detailed=detailed)
        if session.messages is not None:
            session.report([Diagnostic(summary="This is a bug in mlform", detail=report)])
        else:
            session.err.write(report)
        return FAILED


def known_addresses(variables: Mapping[str, str], streams: Streams) -> list[str]:
    """Return the addresses in the state, for completion; none where it cannot be read."""
    from mlform.operations.show import read_state

    try:
        state = read_state(make_session(variables, streams).environment())
    except (ConfigurationError, MlformError):
        return []
    return [] if state is None else [str(record.address) for record in state.records]


def make_session(variables: Mapping[str, str], streams: Streams) -> Session:
    """Return the session that the environment and the streams make."""
    folder = Path.cwd()
    data_folder = _data_folder(folder, variables)
    plain = bool(variables.get("NO_COLOR")) or variables.get("TERM") == "dumb"
    width = variables.get("COLUMNS", "")
    asks = streams.stdin.isatty() and variables.get("MLF_INPUT", "").lower() not in _NO
    return Session(
        folder=folder,
        data_folder=data_folder,
        variables=variables,
        workspace=_workspace(data_folder, variables),
        stdin=streams.stdin,
        out=_stream(streams.stdout, plain=plain, width=width),
        err=_stream(streams.stderr, plain=plain, width=width),
        asks=asks,
        automation=bool(variables.get("MLF_IN_AUTOMATION")),
    )


def _stream(file: TextIO, *, plain: bool, width: str) -> Stream:
    if not file.isatty():
        return Stream(file)
    columns = int(width) if width.isdecimal() else _columns(file)
    return Stream(file, terminal=True, color=not plain, columns=columns)


def _columns(file: TextIO) -> int:
    try:
        return os.get_terminal_size(file.fileno()).columns
    except (OSError, ValueError):
        return 0


def _data_folder(folder: Path, variables: Mapping[str, str]) -> Path:
    return folder / (variables.get("MLF_DATA_DIR") or ".mlform")


def _workspace(data_folder: Path, variables: Mapping[str, str]) -> str:
    return variables.get("MLF_WORKSPACE") or selected_workspace(data_folder) or "default"


def _moved(session: Session, folder: str) -> Session:
    """Return the session in the folder that -chdir names."""
    if not folder:
        return session
    there = (session.folder / folder).resolve()
    if not there.is_dir():
        detail = f'-chdir names "{folder}", and there is no such folder.'
        raise UsageError("No such folder", detail)
    data_folder = _data_folder(there, session.variables)
    return replace(
        session,
        folder=there,
        data_folder=data_folder,
        workspace=_workspace(data_folder, session.variables),
    )


def understand(words: Sequence[str], variables: Mapping[str, str]) -> Request:
    """Return what the words ask for.

    Raises:
        UsageError: If there is no such command or global option.
    """
    rest = list(words)
    folder = ""
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if word in _HELP:
            return _help_request(rest)
        if word in _VERSION:
            return Request(command=BY_NAME["version"], words=tuple(rest), folder=folder)
        if name != "chdir":
            detail = f'mlform has no global option {word}. Run "mlform -help" to see them.'
            raise UsageError("Unknown option", detail)
        if not equals and not rest:
            raise UsageError("Missing value for an option", "-chdir takes a value: -chdir=DIR.")
        folder = value if equals else rest.pop(0)
    if not rest:
        return Request()
    if rest[0] in _HELP:
        return _help_request(rest[1:])
    command, size = _find(rest)
    if command is None:
        return _without_command(rest)
    given = (*_from_environment(command.name, variables), *rest[size:])
    return Request(command=command, words=given, folder=folder)


def _find(words: Sequence[str]) -> tuple[Command | None, int]:
    """Return the command and how many words its name takes."""
    for size in (2, 1):
        command = BY_NAME.get(" ".join(words[:size]))
        if command is not None and len(words) >= size:
            return command, size
    return None, 0


def _help_request(words: Sequence[str]) -> Request:
    command, _ = _find(words)
    if command is not None:
        return Request(command=command, words=("-help",))
    return Request(help_of=words[0] if words else "")


def _without_command(words: Sequence[str]) -> Request:
    first = words[0]
    groups = {name.split(" ")[0] for name in BY_NAME if " " in name}
    if first in groups:
        below = [name for name in BY_NAME if name.startswith(f"{first} ")]
        if len(words) == 1 or words[1] in _HELP:
            return Request(help_of=first)
        given = f"{first} {words[1]}"
        suggestion = did_you_mean(given, below)
    else:
        given, suggestion = first, did_you_mean(first, [*BY_NAME, *groups])
    detail = f'mlform has no command "{given}".{suggestion} Run "mlform -help" to see all of them.'
    raise UsageError("Unknown command", detail)


def _from_environment(name: str, variables: Mapping[str, str]) -> list[str]:
    """Return the words that MLF_CLI_ARGS and MLF_CLI_ARGS_command add before those given."""
    found: list[str] = []
    for key in ("MLF_CLI_ARGS", f"MLF_CLI_ARGS_{name.replace(' ', '_')}"):
        if not variables.get(key):
            continue
        import shlex

        try:
            found += shlex.split(variables[key])
        except ValueError as error:
            detail = f"The environment variable {key} cannot be split into words: {error}."
            raise UsageError("Invalid environment variable", detail) from None
    return found


def _show_help(name: str | None, session: Session) -> int:
    """Show help: asked for it is data, else (no command at all) it is a failure."""
    from mlform.cli.help import group_help, overview

    if name:
        groups = {known.split(" ")[0] for known in BY_NAME if " " in known}
        if name not in groups:
            raise UsageError("Unknown command", f'mlform has no command "{name}".')
        session.out.write(group_help(name))
        return 0
    (session.err if name is None else session.out).write(overview())
    return 127 if name is None else 0


def _run(command: Command, words: Sequence[str], session: Session) -> int:
    from mlform.cli import arguments as structs
    from mlform.cli.help import command_help
    from mlform.cli.parameters import HelpRequested, parameters_of, read_arguments

    struct = cast("type[object]", getattr(structs, command.arguments))
    try:
        arguments = read_arguments(struct, command.name, words)
    except HelpRequested:
        session.out.write(command_help(command, parameters_of(struct)))
        return 0
    chosen = _adapted(session, command, arguments)
    run = cast("RunCommand", import_module(f"mlform.cli.{command.module}").run)
    return _guarded(chosen, lambda: run(arguments, chosen))


def _adapted(session: Session, command: Command, arguments: object) -> Session:
    """Return the session with what common flags say."""
    if getattr(arguments, "no_color", False):
        out, err = replace(session.out, color=False), replace(session.err, color=False)
        session = replace(session, out=out, err=err)
    asked = getattr(arguments, "input", None)
    if asked is not None:
        session = replace(session, asks=bool(asked))
    if getattr(arguments, "compact_warnings", False):
        session = replace(session, compact_warnings=True)
    if command.name in _STREAMING and getattr(arguments, "json", False):
        session = replace(session, messages=_messages(session))
    return session


def _messages(session: Session) -> MessageStream:
    from mlform import __version__
    from mlform.views.machine import MessageStream
    from mlform.wiring import monotonic, utc_now

    return MessageStream(session.out.write, now=utc_now, clock=monotonic, version=__version__)
