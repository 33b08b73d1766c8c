"""Resolving function calls: arguments, conversion, unknown values and marks."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from functools import partial

from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.hcl import ast
from mlform.lang.construct import has_unknown, unmark_deep
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.dispatch import resolve
from mlform.lang.failure import ExpressionFailure, report
from mlform.lang.function import ArgumentError, Closure, Function, FunctionError
from mlform.lang.scope import Scope
from mlform.lang.type_text import type_name
from mlform.lang.types import DYNAMIC, STRING, ListType, Primitive, SetType, TupleType, Type
from mlform.lang.values import NO_MARKS, NOT_NULL, UNKNOWN, UNKNOWN_VALUE, Mark, Value

_PLAIN = frozenset({str, int, Decimal, bool})


class _Failed(ExpressionFailure):
    """A call fails; `place` is the argument at fault, if there is one."""

    def __init__(self, summary: str, detail: str, place: SourceRange | None = None) -> None:
        super().__init__(summary, detail)
        self.place = place


def resolve_call(expression: ast.Call, scope: Scope, diagnostics: Diagnostics) -> Value:
    """Return the result of a function call."""
    try:
        function = _function(expression, scope)
        if function.lazy:
            return _call_lazily(function, expression, scope, diagnostics)
        if not expression.expand_final:
            _check_count(function, len(expression.arguments), expression)
        _check_written(function, expression)
        before = len(diagnostics)
        arguments = [resolve(each, scope, diagnostics) for each in expression.arguments]
        if len(diagnostics) > before and diagnostics.has_errors:
            return UNKNOWN_VALUE
        if expression.expand_final and arguments:
            expanded = _expand(arguments.pop(), expression.arguments[-1])
            if isinstance(expanded, frozenset):
                return UNKNOWN_VALUE.with_marks(expanded)
            arguments.extend(expanded)
            _check_count(function, len(arguments), expression)
        return _call(function, arguments, expression)
    except _Failed as failure:
        return report(failure, expression, scope, diagnostics, failure.place)


def _function(expression: ast.Call, scope: Scope) -> Function:
    name = expression.name.removeprefix("core::")
    function = scope.functions.get(name)
    if function is not None and (name is expression.name or "::" not in name):
        return function
    if name == "type":
        raise _Failed(
            "Invalid use of type function",
            "The type function can be used only in the console, as the outermost call.",
            expression.name_range,
        )
    summary = "Unknown provider function" if "::" in expression.name else "Call to unknown function"
    detail = f'There is no function named "{expression.name}".{_nearest(name, scope.functions)}'
    raise _Failed(summary, detail, expression.name_range)


def _nearest(name: str, functions: Collection[str]) -> str:
    """Return a hint at the function meant: by its whole name, or by its last part alone."""
    if not functions:
        return " Functions cannot be called here."
    last = name.rpartition("::")[2]
    namespaced = {each.rpartition("::")[2]: each for each in functions if "::" in each}
    twin = last.replace("tfvars", "mlfvars")
    for exact in (last, twin):
        if exact in namespaced or exact in functions:
            return f' Did you mean "{namespaced.get(exact, exact)}"?'
    plain = [each for each in functions if "::" not in each]
    hint = did_you_mean(last, namespaced if "::" in name else plain)
    hint = hint or did_you_mean(last, plain if "::" in name else namespaced)
    for part, whole in namespaced.items():
        hint = hint.replace(f'"{part}"', f'"{whole}"')
    return hint


def _check_written(function: Function, expression: ast.Call) -> None:
    """Refuse a template where only a reference makes sense."""
    for position, written in enumerate(expression.arguments):
        if (
            type(written) is ast.Template
            and position < len(function.parameters)
            and function.parameters[position].reference
        ):
            message = (
                "invalid template expression: it must be a reference to a template from elsewhere; "
                "write this one as a template string of its own instead"
            )
            raise _argument_failure(function, position, message, expression)


def _expand(final: Value, place: ast.Expression) -> list[Value] | frozenset[Mark]:
    """Return the elements of an expanded argument, or its marks if they are not known yet."""
    if final.payload is None:
        raise _Failed(
            "Invalid expanding argument value",
            "The expanding argument (indicated by ...) must not be null.",
            place.range,
        )
    if not isinstance(final.type, ListType | SetType | TupleType):
        if final.type is DYNAMIC:
            return final.marks
        raise _Failed(
            "Invalid expanding argument value",
            "The expanding argument (indicated by ...) must be of a tuple, list, or set type.",
            place.range,
        )
    if not isinstance(final.payload, tuple):
        return final.marks
    return [item.with_marks(final.marks) for item in final.payload]


def _call_lazily(
    function: Function, expression: ast.Call, scope: Scope, diagnostics: Diagnostics
) -> Value:
    closures = [
        Closure(partial(resolve, each, scope), each.range.text) for each in expression.arguments
    ]
    if expression.expand_final and closures:
        final, written = closures.pop(), expression.arguments[-1]
        expanded = _expand(final.resolve(diagnostics), written)
        if isinstance(expanded, frozenset):
            return UNKNOWN_VALUE.with_marks(expanded)
        closures += [Closure(partial(_given_value, each), final.source) for each in expanded]
    _check_count(function, len(closures), expression)
    try:
        return function.implementation(*closures)
    except FunctionError as error:
        raise _failed_call(function, error, expression) from error


def _given_value(value: Value, _: Diagnostics) -> Value:
    return value


def _check_count(function: Function, given: int, expression: ast.Call) -> None:
    wanted = len(function.parameters)
    if given < wanted:
        missing = function.parameters[given].name
        atleast = "at least " if function.variadic else ""
        raise _Failed(
            "Not enough function arguments",
            f'Function "{function.name}" expects {atleast}{wanted} argument(s). Missing value for '
            f'"{missing}".',
        )
    if given > wanted and function.variadic is None:
        place = None
        if wanted < len(expression.arguments):
            place = expression.arguments[wanted].range.to(expression.arguments[-1].range)
        raise _Failed(
            "Too many function arguments",
            f'Function "{function.name}" expects only {wanted} argument(s).',
            place,
        )


def _call(function: Function, arguments: list[Value], expression: ast.Call) -> Value:
    marks: frozenset[Mark] = NO_MARKS
    known = True
    ready: list[Value] = []
    for position, given in enumerate(arguments):
        parameter = function.parameter(position)
        if _is_plain(given, parameter.type):
            ready.append(given)
            continue
        argument = given
        if parameter.type is not DYNAMIC:
            argument = _converted(given, position, function, expression)
        if not parameter.raw:
            if argument.payload is None and not parameter.nullable:
                raise _argument_failure(function, position, "argument must not be null", expression)
            if parameter.shallow:
                marks |= argument.marks
                argument = argument.without_marks()
                known = known and argument.payload is not UNKNOWN
            elif parameter.unknown:
                argument, inner_marks = unmark_deep(argument)
                marks |= inner_marks
            else:
                argument, inner_marks = unmark_deep(argument)
                marks |= inner_marks
                known = known and not has_unknown(argument)
        ready.append(argument)
    try:
        result = function.implementation(*ready) if known else _not_known_yet(function, ready)
    except FunctionError as error:
        raise _failed_call(function, _discreet(error, marks), expression) from error
    if result.payload is UNKNOWN and not function.nullable and not result.range:
        result = Value(result.type, UNKNOWN, result.marks, NOT_NULL)
    return result.with_marks(marks) if marks else result


def _is_plain(value: Value, wanted: Type) -> bool:
    """Whether a value is a known text, number or bool of the type wanted, without marks."""
    return (
        value.type is wanted
        and type(wanted) is Primitive
        and type(value.payload) in _PLAIN
        and not value.marks
    )


def _given(error: ConversionError, value: Value) -> str:
    """Return what is required, and what was given in its place."""
    name = type_name(value.type)
    if error.path or value.type is STRING:
        return str(error)
    return f"{error}, but {'an' if name[0] in 'aeiou' else 'a'} {name} is given"


def _not_known_yet(function: Function, arguments: list[Value]) -> Value:
    if function.early is not None:
        return function.early(*arguments)
    if function.result_type is not None:
        return Value(function.result_type(*arguments), UNKNOWN)
    return Value(function.returns, UNKNOWN)


def _discreet(error: FunctionError, marks: frozenset[Mark]) -> FunctionError:
    """Return the error without its words where they may quote a sensitive argument."""
    if not marks:
        return error
    message = "the reason is not shown because an argument is sensitive"
    if isinstance(error, ArgumentError):
        return ArgumentError(error.position, message)
    return FunctionError(message)


def _converted(value: Value, position: int, function: Function, expression: ast.Call) -> Value:
    try:
        return convert(value, function.parameter(position).type)
    except ConversionError as error:
        raise _argument_failure(function, position, _given(error, value), expression) from error


def _failed_call(function: Function, error: FunctionError, expression: ast.Call) -> _Failed:
    if isinstance(error, ArgumentError):
        return _argument_failure(function, error.position, str(error), expression)
    return _Failed("Error in function call", f'Call to function "{function.name}" failed: {error}.')


def _argument_failure(
    function: Function, position: int, message: str, expression: ast.Call
) -> _Failed:
    written = expression.arguments
    place = written[min(position, len(written) - 1)].range if written else None
    name = function.parameter(position).name
    return _Failed(
        "Invalid function argument", f'Invalid value for "{name}" parameter: {message}.', place
    )
