"""Functions on strings; characters are grapheme clusters, as people see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mlform.lang.construct import items_of, list_of, string_value, text
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.wholes import whole
from mlform.lang.ranges import range_of
from mlform.lang.types import BOOL, NUMBER, STRING, ListType
from mlform.lang.values import Value, boolean, unknown

# what Unicode calls white space; Python's strip() takes four control characters more
_SPACE: Final = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
_STRING: Final = Parameter(name="str", type=STRING)


def graphemes(content: str) -> list[str]:
    """Return the grapheme clusters of a string."""
    if content.isascii() and "\r" not in content:
        return list(content)
    import regex

    return regex.findall(r"\X", content)


def _upper_rune(rune: str) -> str:
    upper = rune.upper()
    return upper if len(upper) == 1 else rune


def _title_rune(rune: str) -> str:
    title = rune.title()
    return title if len(title) == 1 else rune


def _lower_rune(rune: str) -> str:
    return rune.lower()[0]


def _upper(value: Value) -> Value:
    content = text(value)
    if content.isascii():
        return string_value(content.upper())
    return string_value("".join(map(_upper_rune, content)))


def _lower(value: Value) -> Value:
    content = text(value)
    if content.isascii():
        return string_value(content.lower())
    return string_value("".join(map(_lower_rune, content)))


def _is_separator(rune: str) -> bool:
    if rune.isascii():
        return not (rune.isalnum() or rune == "_")
    return rune in _SPACE


def _title(value: Value) -> Value:
    written: list[str] = []
    previous = " "
    for rune in text(value):
        written.append(_title_rune(rune) if _is_separator(previous) else rune)
        previous = rune
    return string_value("".join(written))


def _chomp(value: Value) -> Value:
    return string_value(text(value).rstrip("\r\n"))


def _indent(spaces: Value, value: Value) -> Value:
    count = whole(spaces)
    if count < 0:
        raise FunctionError("the number of spaces must be 0 or more")
    return string_value(text(value).replace("\n", "\n" + " " * count))


def _join(separator: Value, *lists: Value) -> Value:
    if not lists:
        raise FunctionError("at least one list is required")
    pieces: list[str] = []
    for position, each in enumerate(lists):
        for index, item in enumerate(items_of(each)):
            if item.is_null:
                raise ArgumentError(
                    position + 1, f"element {index} is null; cannot concatenate null values"
                )
            pieces.append(text(item))
    return string_value(text(separator).join(pieces))


def _split(separator: Value, value: Value) -> Value:
    content = text(value)
    pieces = content.split(text(separator)) if separator.payload else list(content)
    return list_of([string_value(piece) for piece in pieces], STRING)


def _strrev(value: Value) -> Value:
    return string_value("".join(reversed(graphemes(text(value)))))


def _substr(value: Value, offset: Value, length: Value) -> Value:
    clusters = graphemes(text(value))
    start, count = whole(offset), whole(length)
    if start < 0:
        start = max(0, start + len(clusters))
    end = len(clusters) if count < 0 else start + count
    return string_value("".join(clusters[start:end]))


def _trim(value: Value, cutset: Value) -> Value:
    return string_value(text(value).strip(text(cutset)) if cutset.payload else text(value))


def _trimprefix(value: Value, prefix: Value) -> Value:
    return string_value(text(value).removeprefix(text(prefix)))


def _trimsuffix(value: Value, suffix: Value) -> Value:
    return string_value(text(value).removesuffix(text(suffix)))


def _trimspace(value: Value) -> Value:
    return string_value(text(value).strip(_SPACE))


def _test(test: Callable[[str, str], bool]) -> Callable[[Value, Value], Value]:
    def implementation(value: Value, part: Value) -> Value:
        return boolean(test(text(value), text(part)))

    return implementation


def _starts_early(value: Value, prefix: Value) -> Value:
    if isinstance(prefix.payload, str):
        begins = range_of(value).prefix
        if begins.startswith(prefix.payload):
            return boolean(True)  # noqa: FBT003 - the payload itself
        if not prefix.payload.startswith(begins):
            return boolean(False)  # noqa: FBT003
    return unknown(BOOL)


def _of_string(
    name: str,
    description: str,
    implementation: Callable[..., Value],
    *further: str,
    returns: ListType | None = None,
) -> Function:
    """Return a function of strings alone."""
    return Function(
        name=name,
        description=description,
        parameters=(_STRING, *(Parameter(name=each, type=STRING) for each in further)),
        returns=returns or STRING,
        implementation=implementation,
    )


def _tests(
    name: str,
    description: str,
    parameter: str,
    test: Callable[[str, str], bool],
    early: Callable[[Value, Value], Value] | None = None,
) -> Function:
    return Function(
        name=name,
        description=description,
        parameters=(_STRING, Parameter(name=parameter, type=STRING)),
        returns=BOOL,
        early=early,
        implementation=_test(test),
    )


FUNCTIONS: Final = (
    _of_string("upper", "The string in upper case.", _upper),
    _of_string("lower", "The string in lower case.", _lower),
    _of_string("title", "The string with the first letter of each word in upper case.", _title),
    _of_string("chomp", "The string without line breaks at its end.", _chomp),
    _of_string("strrev", "The string with its characters in reverse.", _strrev),
    _of_string("trim", "The string without the given characters at both ends.", _trim, "cutset"),
    _of_string("trimprefix", "The string without a prefix.", _trimprefix, "prefix"),
    _of_string("trimsuffix", "The string without a suffix.", _trimsuffix, "suffix"),
    _of_string("trimspace", "The string without white space at both ends.", _trimspace),
    _tests(
        "startswith",
        "Whether a string starts with a prefix.",
        "prefix",
        str.startswith,
        _starts_early,
    ),
    _tests("endswith", "Whether a string ends with a suffix.", "suffix", str.endswith),
    _tests("strcontains", "Whether a string contains another.", "substr", str.__contains__),
    Function(
        name="indent",
        description="The string with spaces before every line but the first.",
        parameters=(Parameter(name="spaces", type=NUMBER), _STRING),
        returns=STRING,
        implementation=_indent,
    ),
    Function(
        name="join",
        description="The strings of lists, one after the other with a separator between.",
        parameters=(Parameter(name="separator", type=STRING),),
        variadic=Parameter(name="lists", type=ListType(STRING)),
        returns=STRING,
        implementation=_join,
    ),
    Function(
        name="split",
        description="The parts of a string between separators.",
        parameters=(Parameter(name="separator", type=STRING), _STRING),
        returns=ListType(STRING),
        implementation=_split,
    ),
    Function(
        name="substr",
        description="The part of a string from an offset, so many characters long; -1 is the rest.",
        parameters=(
            _STRING,
            Parameter(name="offset", type=NUMBER),
            Parameter(name="length", type=NUMBER),
        ),
        returns=STRING,
        implementation=_substr,
    ),
)
