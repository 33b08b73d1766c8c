"""Functions on times in RFC 3339; the clock is a port of the context."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from mlform.lang.construct import string_value, text
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.context import FunctionContext
from mlform.lang.numbers import number_value
from mlform.lang.types import NUMBER, STRING
from mlform.lang.values import Value, unknown

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_DURATION_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_MICROSECONDS: Final = {
    "ns": Decimal("0.001"),
    "us": Decimal(1),
    "µs": Decimal(1),
    "μs": Decimal(1),
    "ms": Decimal(1000),
    "s": Decimal(1_000_000),
    "m": Decimal(60_000_000),
    "h": Decimal(3_600_000_000),
}
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NOON: Final = 12
_SHORT: Final = 3


def _parsed(value: Value, position: int) -> datetime:
    source = text(value)
    if not _RFC3339.fullmatch(source):
        raise ArgumentError(position, f'"{source}" is not a valid RFC3339 timestamp')
    try:
        return datetime.fromisoformat(source)
    except ValueError as error:
        message = f'"{source}" is not a valid RFC3339 timestamp: {error}'
        raise ArgumentError(position, message) from error


def _offset(moment: datetime, separator: str) -> str:
    delta = moment.utcoffset() or timedelta()
    minutes = int(delta.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{separator}{abs(minutes) % 60:02d}"


def _rfc3339(moment: datetime) -> str:
    zone = "Z" if not moment.utcoffset() else _offset(moment, ":")
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + zone


def _duration(source: str) -> timedelta:
    sign = -1 if source.startswith("-") else 1
    rest = source.lstrip("+-") if source[:1] in {"+", "-"} else source
    total = Decimal(0)
    if rest == "0":
        return timedelta()
    at = 0
    while at < len(rest):
        part = _DURATION_PART.match(rest, at)
        if part is None:
            raise ArgumentError(1, f'"{source}" is no duration such as 1h30m or -90s')
        total += Decimal(part[1]) * _MICROSECONDS[part[2]]
        at = part.end()
    if not rest:
        raise ArgumentError(1, "a duration such as 1h30m is required")
    return timedelta(microseconds=sign * int(total))


def _timeadd(timestamp: Value, duration: Value) -> Value:
    try:
        return string_value(_rfc3339(_parsed(timestamp, 0) + _duration(text(duration))))
    except ArgumentError as error:
        raise FunctionError(str(error)) from error
    except OverflowError as error:
        raise FunctionError("the result is out of the range of dates") from error


def _timecmp(left: Value, right: Value) -> Value:
    mine, theirs = _parsed(left, 0), _parsed(right, 1)
    return number_value((mine > theirs) - (mine < theirs))


def _zone(moment: datetime, run: str) -> str:
    if len(run) <= _SHORT and not moment.utcoffset():
        return "UTC" if len(run) == _SHORT else "Z"
    return _offset(moment, ":" if len(run) in {1, 5} else "")


_FIELDS: Final[dict[str, tuple[tuple[int, ...], Callable[[datetime, str], str]]]] = {
    "Y": ((2, 4), lambda t, run: f"{t.year:04d}" if len(run) == 4 else f"{t.year % 100:02d}"),  # noqa: PLR2004
    "M": (
        (1, 2, 3, 4),
        lambda t, run: (
            str(t.month),
            f"{t.month:02d}",
            _MONTHS[t.month - 1][:3],
            _MONTHS[t.month - 1],
        )[len(run) - 1],
    ),
    "D": ((1, 2), lambda t, run: f"{t.day:0{len(run)}d}"),
    "E": (
        (3, 4),
        lambda t, run: _DAYS[t.weekday()][:3] if len(run) == _SHORT else _DAYS[t.weekday()],
    ),
    "h": ((1, 2), lambda t, run: f"{t.hour:0{len(run)}d}"),
    "H": ((1, 2), lambda t, run: f"{(t.hour % _NOON) or _NOON:0{len(run)}d}"),
    "A": ((2,), lambda t, _: "PM" if t.hour >= _NOON else "AM"),
    "a": ((2,), lambda t, _: "pm" if t.hour >= _NOON else "am"),
    "m": ((1, 2), lambda t, run: f"{t.minute:0{len(run)}d}"),
    "s": ((1, 2), lambda t, run: f"{t.second:0{len(run)}d}"),
    "Z": ((1, 3, 4, 5), _zone),
}
_TOKEN: Final = re.compile(r"'((?:[^']|'')*)'|(([a-zA-Z])\3*)|([^a-zA-Z']+)|(')")


def _formatdate(layout: Value, timestamp: Value) -> Value:
    moment = _parsed(timestamp, 1)
    written: list[str] = []
    for token in _TOKEN.finditer(text(layout)):
        quoted, run, _, plain, stray = token.groups()
        if stray:
            raise ArgumentError(0, "unterminated literal '")
        if run is None:
            # two quotes with nothing between stand for one
            written.append(plain if plain is not None else quoted.replace("''", "'") or "'")
            continue
        if run[0] not in _FIELDS:
            message = f'invalid date format verb "{run}": literal letters must be in single quotes'
            raise ArgumentError(0, message)
        lengths, field = _FIELDS[run[0]]
        if len(run) not in lengths:
            usable = " or ".join(f'"{run[0] * length}"' for length in lengths)
            raise ArgumentError(0, f'invalid date format verb "{run}": must be {usable}')
        written.append(field(moment, run))
    return string_value("".join(written))


_TIMESTAMP: Final = Parameter(name="timestamp", type=STRING)

PURE: Final = (
    Function(
        name="formatdate",
        description="A timestamp written by a layout such as DD MMM YYYY hh:mm ZZZ.",
        parameters=(Parameter(name="format", type=STRING), Parameter(name="time", type=STRING)),
        returns=STRING,
        implementation=_formatdate,
    ),
    Function(
        name="timeadd",
        description="A timestamp a duration later.",
        parameters=(_TIMESTAMP, Parameter(name="duration", type=STRING)),
        returns=STRING,
        implementation=_timeadd,
    ),
    Function(
        name="timecmp",
        description="-1, 0 or 1 as the first time is before, at or after the second.",
        parameters=(
            Parameter(name="timestamp_a", type=STRING),
            Parameter(name="timestamp_b", type=STRING),
        ),
        returns=NUMBER,
        implementation=_timecmp,
    ),
)


def _from_port(name: str, description: str, port: Callable[[], str] | None) -> Function:
    def implementation() -> Value:
        return unknown(STRING) if port is None else string_value(port())

    return Function(
        name=name, description=description, returns=STRING, implementation=implementation
    )


def clock_functions(context: FunctionContext) -> tuple[Function, ...]:
    """Return the functions that give another result at every run."""
    return (
        _from_port("timestamp", "The time of apply.", context.timestamp),
        _from_port("plantimestamp", "The time of the plan.", context.plan_timestamp),
        _from_port("uuid", "A new random UUID at every apply.", context.new_uuid),
    )
