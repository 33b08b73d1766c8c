"""The log files of attempts: `logs/<object>/<number>-<time>-<attempt>.log` in the data folder.

The name has the beginning of the attempt's identity. The number grows by one with each attempt at
an object, whatever the clock says. Of each object the newest twenty are kept; the log of the server
that runs is kept besides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass
from mlform.digests import digest_bytes, short

if TYPE_CHECKING:  # a plan looks at no log
    from datetime import datetime

KEPT: Final = 20
"""Logs of one object that are kept."""

DAYS: Final = 30
"""Days that the logs of an object are kept which is neither configured nor in the state."""

_TIME: Final = "%Y%m%dT%H%M%SZ"
_PARTS: Final = 3
_LENGTH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLog:
    """The log of one attempt.

    Attributes:
        number: Of the attempt, from 1.
        began: When it began, as the clock said, in ISO 8601.
        attempt: The beginning of its identity in the world.
        path: The file.
    """

    number: int
    began: str
    attempt: str
    path: Path


def folder_name(address: ResourceAddress) -> str:
    """Return a folder name for an address: readable, and unique even after replacing characters."""
    text = str(address)
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in text)
    return plain if plain == text else f"{plain}-{short(digest_bytes(text.encode()))}"


def log_folder(data_folder: Path, address: ResourceAddress) -> Path:
    """Return where the logs of an object's attempts are kept."""
    return data_folder / "logs" / folder_name(address)


def new_log(
    data_folder: Path, address: ResourceAddress, attempt: str, now: datetime, serving: str = ""
) -> Path:
    """Return the log file of an attempt, the same one each time; its folder exists.

    Logs beyond the newest twenty are removed.

    Args:
        data_folder: Of mlform.
        address: The object.
        attempt: Identity of the attempt.
        now: The time.
        serving: Identity of the attempt whose server runs, or empty.
    """
    known = find_log(data_folder, address, attempt)
    if known is not None:
        return known
    folder = log_folder(data_folder, address)
    folder.mkdir(parents=True, exist_ok=True)
    before = logs_of(data_folder, address)
    for old in before[: max(len(before) + 1 - KEPT, 0)]:
        if old.attempt != serving[:_LENGTH]:
            with contextlib.suppress(OSError):
                old.path.unlink(missing_ok=True)
    number = before[-1].number + 1 if before else 1
    return folder / f"{number:06d}-{now.strftime(_TIME)}-{attempt[:_LENGTH]}.log"


def remove_old_logs(data_folder: Path, kept: Iterable[ResourceAddress], now: datetime) -> None:
    """Remove the logs of objects that are nowhere any more, once the last attempt is long ago.

    Args:
        data_folder: Of mlform.
        kept: The objects that are configured or in the state.
        now: The time.
    """
    before = now.timestamp() - DAYS * 24 * 60 * 60
    old = [each for each in (data_folder / "logs").glob("*") if _is_older(each, before)]
    names = {folder_name(address) for address in kept} if old else set()
    for folder in old:
        if folder.name not in names:
            with contextlib.suppress(OSError):
                for log in folder.iterdir():
                    log.unlink()
                folder.rmdir()


def _is_older(folder: Path, moment: float) -> bool:
    """Whether nothing in a folder was written since a moment, in seconds of the clock."""
    try:
        return all(path.stat().st_mtime < moment for path in (folder, *folder.iterdir()))
    except OSError:
        return False


def logs_of(data_folder: Path, address: ResourceAddress) -> tuple[AttemptLog, ...]:
    """Return the logs of an object, the newest last."""
    folder = log_folder(data_folder, address)
    found = [_read_name(path) for path in folder.glob("*.log")] if folder.is_dir() else []
    return tuple(sorted((log for log in found if log), key=lambda log: (log.number, log.attempt)))


def find_log(data_folder: Path, address: ResourceAddress, attempt: str) -> Path | None:
    """Return the log file of an attempt, or None if it wrote nothing."""
    for log in reversed(logs_of(data_folder, address)):
        if log.attempt == attempt[:_LENGTH]:
            return log.path
    return None


def _read_name(path: Path) -> AttemptLog | None:
    parts = path.stem.split("-", _PARTS - 1)
    if len(parts) != _PARTS or not parts[0].isdigit():
        return None
    number, time, attempt = parts
    began = f"{time[:4]}-{time[4:6]}-{time[6:11]}:{time[11:13]}:{time[13:]}"
    return AttemptLog(number=int(number), began=began, attempt=attempt, path=path)
