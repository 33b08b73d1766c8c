"""Resolving `for` expressions and splats."""

from __future__ import annotations

from collections.abc import Sequence

from mlform.dataclass import replace
from mlform.diagnostics import Diagnostics
from mlform.hcl import ast
from mlform.lang.construct import list_of, object_of, text, tuple_of
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.dispatch import resolve
from mlform.lang.failure import ExpressionFailure, report
from mlform.lang.ranges import converted_range, unknown_in
from mlform.lang.scope import Scope
from mlform.lang.type_text import type_name
from mlform.lang.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.values import NO_MARKS, UNKNOWN, UNKNOWN_VALUE, Mark, Range, Value

# no name of the language can be this, so that the element of a splat can be an ordinary variable
_SPLAT_ITEM = "*"


def elements_of(collection: Value) -> Sequence[tuple[Value, Value]] | None:
    """Return keys and values to iterate over, or None if they are not known yet.

    Raises:
        ExpressionFailure: If the value is null or cannot be iterated over.
    """
    payload = collection.payload
    if payload is None:
        raise ExpressionFailure(
            "Iteration over null value",
            "A null value cannot be used as the collection in a 'for' expression. Use "
            "coalesce(…, []) where it may be null.",
        )
    type_ = collection.type
    if type_ is DYNAMIC:
        return None
    if not isinstance(type_, ListType | SetType | MapType | TupleType | ObjectType):
        raise ExpressionFailure(
            "Iteration over non-iterable value",
            f"A value of type {type_name(type_)} cannot be used as the collection in a 'for' "
            "expression. Give a list, set, tuple, map or object.",
        )
    if isinstance(payload, dict):
        return [(Value(STRING, key), item) for key, item in payload.items()]
    if isinstance(payload, tuple):
        if isinstance(type_, SetType):
            return [(item, item) for item in payload]
        return [(Value(NUMBER, position), item) for position, item in enumerate(payload)]
    return None


def bind(
    scope: Scope, loop: ast.ForTuple | ast.ForObject | ast.ForDirective, key: Value, item: Value
) -> Scope:
    """Return the scope of one iteration."""
    if loop.key is None:
        return scope.child({loop.value: item})
    return scope.child({loop.key: key, loop.value: item})


class _Iteration:
    """What the iterations of one `for` expression have in common."""

    __slots__ = ("diagnostics", "known", "marks")

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.marks: frozenset[Mark] = NO_MARKS
        self.known = True

    def finish(self, result: Value) -> Value:
        if not self.known:
            result = UNKNOWN_VALUE
        return result.with_marks(self.marks) if self.marks else result


def resolve_for_tuple(expression: ast.ForTuple, scope: Scope, diagnostics: Diagnostics) -> Value:
    """Return the tuple of results."""
    iteration = _Iteration(diagnostics)
    results: list[Value] = []
    for key, item in _elements(expression, scope, iteration):
        inner = bind(scope, expression, key, item)
        if _included(expression.condition, inner, iteration):
            results.append(resolve(expression.result, inner, diagnostics))
    return iteration.finish(tuple_of(results))


def resolve_for_object(expression: ast.ForObject, scope: Scope, diagnostics: Diagnostics) -> Value:
    """Return the object of results; grouped results are tuples."""
    iteration = _Iteration(diagnostics)
    groups: dict[str, list[Value]] = {}
    for key, item in _elements(expression, scope, iteration):
        inner = bind(scope, expression, key, item)
        if not _included(expression.condition, inner, iteration):
            continue
        name = _result_key(expression, inner, iteration)
        value = resolve(expression.result, inner, diagnostics)
        if name is None:
            continue
        if name in groups and not expression.group:
            _report_duplicate(name, expression, inner, iteration)
            continue
        groups.setdefault(name, []).append(value)
    if expression.group:
        return iteration.finish(object_of({key: tuple_of(group) for key, group in groups.items()}))
    return iteration.finish(object_of({key: group[0] for key, group in groups.items()}))


def _elements(
    expression: ast.ForTuple | ast.ForObject, scope: Scope, iteration: _Iteration
) -> Sequence[tuple[Value, Value]]:
    collection = resolve(expression.collection, scope, iteration.diagnostics)
    iteration.marks |= collection.marks
    try:
        elements = elements_of(collection)
    except ExpressionFailure as failure:
        report(failure, expression.collection, scope, iteration.diagnostics)
        elements = None
    if not elements and expression.condition is not None and collection.type is not DYNAMIC:
        # the condition is checked even where there is nothing to choose from yet
        nothing = Value(DYNAMIC, UNKNOWN)
        checked = _Iteration(iteration.diagnostics)
        _included(expression.condition, bind(scope, expression, nothing, nothing), checked)
    if elements is None:
        iteration.known = False
        return ()
    return elements


