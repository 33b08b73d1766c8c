"""`format` and `formatlist`, with the verbs of Terraform."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from mlform.dataclass import dataclass
from mlform.lang.construct import (
    amount,
    has_unknown,
    is_sequence,
    items_of,
    list_of,
    string_value,
    text,
    truth,
)
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.encode import json_text
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.text import graphemes
from mlform.lang.numbers import Amount, exact_decimal, format_number
from mlform.lang.types import BOOL, DYNAMIC, NUMBER, STRING, ListType, Primitive, TupleType
from mlform.lang.values import NO_MARKS, UNKNOWN, Range, Value, unknown

_VERB: Final = re.compile(
    r"%(?P<flags>[#0 +-]*)(?P<width>\d+)?(?:\.(?P<precision>\d*))?"
    r"(?:\[(?P<index>\d+)\])?(?P<verb>.)?",
    re.DOTALL | re.ASCII,
)
_WHOLE_VERBS: Final = {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}
_PREFIXES: Final = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}
_SHORTEST_LEAST_EXPONENT: Final = -4
_SHORTEST_DIGITS: Final = 21
_EXACT: Final = Context(prec=1000, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class _Verb:
    written: str
    offset: int
    flags: str
    width: int | None
    precision: int | None
    letter: str


def _fail(verb: _Verb, reason: str) -> FunctionError:
    return FunctionError(f'unsupported value for "{verb.written}" at {verb.offset}: {reason}')


def _padded(verb: _Verb, content: str) -> str:
    missing = (verb.width or 0) - len(graphemes(content))
    if missing <= 0:
        return content
    return content + " " * missing if "-" in verb.flags else " " * missing + content


def _padded_number(verb: _Verb, content: str) -> str:
    if not content.startswith("-"):
        sign = "+" if "+" in verb.flags else " " if " " in verb.flags else ""
        content = sign + content
    if "0" in verb.flags and "-" not in verb.flags and verb.width:
        sign = content[0] if content[0] in "+- " else ""
        digits = content[len(sign) :]
        return sign + digits.rjust(verb.width - len(sign), "0")
    return _padded(verb, content)


def _as_is(verb: _Verb, value: Value) -> str:
    if "#" not in verb.flags and value.payload is not None:
        if value.type is STRING:
            return _padded(verb, text(value))
        if value.type is NUMBER:
            return _padded(verb, _shortest(amount(value)))
    return _padded(verb, _json(verb, value))


def _json(verb: _Verb, value: Value) -> str:
    try:
        return json_text(value)
    except ValueError as error:
        raise _fail(verb, str(error)) from error


def _shortest(number: Amount) -> str:
    """Return what Go's `%v` makes of a number: an exponent below 1e-4 and from 1e21 digits on."""
    if number == 0 or (isinstance(number, Decimal) and not number.is_finite()):
        return format_number(number)
    return _scientific_or_plain(number, None)


def _scientific_or_plain(number: Amount, precision: int | None) -> str:
    exact = Decimal(number)
    if precision is not None:
        exact = exact_decimal(number)
        exact = Context(prec=max(precision, 1), rounding=ROUND_HALF_EVEN).plus(exact)
    exact = exact.normalize(_EXACT)
    exponent = exact.adjusted()
    digits = len(exact.as_tuple().digits)
    limit = 6 if precision is None else max(precision, 1)
    if precision is None:
        limit = _SHORTEST_DIGITS if digits > _SHORTEST_DIGITS else max(6, 0)
    elif limit > digits > exponent:
        limit = digits
    if exponent < _SHORTEST_LEAST_EXPONENT or exponent >= limit:
        return _with_exponent(exact, max(digits - 1, 0))
    return format_number(exact if exact != exact.to_integral_value() else int(exact))


def _with_exponent(number: Decimal, places: int) -> str:
    written = format(number, f".{places}e") if number else f"{0:.{places}e}"
    mantissa, _, exponent = written.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].rjust(2, '0')}"


def _converted(verb: _Verb, value: Value, wanted: Primitive) -> Value:
    try:
        converted = convert(value, wanted)
    except ConversionError as error:
        raise _fail(verb, error.message) from error
    if converted.payload is None:
        raise _fail(verb, "null value cannot be formatted")
    return converted


def _whole(verb: _Verb, value: Value) -> str:
    number = amount(_converted(verb, value, NUMBER))
    if not isinstance(number, int):
        raise _fail(verb, "an integer is required")
    written = format(abs(number), _WHOLE_VERBS[verb.letter])
    if verb.precision is not None:
        written = written.rjust(verb.precision, "0")
    if "#" in verb.flags:
        written = _PREFIXES.get(verb.letter, "") + written
    return _padded_number(verb, f"-{written}" if number < 0 else written)


def _floating(verb: _Verb, value: Value) -> str:
    number = amount(_converted(verb, value, NUMBER))
    exact = exact_decimal(number)
    places = 6 if verb.precision is None else verb.precision
    if not exact.is_finite():
        written = format_number(exact)
    elif verb.letter == "f":
        written = format(exact, f".{places}f")
    elif verb.letter in "eE":
        written = _with_exponent(exact, places)
    else:
        written = "0" if exact == 0 else _scientific_or_plain(number, verb.precision)
    if verb.letter in "EG":
        written = written.upper()
    return _padded_number(verb, written)


