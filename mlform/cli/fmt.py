"""`mlform fmt`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mlform.cli.failures import FAILED
from mlform.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mlform.cli.arguments import FormatArguments
    from mlform.cli.session import Session
    from mlform.operations.format_files import FormattedFile

_STDIN: Final = "-"
_UNFORMATTED: Final = 3


def run(arguments: FormatArguments, session: Session) -> int:
    """Format files and say which; or format standard input and print it."""
    if _STDIN in arguments.target:
        return _run_on_input(arguments, session)
    from mlform.operations.format_files import format_files

    done = format_files(
        session.folder,
        arguments.target or (".",),
        recursive=arguments.recursive,
        write=arguments.write and not arguments.check,
    )
    changed = [file for file in done.files if file.changed]
    silent = arguments.check and not arguments.list
    for file in () if silent else changed:
        if arguments.list:
            session.out.write(f"{file.name}\n")
        if arguments.diff:
            _show_diff(file, session)
    if not (arguments.list or arguments.write or arguments.diff or arguments.check):
        _show(done.files, session)
    session.report(done.problems)
    if done.problems:
        return FAILED
    return _UNFORMATTED if arguments.check and changed else 0


def _run_on_input(arguments: FormatArguments, session: Session) -> int:
    if len(arguments.target) > 1:
        detail = 'With "-" standard input is formatted; name no files besides it.'
        raise UsageError("Invalid arguments", detail)
    from mlform.operations.format_files import format_bytes

    file, problems = format_bytes("<stdin>", session.stdin.buffer.read())
    session.report(problems)
    if file is None:
        return FAILED
    if arguments.check:
        return _UNFORMATTED if file.changed else 0
    if arguments.diff:
        _show_diff(file, session)
    else:
        _show([file], session)
    return 0


def _show(files: Iterable[FormattedFile], session: Session) -> None:
    """Print files as they are in canonical form, each with a line break at its end."""
    for file in files:
        text = file.after.decode()
        session.out.write(text if text.endswith("\n") else f"{text}\n")


def _show_diff(file: FormattedFile, session: Session) -> None:
    from mlform.views.file_diff import render_file_diff

    before, after = file.before.decode(), file.after.decode()
    session.out.write(render_file_diff(file.name, before, after, color=session.out.color))
