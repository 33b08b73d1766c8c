"""Points in time as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from mlform.errors import UsageError

_AGO: Final = re.compile(r"(\d{1,6})\s*(m|minutes?|h|hours?|d|days?|w|weeks?)(\s+ago)?")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_moment(text: str, now: datetime, *, end_of_day: bool) -> str:
    """Return a point in time in UTC as RFC 3339 with seconds.

    Args:
        text: A date, a time in RFC 3339 (UTC where no zone is given), or how long ago it was, such
            as `7d` or `7 days ago`.
        now: The time in UTC.
        end_of_day: Whether a date stands for the end of that day, not for its beginning.

    Raises:
        UsageError: If the text is none of these.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            found = now - timedelta(**{_UNITS[ago[2][0]]: int(ago[1])})
        else:
            found = datetime.fromisoformat(text.strip())
            if found.tzinfo is None:
                found = found.replace(tzinfo=UTC)
            if end_of_day and _DATE.fullmatch(text.strip()):
                found += timedelta(days=1, seconds=-1)
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise UsageError(
            "Invalid time",
            f'"{text}" is no point in time. Write a date such as 2026-11-24, a time such as '
            "2026-11-24T15:00:00Z, or how long ago it was, such as 7d, 12h or 7 days ago.",
        ) from None
