"""Functions that convert between types, try expressions, and set or lift marks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mlform.diagnostics import Diagnostics, Severity
from mlform.lang.construct import has_unknown, marks_deep
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.function import ArgumentError, Closure, Function, FunctionError, Parameter
from mlform.lang.type_text import constraint_name, type_name
from mlform.lang.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    SetType,
    Type,
)
from mlform.lang.values import SENSITIVE, UNKNOWN_VALUE, Mark, Value, boolean, unknown


def _to(wanted: Type) -> Callable[[Value], Value]:
    def implementation(value: Value) -> Value:
        try:
            return convert(value, wanted)
        except ConversionError as error:
            raise ArgumentError(0, _refusal(value, wanted, error)) from error

    return implementation


def _refusal(value: Value, wanted: Type, error: ConversionError) -> str:
    if isinstance(value.payload, str) and wanted in {NUMBER, BOOL}:
        shown = "a sensitive string" if value.marks else f'"{value.payload}"'
        if wanted is NUMBER:
            allowed = "given string must be a decimal representation of a number"
        else:
            allowed = 'only the strings "true" or "false" are allowed'
        return f"cannot convert {shown} to {constraint_name(wanted)}; {allowed}"
    if error.path:
        return str(error)
    return f"cannot convert {type_name(value.type)} to {constraint_name(wanted)}"


def _try(*attempts: Closure) -> Value:
    if not attempts:
        raise FunctionError("at least one argument is required")
    problems: list[str] = []
    for attempt in attempts:
        diagnostics = Diagnostics()
        value = attempt.resolve(diagnostics)
        if diagnostics.has_errors:
            problems.append(_reason(attempt, diagnostics))
            continue
        # what is not known yet may still fail, and then another attempt counts
        return UNKNOWN_VALUE.with_marks(marks_deep(value)) if has_unknown(value) else value
    listed = "\n".join(f"- {problem}" for problem in problems)
    raise FunctionError(f"no expression succeeded:\n{listed}\nAt least one expression must succeed")


def _reason(attempt: Closure, diagnostics: Diagnostics) -> str:
    first = next(item for item in diagnostics if item.severity is Severity.ERROR)
    return f"{attempt.source}: {first.summary}. {first.detail}"


def _can(attempt: Closure) -> Value:
    diagnostics = Diagnostics()
    value = attempt.resolve(diagnostics)
    if diagnostics.has_errors:
        return boolean(False)  # noqa: FBT003 - the payload itself
    return unknown(BOOL) if has_unknown(value) else boolean(True)  # noqa: FBT003


def _sensitive(value: Value) -> Value:
    return value.with_marks(SENSITIVE)


def _nonsensitive(value: Value) -> Value:
    return Value(value.type, value.payload, value.marks - SENSITIVE, value.range)


def _issensitive(value: Value) -> Value:
    if value.is_sensitive:
        return boolean(True)  # noqa: FBT003
    return boolean(False) if value.is_known else unknown(BOOL)  # noqa: FBT003


def _ephemeralasnull(value: Value) -> Value:
    if Mark.EPHEMERAL in value.marks:
        return Value(value.type, None, value.marks - {Mark.EPHEMERAL})
    payload = value.payload
    if isinstance(payload, tuple):
        return Value(value.type, tuple([_ephemeralasnull(item) for item in payload]), value.marks)
    if isinstance(payload, dict):
        entries = {key: _ephemeralasnull(item) for key, item in payload.items()}
        return Value(value.type, entries, value.marks)
    return value


def _conversion(name: str, wanted: Type, description: str) -> Function:
    return Function(
        name=name,
        description=description,
        parameters=(Parameter(name="v", nullable=True, raw=True),),
        returns=wanted,
        nullable=True,
        implementation=_to(wanted),
    )


_RAW: Final = Parameter(name="value", nullable=True, raw=True)
_EXPRESSION: Final = Parameter(name="expression")

FUNCTIONS: Final = (
    _conversion("tostring", STRING, "The value as a string."),
    _conversion("tonumber", NUMBER, "The value as a number."),
    _conversion("tobool", BOOL, "The value as a bool."),
    _conversion("tolist", ListType(DYNAMIC), "The value as a list."),
    _conversion("toset", SetType(DYNAMIC), "The value as a set, without repeated elements."),
    _conversion("tomap", MapType(DYNAMIC), "The value as a map."),
    Function(
        name="try",
        description="The first argument that can be resolved without an error.",
        variadic=Parameter(name="expressions"),
        implementation=_try,
        lazy=True,
    ),
    Function(
        name="can",
        description="Whether an expression can be resolved without an error.",
        parameters=(_EXPRESSION,),
        returns=BOOL,
        implementation=_can,
        lazy=True,
    ),
    Function(
        name="sensitive",
        description="The value, marked so that it is never shown.",
        parameters=(_RAW,),
        nullable=True,
        implementation=_sensitive,
    ),
    Function(
        name="nonsensitive",
        description="The value without its sensitive mark.",
        parameters=(_RAW,),
        nullable=True,
        implementation=_nonsensitive,
    ),
    Function(
        name="issensitive",
        description="Whether the value is marked as sensitive.",
        parameters=(_RAW,),
        returns=BOOL,
        implementation=_issensitive,
    ),
    Function(
        name="ephemeralasnull",
        description="The value with null in the place of what is ephemeral.",
        parameters=(_RAW,),
        nullable=True,
        implementation=_ephemeralasnull,
    ),
)