def _included(condition: ast.Expression | None, scope: Scope, iteration: _Iteration) -> bool:
    if condition is None:
        return True
    value = resolve(condition, scope, iteration.diagnostics)
    iteration.marks |= value.marks
    try:
        value = convert(value, BOOL)
    except ConversionError as error:
        failure = ExpressionFailure(
            "Invalid 'for' condition", f"The 'if' clause value is invalid: {error.message}."
        )
        report(failure, condition, scope, iteration.diagnostics)
        iteration.known = False
        return False
    if value.payload is None:
        failure = ExpressionFailure(
            "Condition is null",
            "The value of the 'if' clause must not be null. Compare with == to get true or false.",
        )
        report(failure, condition, scope, iteration.diagnostics)
    if not isinstance(value.payload, bool):
        iteration.known = False
        return False
    return value.payload


def _result_key(expression: ast.ForObject, scope: Scope, iteration: _Iteration) -> str | None:
    value = resolve(expression.result_key, scope, iteration.diagnostics)
    iteration.marks |= value.marks
    problem = None
    try:
        value = convert(value, STRING)
    except ConversionError as error:
        problem = f"The key expression produced an invalid result: {error.message}."
    if value.payload is None:
        problem = "Key expression in 'for' expression must not produce a null value."
    if problem is not None:
        failure = ExpressionFailure("Invalid object key", problem)
        report(failure, expression.result_key, scope, iteration.diagnostics)
    if problem is not None or value.payload is UNKNOWN:
        iteration.known = False
        return None
    return text(value)


def _report_duplicate(
    name: str, expression: ast.ForObject, scope: Scope, iteration: _Iteration
) -> None:
    shown = "the same key" if iteration.marks else f'the key "{name}"'
    failure = ExpressionFailure(
        "Duplicate object key",
        f"Two different items produced {shown} in this 'for' expression. If duplicates are "
        "expected, use the ellipsis (...) after the value expression to enable grouping by key.",
    )
    report(failure, expression.result_key, scope, iteration.diagnostics)
    iteration.known = False


def resolve_splat_item(_: ast.SplatItem, scope: Scope, __: Diagnostics) -> Value:
    """Return the element that the innermost splat is at."""
    item = scope.lookup(_SPLAT_ITEM)
    return UNKNOWN_VALUE if item is None else item


def resolve_splat(expression: ast.Splat, scope: Scope, diagnostics: Diagnostics) -> Value:
    """Return the results for every element; a single value counts as one element, null as none."""
    source = resolve(expression.target, scope, diagnostics)
    type_ = source.type
    is_sequence = isinstance(type_, ListType | SetType | TupleType)
    if source.payload is None:
        if not is_sequence:
            return tuple_of(()).with_marks(source.marks)
        failure = ExpressionFailure(
            "Splat of null value",
            "Splat expressions (with the * symbol) cannot be applied to null sequences. Use "
            "coalesce(…, []) where it may be null.",
        )
        return report(failure, expression.target, scope, diagnostics)
    if source.payload is UNKNOWN:
        return _unknown_splat(expression, source, scope, diagnostics)
    items: tuple[Value, ...] = (source,)
    if is_sequence and isinstance(source.payload, tuple):
        items = source.payload
    results = [
        resolve(expression.each, scope.child({_SPLAT_ITEM: item}), diagnostics) for item in items
    ]
    marks = source.marks
    if isinstance(type_, ListType | SetType):
        if not results:
            element = _each_type(expression, type_.element, scope, diagnostics)
            return list_of((), element).with_marks(marks)
        return _list_result(results).with_marks(marks)
    return tuple_of(results).with_marks(marks)


def _list_result(results: list[Value]) -> Value:
    first = results[0].type
    if all(result.type == first for result in results):
        return list_of(results, first)
    return tuple_of(results)


def _unknown_splat(
    expression: ast.Splat, source: Value, scope: Scope, diagnostics: Diagnostics
) -> Value:
    type_ = source.type
    if isinstance(type_, TupleType):
        each = [_each_type(expression, element, scope, diagnostics) for element in type_.elements]
        return tuple_of([Value(item, UNKNOWN) for item in each]).with_marks(source.marks)
    if isinstance(type_, ListType | SetType):
        wanted = ListType(_each_type(expression, type_.element, scope, diagnostics))
        known = converted_range(source.range, type_, wanted) or Range()
        return unknown_in(wanted, replace(known, not_null=True), source.marks)
    if type_ is DYNAMIC:
        return UNKNOWN_VALUE.with_marks(source.marks)
    inner = scope.child({_SPLAT_ITEM: source.without_marks()})
    only = tuple_of([resolve(expression.each, inner, diagnostics)])
    # a null counts as no element, so that not even the length may be known
    may_be_null = source.range is None or not source.range.not_null
    return (UNKNOWN_VALUE if may_be_null else only).with_marks(source.marks)


def _each_type(
    expression: ast.Splat, element: Type, scope: Scope, diagnostics: Diagnostics
) -> Type:
    inner = scope.child({_SPLAT_ITEM: Value(element, UNKNOWN)})
    return resolve(expression.each, inner, diagnostics).type
