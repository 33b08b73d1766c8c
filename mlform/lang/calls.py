"""Resolving function calls: arguments, conversion, unknown values and marks."""

from __future__ import annotations

from functools import partial

from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.hcl import ast
from mlform.lang.construct import has_unknown, unmark_deep
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.dispatch import resolve
from mlform.lang.failure import ExpressionFailure, report
from mlform.lang.function import ArgumentError, Closure, Function, FunctionError
from mlform.lang.scope import Scope
from mlform.lang.types import DYNAMIC, ListType, SetType, TupleType, Type
from mlform.lang.values import NO_MARKS, UNKNOWN, UNKNOWN_VALUE, Mark, Value


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
            return _call_lazily(function, expression, scope)
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
        return _call(function, arguments, expression)
    except _Failed as failure:
        return report(failure, expression, scope, diagnostics, failure.place)


def _function(expression: ast.Call, scope: Scope) -> Function:
    name = expression.name.removeprefix("core::")
    function = scope.functions.get(name)
    if function is None and name == "type":
        raise _Failed(
            "Invalid use of type function",
            "The type function can be used only in the console, as the outermost call.",
            expression.name_range,
        )
    if function is None:
        raise _Failed(
            "Call to unknown function",
            f'There is no function named "{name}".{did_you_mean(name, scope.functions)}',
            expression.name_range,
        )
    return function


def _check_written(function: Function, expression: ast.Call) -> None:
    """Refuse a template where only a reference makes sense."""
    for position, (parameter, written) in enumerate(
        zip(function.parameters, expression.arguments, strict=False)
    ):
        if parameter.reference and isinstance(written, ast.Template):
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


def _call_lazily(function: Function, expression: ast.Call, scope: Scope) -> Value:
    _check_count(function, len(expression.arguments), expression)
    closures = [
        Closure(partial(resolve, each, scope), each.range.text) for each in expression.arguments
    ]
    try:
        return function.implementation(*closures)
    except FunctionError as error:
        raise _failed_call(function, error, expression) from error


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
    _check_count(function, len(arguments), expression)
    marks: frozenset[Mark] = NO_MARKS
    known = True
    ready: list[Value] = []
    for position, given in enumerate(arguments):
        parameter = function.parameter(position)
        argument = given
        if parameter.type is not DYNAMIC:
            argument = _converted(given, position, function, expression)
        if not parameter.raw:
            if argument.payload is None and not parameter.nullable:
                raise _argument_failure(function, position, "argument must not be null", expression)
            if parameter.shallow:
                marks |= argument.marks
                argument = Value(argument.type, argument.payload) if argument.marks else argument
                known = known and argument.payload is not UNKNOWN
            else:
                argument, inner_marks = unmark_deep(argument)
                marks |= inner_marks
                known = known and not has_unknown(argument)
        ready.append(argument)
    if not known:
        return Value(_unknown_type(function, ready), UNKNOWN, marks)
    try:
        result = function.implementation(*ready)
    except FunctionError as error:
        raise _failed_call(function, _discreet(error, marks), expression) from error
    return result.with_marks(marks) if marks else result


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
        raise _argument_failure(function, position, str(error), expression) from error


def _unknown_type(function: Function, arguments: list[Value]) -> Type:
    if function.result_type is None:
        return function.returns
    try:
        return function.result_type(*arguments)
    except FunctionError:
        return function.returns


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
