"""Functions on sets."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Final

from mlform.lang.construct import identity, is_sequence, items_of, list_of, set_of, tuple_of
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.types import DYNAMIC, ListType, SetType, TupleType, Type
from mlform.lang.unification import unify
from mlform.lang.values import Value


def _unified(sets: tuple[Value, ...]) -> list[Value]:
    """Return the sets converted to one type; empty sets of open type fit any."""
    typed = [each.type for each in sets if items_of(each) or each.type != SetType(DYNAMIC)]
    common = unify(typed) if typed else SetType(DYNAMIC)
    if not isinstance(common, SetType):
        raise FunctionError("given sets must all have compatible element types")
    try:
        return [
            convert(each, common) if items_of(each) else set_of((), common.element) for each in sets
        ]
    except ConversionError as error:
        raise FunctionError(
            f"given sets must all have compatible element types: {error}"
        ) from error


def _combined(
    choose: Callable[[dict[object, Value], dict[object, Value]], list[Value]],
) -> Callable[..., Value]:
    def implementation(*sets: Value) -> Value:
        first, *others = _unified(sets)
        if not isinstance(first.type, SetType):
            raise TypeError(first.type)
        for other in others:
            mine = {identity(item): item for item in items_of(first)}
            theirs = {identity(item): item for item in items_of(other)}
            first = set_of(choose(mine, theirs), first.type.element)
        return first

    return implementation


_union = _combined(lambda mine, theirs: list({**mine, **theirs}.values()))
_intersection = _combined(lambda mine, theirs: [mine[key] for key in mine if key in theirs])
_difference = _combined(lambda mine, theirs: [mine[key] for key in mine if key not in theirs])


def _element_type(value: Value, position: int) -> Type:
    if isinstance(value.type, ListType | SetType):
        return value.type.element
    if isinstance(value.type, TupleType):
        common = unify(value.type.elements)
        if common is None and value.type.elements:
            raise ArgumentError(position, "elements must all have the same type")
        return common or DYNAMIC
    raise ArgumentError(position, "a set or a list is required")


def _setproduct(*sets: Value) -> Value:
    if len(sets) < 2:  # noqa: PLR2004 - what the sentence says
        raise FunctionError("at least two arguments are required")
    elements = [_element_type(each, position) for position, each in enumerate(sets)]
    columns = [
        [convert(item, element) for item in items_of(each)]
        for each, element in zip(sets, elements, strict=True)
    ]
    rows = [tuple_of(row) for row in product(*columns)]
    row_type = TupleType(tuple(elements))
    # one set among the arguments is enough to make the order meaningless
    if any(isinstance(each.type, SetType) for each in sets):
        return set_of(rows, row_type)
    return list_of(rows, row_type)


def _checked_product(*sets: Value) -> Value:
    for position, each in enumerate(sets):
        if not is_sequence(each.type):
            raise ArgumentError(position, "a set or a list is required")
    return _setproduct(*sets)


_ANY_SET: Final = SetType(DYNAMIC)


def _of_sets(name: str, description: str, implementation: Callable[..., Value]) -> Function:
    return Function(
        name=name,
        description=description,
        parameters=(Parameter(name="first_set", type=_ANY_SET),),
        variadic=Parameter(name="other_sets", type=_ANY_SET),
        returns=_ANY_SET,
        implementation=implementation,
    )


FUNCTIONS: Final = (
    _of_sets("setunion", "The elements that any of the sets has.", _union),
    _of_sets("setintersection", "The elements that all of the sets have.", _intersection),
    Function(
        name="setsubtract",
        description="The elements of the first set that the second has not.",
        parameters=(Parameter(name="a", type=_ANY_SET), Parameter(name="b", type=_ANY_SET)),
        returns=_ANY_SET,
        implementation=_difference,
    ),
    Function(
        name="setproduct",
        description="All combinations of one element of each set or list.",
        variadic=Parameter(name="sets", shallow=True),
        implementation=_checked_product,
    ),
)
