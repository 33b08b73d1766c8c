"""From exceptions to what people see and to the exit status."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from mlform import __version__
from mlform.cli.session import Session
from mlform.diagnostics import ConfigurationError, Diagnostic
from mlform.errors import MlformError, ServerFailed, StateLocked, TaskFailed, WaitEnded

FAILED: Final = 1
CHANGES_PENDING: Final = 2
LOCKED: Final = 4
DECLINED: Final = 5
INCOMPLETE: Final = 6
INTERRUPTED: Final = 130

_OF_FILES: Final = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What the state of a disk or the rights of a user lead to, and no mistake of ours."""


class Declined(MlformError):
    """A person was asked and did not say yes."""


def problems_of(error: ConfigurationError | MlformError) -> tuple[Diagnostic, ...]:
    """Return the problems that an exception stands for."""
    if isinstance(error, ConfigurationError):
        return error.diagnostics
    tail = error.log_tail if isinstance(error, TaskFailed | ServerFailed) else ""
    from mlform.printed import shown_lines, without_end

    lines = without_end(shown_lines(tail), error.detail)
    return (
        Diagnostic(
            summary=error.summary, detail=error.detail, address=error.address, log_tail=lines
        ),
    )


def problem_of_files(error: Exception) -> Diagnostic | None:
    """Return what to say where the system refuses a file that nobody handled; else None."""
    if not isinstance(error, OSError) or error.errno not in _OF_FILES:
        return None
    where = f"{error.filename}: " if error.filename else ""
    detail = (
        f"{where}{error.strerror}. Mend that (is the disk full or out of order, may you read and "
        "write there?) and run the command again."
    )
    return Diagnostic(summary="Files cannot be read or written", detail=detail)


def status_of(error: ConfigurationError | MlformError) -> int:
    """Return the exit status of an exception."""
    if isinstance(error, WaitEnded):
        return INTERRUPTED
    if isinstance(error, StateLocked):
        return LOCKED
    return DECLINED if isinstance(error, Declined) else FAILED


def report_bug(error: Exception, session: Session | None, *, detailed: bool) -> str:
    """Return what to say about an exception that nobody foresaw.

    Args:
        error: The exception.
        session: The session, if it came to one.
        detailed: Whether to write the traceback to a file beside the other files of mlform.
    """
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "mlform" in Path(frame.filename).parts] or list(frames)
    place = ""
    if own:
        last = own[-1]
        place = f" in {Path(last.filename).stem}.{last.name}, line {last.lineno}"
    text = (
        "This is a bug in mlform, not a mistake of yours.\n\n"
        f"  {type(error).__name__}: {error}\n"
        f"  mlform {__version__}{place}\n\n"
        "Please open an issue in the repository that mlform comes from, with these lines and what "
        "you did.\n"
    )
    if detailed and session is not None:
        path = session.data_folder / "crash.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        except OSError as other:
            return text + f"The traceback cannot be kept: {path}: {other.strerror or other}.\n"
        return text + f"The traceback is in {path}.\n"
    return text + "Run it again with MLF_LOG=debug to get a traceback in a file.\n"
