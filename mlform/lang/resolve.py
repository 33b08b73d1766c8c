"""Expression and scope → value.

Everything the user can get wrong becomes a diagnostic, and the failing part becomes an unknown
value, so that one run finds as many problems as there are.
"""

from __future__ import annotations

from typing import Final

from mlform.diagnostics import Diagnostics, did_you_mean
from mlform.hcl import ast
from mlform.lang import dispatch
from mlform.lang.calls import resolve_call
from mlform.lang.comprehensions import (
    resolve_for_object,
    resolve_for_tuple,
    resolve_splat,
    resolve_splat_item,
)
from mlform.lang.construct import object_of, text, tuple_of
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.depth import MAX_VALUE_DEPTH, is_too_deep
from mlform.lang.dispatch import RESOLVERS
from mlform.lang.failure import ExpressionFailure, report
from mlform.lang.numbers import canonical
from mlform.lang.operators import OperandFailure, binary, result_type, unary
from mlform.lang.ranges import either
from mlform.lang.scope import Scope
from mlform.lang.selection import get_attribute, get_index
from mlform.lang.templates import resolve_template
from mlform.lang.type_text import type_name
from mlform.lang.types import BOOL, DYNAMIC, NUMBER, STRING, Type
from mlform.lang.unification import unify
from mlform.lang.values import (
    FALSE,
    NO_MARKS,
    NULL,
    TRUE,
    UNKNOWN,
    UNKNOWN_VALUE,
    Mark,
    Value,
    unknown,
)

__all__ = ["resolve"]

_resolve_part: Final = dispatch.resolve

_ELSEWHERE = {
    "count": (
        'Reference to "count" in non-counted context',
        'The "count" object can be used only in blocks that have the "count" argument.',
    ),
    "each": (
        'Reference to "each" in context without for_each',
        'The "each" object can be used only in blocks that have the "for_each" argument.',
    ),
    "self": (
        'Invalid "self" reference',
        'The "self" object is there only in postconditions. Write the address of the resource.',
    ),
    "run": (
        'Invalid "run" reference',
        'The "run" object can be used only in files of tests, for the outputs of earlier runs.',
    ),
}
_UNDECLARED = {
    "local": (
        "Reference to undeclared local value",
        'A local value with the name "{}" has not been declared.',
    ),
    "var": (
        "Reference to undeclared input variable",
        'An input variable with the name "{}" has not been declared.',
    ),
}


def resolve(expression: ast.Expression, scope: Scope, diagnostics: Diagnostics) -> Value:
    """Return the value of an expression; what is wrong with it is recorded.

    A part that is wrong becomes an unknown value. A value that is nested too deeply for the rest of
    mlform is refused here, because this is where values come from.
    """
    try:
        value = RESOLVERS[type(expression)](expression, scope, diagnostics)
        payload = value.payload
        if (type(payload) is not tuple and type(payload) is not dict) or not is_too_deep(value):
            return value
    except RecursionError:
        pass
    diagnostics.error(
        "Value nested too deeply",
        f"Lists and objects may be nested {MAX_VALUE_DEPTH} levels deep, and this value is nested "
        "deeper. Keep it as a string, such as with jsonencode, or in a flat map.",
        range=expression.range,
    )
    return UNKNOWN_VALUE


def _resolve_literal(expression: ast.Literal, _: Scope, __: Diagnostics) -> Value:
    value = expression.value
    if value is None:
        return NULL
    if value is True or value is False:
        return TRUE if value else FALSE
    return Value(NUMBER, canonical(value))


def _resolve_variable(expression: ast.Variable, scope: Scope, diagnostics: Diagnostics) -> Value:
    found = scope.lookup(expression.name)
    if found is not None:
        return found
    name = expression.name
    if name in _ELSEWHERE:
        return report(ExpressionFailure(*_ELSEWHERE[name]), expression, scope, diagnostics)
    known = [each for each in scope.names() if each.isidentifier()]
    hint = did_you_mean(name, known) or (
        f' A string needs quotes: "{name}".' if name.isidentifier() else ""
    )
    failure = ExpressionFailure("Invalid reference", f'There is nothing named "{name}" here.{hint}')
    return report(failure, expression, scope, diagnostics)


