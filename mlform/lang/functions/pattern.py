"""Functions with regular expressions, in RE2's syntax and semantics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Protocol

from mlform.lang.construct import list_of, object_of, string_value, text, tuple_of
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.types import DYNAMIC, STRING, ListType, ObjectType, TupleType, Type
from mlform.lang.values import Value, null

_SHORTEST_PATTERN: Final = 2
_ANY_BYTE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\C")  # half a character is no string


class _Match(Protocol):
    def group(self, group: int = ..., /) -> str | None: ...
    def start(self) -> int: ...
    def end(self) -> int: ...


class _Pattern(Protocol):
    @property
    def groups(self) -> int: ...
    @property
    def groupindex(self) -> dict[str, int]: ...
    def search(self, content: str, /) -> _Match | None: ...
    def finditer(self, content: str, /) -> Iterable[_Match]: ...


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> _Pattern:
    import re2  # type: ignore[import-untyped]  # the wheel has no stubs

    if _ANY_BYTE.search(pattern):
        raise ArgumentError(0, f"invalid regexp pattern: invalid escape sequence \\C in {pattern}")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: _Pattern = re2.compile(pattern, options=options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        reason = said.decode() if isinstance(said, bytes) else str(said)
        raise ArgumentError(0, f"invalid regexp pattern: {reason} in {pattern}") from error
    return compiled


def _result_type(pattern: _Pattern) -> Type:
    if pattern.groups == 0:
        return STRING
    if not pattern.groupindex:
        return TupleType((STRING,) * pattern.groups)
    if len(pattern.groupindex) != pattern.groups:
        raise ArgumentError(
            0, "invalid regexp pattern: cannot mix both named and unnamed capture groups"
        )
    return ObjectType(tuple((name, STRING) for name in sorted(pattern.groupindex)))


def _captured(match: _Match, pattern: _Pattern) -> Value:
    if pattern.groups == 0:
        return string_value(match.group() or "")
    if pattern.groupindex:
        groups = pattern.groupindex.items()
        return object_of({name: _group(match, position) for name, position in groups})
    return tuple_of([_group(match, position + 1) for position in range(pattern.groups)])


def _group(match: _Match, position: int) -> Value:
    found = match.group(position)
    return null(STRING) if found is None else string_value(found)


def _regex_type(pattern: Value, _: Value) -> Type:
    return _result_type(_compiled(text(pattern))) if isinstance(pattern.payload, str) else DYNAMIC


def _regexall_type(pattern: Value, content: Value) -> Type:
    return ListType(_regex_type(pattern, content))


def _regex(pattern: Value, content: Value) -> Value:
    compiled = _compiled(text(pattern))
    _result_type(compiled)
    match = compiled.search(text(content))
    if match is None:
        raise FunctionError("pattern did not match any part of the given string")
    return _captured(match, compiled)


def _regexall(pattern: Value, content: Value) -> Value:
    compiled = _compiled(text(pattern))
    element = _result_type(compiled)
    return list_of(
        [_captured(match, compiled) for match in _matches(compiled, text(content))], element
    )


def _matches(compiled: _Pattern, content: str) -> list[_Match]:
    """Return all matches, but no empty one right behind another, as Go's package finds them."""
    found: list[_Match] = []
    for match in compiled.finditer(content):
        if found and match.start() == match.end() == found[-1].end():
            continue
        found.append(match)
    return found


def _replace(content: Value, part: Value, replacement: Value) -> Value:
    searched, new = text(part), text(replacement)
    if len(searched) >= _SHORTEST_PATTERN and searched[0] == searched[-1] == "/":
        return string_value(_substituted(text(content), searched[1:-1], new))
    if not searched:
        pieces = [new + rune for rune in text(content)]
        return string_value("".join(pieces) + new)
    return string_value(text(content).replace(searched, new))


def _substituted(content: str, pattern: str, replacement: str) -> str:
    try:
        compiled = _compiled(pattern)
    except ArgumentError as error:
        raise FunctionError(str(error)) from error
    written: list[str] = []
    end = 0
    for match in _matches(compiled, content):
        written.append(content[end : match.start()])
        written.append(_expanded(replacement, match, compiled))
        end = match.end()
    return "".join(written) + content[end:]


def _expanded(replacement: str, match: _Match, compiled: _Pattern) -> str:
    """Expand `$1`, `${1}`, `$name`, `${name}` and `$$`, by the rules of Go's `Regexp.Expand`."""
    written: list[str] = []
    rest = replacement
    while rest:
        before, dollar, rest = rest.partition("$")
        written.append(before)
        if not dollar:
            break
        if rest.startswith("$"):
            written.append("$")
            rest = rest[1:]
            continue
        name, behind = _reference(rest)
        if name is None:
            written.append("$")
            continue
        rest = behind
        position = int(name) if name.isdigit() else compiled.groupindex.get(name, -1)
        if 0 <= position <= compiled.groups:
            written.append(match.group(position) or "")
    return "".join(written)


def _reference(rest: str) -> tuple[str | None, str]:
    braced = rest.startswith("{")
    start = 1 if braced else 0
    end = start
    while end < len(rest) and (rest[end].isalnum() or rest[end] == "_"):
        end += 1
    if end == start or (braced and rest[end : end + 1] != "}"):
        return None, rest
    return rest[start:end], rest[end + 1 if braced else end :]


_PARAMETERS: Final = (
    Parameter(name="pattern", type=STRING),
    Parameter(name="string", type=STRING),
)

FUNCTIONS: Final = (
    Function(
        name="regex",
        description="The first match of a pattern: a string, or its groups as tuple or object.",
        parameters=_PARAMETERS,
        result_type=_regex_type,
        implementation=_regex,
    ),
    Function(
        name="regexall",
        description="All matches of a pattern in a list.",
        parameters=_PARAMETERS,
        returns=ListType(DYNAMIC),
        result_type=_regexall_type,
        implementation=_regexall,
    ),
    Function(
        name="replace",
        description="The string with each occurrence of another, or of a /pattern/, replaced.",
        parameters=(
            Parameter(name="str", type=STRING),
            Parameter(name="substr", type=STRING),
            Parameter(name="replace", type=STRING),
        ),
        returns=STRING,
        implementation=_replace,
    ),
)