def _stringy(verb: _Verb, value: Value) -> str:
    content = text(_converted(verb, value, STRING))
    if verb.precision is not None:
        content = "".join(graphemes(content)[: verb.precision])
    if verb.letter == "q":
        content = _json(verb, string_value(content))
    return _padded(verb, content)


def _bool(verb: _Verb, value: Value) -> str:
    return _padded(verb, "true" if truth(_converted(verb, value, BOOL)) else "false")


_WRITERS: Final[dict[str, Callable[[_Verb, Value], str]]] = {
    "v": _as_is,
    "t": _bool,
    "s": _stringy,
    "q": _stringy,
    **dict.fromkeys("dboxX", _whole),
    **dict.fromkeys("eEfgG", _floating),
}


def formatted(pattern: str, arguments: Sequence[Value]) -> str:
    """Return the pattern with its verbs replaced by the arguments.

    Raises:
        FunctionError: If a verb is not known, or an argument is missing, left over or unsuitable.
    """
    written: list[str] = []
    end = position = used = 0
    for match in _VERB.finditer(pattern):
        written.append(pattern[end : match.start()])
        end = match.end()
        if match[0] == "%%":
            written.append("%")
            continue
        verb = _verb(match, len(pattern[: match.start()].encode()))
        position = int(match["index"]) if match["index"] else position + 1
        if not 1 <= position <= len(arguments):
            raise FunctionError(
                f'not enough arguments for "{verb.written}" at {verb.offset}: need index '
                f"{position} but have {len(arguments)} total"
            )
        used = max(used, position)
        written.append(_WRITERS[verb.letter](verb, arguments[position - 1]))
    if used < len(arguments):
        reason = f"only {used} used by format string" if used else "no verbs in format string"
        raise ArgumentError(1 + used, f"too many arguments; {reason}")
    return "".join(written) + pattern[end:]


def _verb(match: re.Match[str], offset: int) -> _Verb:
    letter = match["verb"]
    if letter is None:
        raise FunctionError(f"the pattern ends in a lone % at {offset}; write %% for the sign")
    if letter not in _WRITERS:
        raise FunctionError(
            f'unsupported format verb "{letter}" in "{match[0]}" at offset {offset}; write %% for '
            "a percent sign"
        )
    precision = match["precision"]
    return _Verb(
        match[0],
        offset,
        match["flags"],
        int(match["width"]) if match["width"] else None,
        None if precision is None else int(precision or 0),
        letter,
    )


def _format(pattern: Value, *arguments: Value) -> Value:
    return string_value(formatted(text(pattern), arguments))


def _format_early(pattern: Value, *_: Value) -> Value:
    """Return an unknown string that begins like the pattern, up to the first verb."""
    content = pattern.payload if isinstance(pattern.payload, str) else ""
    begins = content.partition("%")[0][:-1]  # what follows may combine with the last character
    return Value(STRING, UNKNOWN, NO_MARKS, Range(not_null=True, prefix=begins))


def _formatlist(pattern: Value, *arguments: Value) -> Value:
    """Format row by row; a row with anything unknown in it is unknown."""
    if not pattern.is_known:
        return unknown(ListType(STRING))
    _check_lengths(arguments)
    for each in arguments:
        if not each.is_known and (is_sequence(each.type) or each.type is DYNAMIC):
            return unknown(ListType(STRING))
    lists = [
        (position, items_of(each))
        for position, each in enumerate(arguments)
        if is_sequence(each.type) and each.payload is not None
    ]
    count = len(lists[0][1]) if lists else 1
    columns = dict(lists)
    rows: list[Value] = []
    for row in range(count):
        values = [
            columns[position][row] if position in columns else each
            for position, each in enumerate(arguments)
        ]
        if any(map(has_unknown, values)):
            rows.append(_format_early(pattern))
            continue
        try:
            rows.append(string_value(formatted(text(pattern), values)))
        except FunctionError as error:
            raise FunctionError(f"error on format iteration {row}: {error}") from error
    return list_of(rows, STRING)


def _check_lengths(arguments: Sequence[Value]) -> None:
    """Refuse sequences of different lengths; a tuple has its length even while unknown."""
    first: tuple[int, int] | None = None
    for position, each in enumerate(arguments, start=1):
        if isinstance(each.type, TupleType) and each.payload is not None:
            length = len(each.type.elements)
        elif isinstance(each.payload, tuple):
            length = len(each.payload)
        else:
            continue
        if first is None:
            first = (position, length)
        elif length != first[1]:
            raise ArgumentError(
                position,
                f"argument {position} has length {length}, which is inconsistent with argument "
                f"{first[0]} of length {first[1]}",
            )


_FORMAT: Final = Parameter(name="format", type=STRING)
_ARGUMENTS: Final = Parameter(name="args", nullable=True)

FUNCTIONS: Final = (
    Function(
        name="format",
        description="A string with the arguments written in the places of its verbs.",
        parameters=(_FORMAT,),
        variadic=_ARGUMENTS,
        returns=STRING,
        early=_format_early,
        implementation=_format,
    ),
    Function(
        name="formatlist",
        description="A list of strings made by format from the elements of lists.",
        parameters=(Parameter(name="format", type=STRING, unknown=True),),
        variadic=Parameter(name="args", nullable=True, unknown=True),
        returns=ListType(STRING),
        implementation=_formatlist,
    ),
)