def _resolve_attribute(
    expression: ast.GetAttribute, scope: Scope, diagnostics: Diagnostics
) -> Value:
    target = _resolve_part(expression.target, scope, diagnostics)
    name = expression.name
    try:
        if name.isdigit():
            return get_index(target, Value(NUMBER, int(name)))
        return get_attribute(target, name)
    except ExpressionFailure as failure:
        place = expression.name_range
        return report(
            _undeclared(expression, target, failure), expression, scope, diagnostics, place
        )


def _undeclared(
    expression: ast.GetAttribute, target: Value, failure: ExpressionFailure
) -> ExpressionFailure:
    """Say what kind of thing is missing where the target is a root of the configuration."""
    root = expression.target
    if not isinstance(root, ast.Variable) or root.name not in _UNDECLARED:
        return failure
    summary, detail = _UNDECLARED[root.name]
    known = target.payload if isinstance(target.payload, dict) else {}
    return ExpressionFailure(
        summary, detail.format(expression.name) + did_you_mean(expression.name, known)
    )


def _resolve_index(expression: ast.Index, scope: Scope, diagnostics: Diagnostics) -> Value:
    target = _resolve_part(expression.target, scope, diagnostics)
    key = _resolve_part(expression.key, scope, diagnostics)
    try:
        return get_index(target, key)
    except ExpressionFailure as failure:
        return report(failure, expression, scope, diagnostics, expression.key.range)


def _resolve_parentheses(
    expression: ast.Parentheses, scope: Scope, diagnostics: Diagnostics
) -> Value:
    return _resolve_part(expression.inner, scope, diagnostics)


def _resolve_tuple(expression: ast.Tuple, scope: Scope, diagnostics: Diagnostics) -> Value:
    return tuple_of([_resolve_part(item, scope, diagnostics) for item in expression.items])


def _resolve_object(expression: ast.Object, scope: Scope, diagnostics: Diagnostics) -> Value:
    attributes: dict[str, Value] = {}
    marks: frozenset[Mark] = NO_MARKS
    known = True
    for item in expression.items:
        written = item.key
        name = written.constant if type(written) is ast.Template else None
        if name is not None and name.isascii():  # as almost all keys are
            attributes[name] = _resolve_part(item.value, scope, diagnostics)
            continue
        key = _object_key(written, scope, diagnostics)
        value = _resolve_part(item.value, scope, diagnostics)
        marks |= key.marks
        if key.payload is UNKNOWN:
            known = False
        else:
            attributes[text(key)] = value
    result = object_of(attributes) if known else UNKNOWN_VALUE
    return result.with_marks(marks) if marks else result


def _object_key(expression: ast.Expression, scope: Scope, diagnostics: Diagnostics) -> Value:
    value = _resolve_part(expression, scope, diagnostics)
    try:
        value = convert(value, STRING)
    except ConversionError as error:
        detail = f"Can't use this value as a key: {error.message}."
        return report(
            ExpressionFailure("Incorrect key type", detail), expression, scope, diagnostics
        )
    if value.payload is None:
        detail = "Can't use a null value as a key."
        return report(
            ExpressionFailure("Null value as key", detail), expression, scope, diagnostics
        )
    return value


def _resolve_binary(expression: ast.Binary, scope: Scope, diagnostics: Diagnostics) -> Value:
    left = _resolve_part(expression.left, scope, diagnostics)
    right = _resolve_part(expression.right, scope, diagnostics)
    try:
        return binary(expression.operator, left, right)
    except OperandFailure as failure:
        operand = expression.left if failure.side == "left" else expression.right
        report(failure, expression, scope, diagnostics, operand.range)
    except ExpressionFailure as failure:
        report(failure, expression, scope, diagnostics)
    # an operator that fails still says what type it would have given
    return unknown(result_type(expression.operator))


