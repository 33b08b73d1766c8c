"""Functions on sets."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Final

from mlform.lang.construct import has_unknown, identity, items_of, list_of, set_of, tuple_of
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.ranges import length_bounds, unknown_in
from mlform.lang.types import DYNAMIC, ListType, SetType, TupleType, Type
from mlform.lang.unification import unify
from mlform.lang.values import UNKNOWN, Range, Value


def _key(item: Value) -> object:
    """Return what tells elements apart; what is not known yet may differ from everything."""
    return id(item) if has_unknown(item) else identity(item)


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
            mine = {_key(item): item for item in items_of(first)}
            theirs = {_key(item): item for item in items_of(other)}
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


def _combined_type(*sets: Value) -> Type:
    typed = [each.type for each in sets if each.payload != () or each.type != SetType(DYNAMIC)]
    common = unify(typed) if typed else SetType(DYNAMIC)
    if common is None:
        raise FunctionError("given sets must all have compatible element types")
    return common if isinstance(common, SetType) else SetType(DYNAMIC)


def _union_of_known(*sets: Value) -> Value:
    """Return the union; elements may be unknown, the sets may not."""
    if all(each.is_known for each in sets):
        return _union(*sets)
    return Value(_combined_type(*sets), UNKNOWN)


def _product_elements(sets: tuple[Value, ...]) -> list[Type]:
    if len(sets) < 2:  # noqa: PLR2004 - what the sentence says
        raise FunctionError("at least two arguments are required")
    return [_element_type(each, position) for position, each in enumerate(sets)]


def _product_type(*sets: Value) -> Type:
    if any(each.type is DYNAMIC for each in sets):
        return DYNAMIC
    row = TupleType(tuple(_product_elements(sets)))
    return SetType(row) if any(isinstance(each.type, SetType) for each in sets) else ListType(row)


def _product_early(*sets: Value) -> Value:
    """Return what is known of a product with an unknown set in it: how many elements."""
    type_ = _product_type(*sets)
    bounds = [length_bounds(each) for each in sets]
    if type_ is DYNAMIC or any(most is None for _, most in bounds):
        return Value(type_, UNKNOWN)
    least = prod(fewest for fewest, _ in bounds)
    most = prod(many or 0 for _, many in bounds)
    return unknown_in(type_, Range(not_null=True, least=least, most=most))


def _setproduct(*sets: Value) -> Value:
    elements = _product_elements(sets)
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


_ANY_SET: Final = SetType(DYNAMIC)


def _of_sets(
    name: str, description: str, implementation: Callable[..., Value], *, unknown: bool = False
) -> Function:
    return Function(
        name=name,
        description=description,
        parameters=(Parameter(name="first_set", type=_ANY_SET, unknown=unknown),),
        variadic=Parameter(name="other_sets", type=_ANY_SET, unknown=unknown),
        returns=_ANY_SET,
        result_type=_combined_type,
        implementation=implementation,
    )


FUNCTIONS: Final = (
    _of_sets("setunion", "The elements that any of the sets has.", _union_of_known, unknown=True),
    _of_sets("setintersection", "The elements that all of the sets have.", _intersection),
    Function(
        name="setsubtract",
        description="The elements of the first set that the second has not.",
        parameters=(Parameter(name="a", type=_ANY_SET), Parameter(name="b", type=_ANY_SET)),
        returns=_ANY_SET,
        result_type=_combined_type,
        implementation=_difference,
    ),
    Function(
        name="setproduct",
        description="All combinations of one element of each set or list.",
        variadic=Parameter(name="sets", shallow=True),
        early=_product_early,
        implementation=_setproduct,
    ),
)