def _resolve_unary(expression: ast.Unary, scope: Scope, diagnostics: Diagnostics) -> Value:
    operand = _resolve_part(expression.operand, scope, diagnostics)
    try:
        return unary(expression.operator, operand)
    except ExpressionFailure as failure:
        report(failure, expression, scope, diagnostics, expression.operand.range)
    return unknown(NUMBER if expression.operator is ast.UnaryOperator.NEGATE else BOOL)


def _resolve_conditional(
    expression: ast.Conditional, scope: Scope, diagnostics: Diagnostics
) -> Value:
    # both results are resolved, because the type of either shapes the other
    then_diagnostics, otherwise_diagnostics = Diagnostics(), Diagnostics()
    then = _resolve_part(expression.then, scope, then_diagnostics)
    otherwise = _resolve_part(expression.otherwise, scope, otherwise_diagnostics)
    condition = _resolve_part(expression.condition, scope, diagnostics)
    type_: Type = DYNAMIC
    try:
        type_ = _common_type(then, otherwise)
        condition = _condition(condition)
        # the marks of either result show what the condition was, so they belong to both
        marks = condition.marks | then.marks | otherwise.marks
        if condition.payload is UNKNOWN:
            return either(then, otherwise, type_, marks)
        chosen, problems = (
            (then, then_diagnostics) if condition.payload else (otherwise, otherwise_diagnostics)
        )
        if problems.items:
            diagnostics.extend(problems)
        result = _chosen(chosen, type_)
    except ConditionFailure as failure:
        report(failure, expression, scope, diagnostics, expression.condition.range)
        return unknown(type_)
    except ExpressionFailure as failure:
        return report(failure, expression, scope, diagnostics)
    return result.with_marks(marks) if marks else result


class ConditionFailure(ExpressionFailure):
    """The condition itself is unsuitable."""


def _condition(value: Value) -> Value:
    if value.payload is None:
        raise ConditionFailure(
            "Null condition",
            "The condition value is null. Conditions must either be true or false.",
        )
    if value.type is BOOL:
        return value
    if value.type is not DYNAMIC:
        try:
            return convert(value, BOOL)
        except ConversionError as error:
            raise ConditionFailure(
                "Incorrect condition type",
                f"The condition expression must be of type bool, but this is a "
                f"{type_name(value.type)}. Compare with == or != to get a bool.",
            ) from error
    return value


def _is_untyped_null(value: Value) -> bool:
    return value.payload is None and value.type is DYNAMIC


def _common_type(then: Value, otherwise: Value) -> Type:
    if then.type is otherwise.type:
        return then.type
    if _is_untyped_null(then):
        return otherwise.type
    if _is_untyped_null(otherwise):
        return then.type
    common = unify((then.type, otherwise.type))
    if common is None:
        mine, theirs = type_name(then.type), type_name(otherwise.type)
        said = f" The 'true' value is {mine}, but the 'false' value is {theirs}."
        raise ExpressionFailure(
            "Inconsistent conditional result types",
            "The true and false result expressions must have consistent types."
            + (said if mine != theirs else " Their elements or attributes have no common type.")
            + " Convert both to one type, such as with tostring or tolist.",
        )
    return common


def _chosen(value: Value, type_: Type) -> Value:
    try:
        return convert(value, type_)
    except ConversionError as error:
        raise ExpressionFailure(
            "Inconsistent conditional result types",
            f"The chosen result cannot take the type of both results: {error}.",
        ) from error


RESOLVERS.update(
    {
        ast.Literal: _resolve_literal,
        ast.Template: resolve_template,
        ast.Variable: _resolve_variable,
        ast.GetAttribute: _resolve_attribute,
        ast.Index: _resolve_index,
        ast.Splat: resolve_splat,
        ast.SplatItem: resolve_splat_item,
        ast.Call: resolve_call,
        ast.Conditional: _resolve_conditional,
        ast.Binary: _resolve_binary,
        ast.Unary: _resolve_unary,
        ast.Parentheses: _resolve_parentheses,
        ast.Tuple: _resolve_tuple,
        ast.Object: _resolve_object,
        ast.ForTuple: resolve_for_tuple,
        ast.ForObject: resolve_for_object,
    }
)
