"""Functions on lists, tuples and sets taken as sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mlform.lang import numbers
from mlform.lang.construct import (
    amount,
    identity,
    is_mapping,
    is_sequence,
    items_of,
    list_of,
    string_value,
    text,
    tuple_of,
)
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.equality import compared
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.text import graphemes
from mlform.lang.numbers import Amount, number_value
from mlform.lang.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.unification import unify
from mlform.lang.values import UNKNOWN, Value, boolean, null, unknown

_RANGE_LIMIT: Final = 1024
_FROM_STOP_STEP: Final = (1, 2, 3)


def _sequence(value: Value, position: int, message: str) -> tuple[Value, ...]:
    if not is_sequence(value.type):
        raise ArgumentError(position, message)
    return items_of(value)


def _like(source: Type, items: Sequence[Value]) -> Value:
    """Return a tuple of the items for a tuple, a list for a list or set."""
    if isinstance(source, ListType | SetType):
        return list_of(items, source.element)
    return tuple_of(items)


def _alltrue(values: Value) -> Value:
    return boolean(all(item.payload is True for item in items_of(values)))


def _anytrue(values: Value) -> Value:
    return boolean(any(item.payload is True for item in items_of(values)))


def _chunklist(values: Value, size: Value) -> Value:
    count = amount(size)
    if not isinstance(count, int) or count < 0:
        raise ArgumentError(1, "the size argument must be a whole number, 0 or more")
    items = items_of(values)
    step = count or max(len(items), 1)
    chunks = [_like(values.type, items[at : at + step]) for at in range(0, len(items), step)]
    return list_of(chunks, values.type)


def _compact(values: Value) -> Value:
    return list_of([item for item in items_of(values) if item.payload not in {None, ""}], STRING)


def _concat(*sequences: Value) -> Value:
    if not sequences:
        raise FunctionError("at least one argument is required")
    items: list[Value] = []
    for position, each in enumerate(sequences):
        if not isinstance(each.type, ListType | TupleType):
            raise ArgumentError(position, "all arguments must be lists or tuples")
        items.extend(items_of(each))
    if all(isinstance(each.type, ListType) for each in sequences):
        common = unify([each.type for each in sequences])
        if isinstance(common, ListType):
            return convert(
                list_of([convert(i, common.element) for i in items], common.element), common
            )
    return tuple_of(items)


def _contains(values: Value, wanted: Value) -> Value:
    items = _sequence(values, 0, "argument must be list, tuple, or set")
    known = True
    for item in items:
        same = compared(item, wanted)
        if same:
            return boolean(True)  # noqa: FBT003 - the payload itself
        known = known and same is not None
    return boolean(False) if known else unknown(BOOL)  # noqa: FBT003


def _distinct(values: Value) -> Value:
    kept: dict[object, Value] = {}
    for item in items_of(values):
        kept.setdefault(identity(item), item)
    return _like(values.type, list(kept.values()))


def _element(values: Value, index: Value) -> Value:
    if not isinstance(values.type, ListType | TupleType):
        raise ArgumentError(0, "cannot read elements from a value that is no list or tuple")
    items, position = items_of(values), amount(index)
    if not isinstance(position, int):
        raise ArgumentError(1, "the index must be a whole number")
    if position < 0:
        raise FunctionError("cannot use element function with a negative index")
    if not items:
        raise FunctionError("cannot use element function with an empty list")
    return items[position % len(items)]


def _element_type(values: Value, _: Value) -> Type:
    return values.type.element if isinstance(values.type, ListType) else DYNAMIC


def _flatten(values: Value) -> Value:
    _sequence(values, 0, "can only flatten lists, sets and tuples")
    flat: list[Value] = []
    if not _flatten_into(values, flat):
        return unknown(DYNAMIC)
    return tuple_of(flat)


def _flatten_into(values: Value, flat: list[Value]) -> bool:
    """Append the elements at any depth; return whether they are all known to be there."""
    for item in items_of(values):
        if item.payload is not None and is_sequence(item.type):
            if item.payload is UNKNOWN:
                return False
            inner = item.marks
            start = len(flat)
            if not _flatten_into(item, flat):
                return False
            if inner:
                flat[start:] = [each.with_marks(inner) for each in flat[start:]]
        elif item.payload is UNKNOWN and item.type is DYNAMIC:
            return False
        else:
            flat.append(item)
    return True


def _index(values: Value, wanted: Value) -> Value:
    if not isinstance(values.type, ListType | TupleType):
        raise ArgumentError(0, "argument must be a list or tuple")
    for position, item in enumerate(items_of(values)):
        if compared(item, wanted):
            return number_value(position)
    raise FunctionError("item not found")


def _length(value: Value) -> Value:
    if isinstance(value.payload, str):
        return number_value(len(graphemes(value.payload)))
    if isinstance(value.payload, tuple | dict):
        return number_value(len(value.payload))
    raise FunctionError("argument must be a string, a collection type, or a structural type")


def _matchkeys(values: Value, keys: Value, searched: Value) -> Value:
    items, names = items_of(values), items_of(keys)
    if len(items) != len(names):
        raise FunctionError("length of keys and values should be equal")
    wanted = items_of(searched)
    try:
        matches = [
            any(compared(convert(each, name.type), name) for each in wanted) for name in names
        ]
    except ConversionError as error:
        raise FunctionError("keys and searchset must be of the same type") from error
    return _like(values.type, [item for item, match in zip(items, matches, strict=True) if match])


def _one(values: Value) -> Value:
    message = "must be a list, set, or tuple value with either zero or one elements"
    items = _sequence(values, 0, message)
    if len(items) > 1:
        raise ArgumentError(0, message)
    if items:
        return items[0]
    element = values.type.element if isinstance(values.type, ListType | SetType) else DYNAMIC
    return null(element)


def _one_type(values: Value) -> Type:
    return values.type.element if isinstance(values.type, ListType | SetType) else DYNAMIC


def _range(*limits: Value) -> Value:
    amounts = [amount(each) for each in limits]
    if len(amounts) not in _FROM_STOP_STEP:
        raise FunctionError("must have one, two, or three arguments")
    start, end = (0, amounts[0]) if len(amounts) == 1 else (amounts[0], amounts[1])
    step = amounts[2] if len(amounts) == _FROM_STOP_STEP[-1] else (-1 if end < start else 1)
    if step == 0:
        raise ArgumentError(2, "step must not be zero")
    if step > 0 and end < start:
        raise ArgumentError(1, "end must be greater than start when step is positive")
    if step < 0 and end > start:
        raise ArgumentError(1, "end must be less than start when step is negative")
    found: list[Value] = []
    at: Amount = start
    while (at < end) if step > 0 else (at > end):
        if len(found) >= _RANGE_LIMIT:
            raise FunctionError(
                f"more than {_RANGE_LIMIT} values were generated; decrease the range"
            )
        found.append(number_value(at))
        at = numbers.add(at, step)
    return list_of(found, NUMBER)


def _reverse(values: Value) -> Value:
    items = _sequence(values, 0, "can only reverse list or tuple values")
    return _like(values.type, items[::-1])


def _slice(values: Value, start: Value, end: Value) -> Value:
    if not isinstance(values.type, ListType | TupleType):
        raise ArgumentError(0, "cannot slice a value that is no list or tuple; use tolist(…)")
    items, begin, stop = items_of(values), amount(start), amount(end)
    if not isinstance(begin, int) or not isinstance(stop, int):
        raise FunctionError("the indices must be whole numbers")
    if begin < 0:
        raise ArgumentError(1, "start index must not be less than zero")
    if stop > len(items):
        raise ArgumentError(2, "end index must not be greater than the length of the list")
    if begin > stop:
        raise ArgumentError(1, "start index must not be greater than end index")
    return _like(values.type, items[begin:stop])


def _sort(values: Value) -> Value:
    items = items_of(values)
    for position, item in enumerate(items):
        if item.is_null:
            raise ArgumentError(
                0, f"given list element {position} is null; a null string cannot be sorted"
            )
    return list_of([string_value(each) for each in sorted(map(text, items))], STRING)


def _coalesce(*values: Value) -> Value:
    common = unify([value.type for value in values])
    if not values or common is None:
        raise FunctionError("all arguments must have the same type")
    for value in values:
        if not value.is_known:
            return Value(common, UNKNOWN, value.marks)
        if value.payload is None or value.payload == "":
            continue
        try:
            return convert(value, common)
        except ConversionError as error:
            raise FunctionError(f"all arguments must have the same type: {error}") from error
    raise FunctionError("no non-null, non-empty-string arguments")


def _coalescelist(*values: Value) -> Value:
    if not values:
        raise FunctionError("at least one argument is required")
    for position, value in enumerate(values):
        if not value.is_known:
            return unknown(DYNAMIC).with_marks(value.marks)
        if value.payload is None:
            continue
        if not isinstance(value.type, ListType | TupleType):
            raise ArgumentError(position, "coalescelist arguments must be lists or tuples")
        if items_of(value):
            return value
    raise FunctionError("no non-null arguments")


def _same_type(values: Value, *_: Value) -> Type:
    if isinstance(values.type, SetType):
        return ListType(values.type.element)
    return values.type if isinstance(values.type, ListType) else DYNAMIC


def _checked_length(value: Value) -> Value:
    if is_sequence(value.type) or is_mapping(value.type) or value.type is STRING:
        return _length(value)
    raise FunctionError("argument must be a string, a collection type, or a structural type")


_ANY_LIST: Final = Parameter(name="list", type=ListType(DYNAMIC), shallow=True)
_SHALLOW: Final = Parameter(name="list", shallow=True)
_STRINGS: Final = Parameter(name="list", type=ListType(STRING))
_BOOLS: Final = Parameter(name="list", type=ListType(BOOL))
_VALUES: Final = Parameter(name="vals", nullable=True, raw=True)

FUNCTIONS: Final = (
    Function(
        name="alltrue",
        description="Whether every element is true; true for an empty list.",
        parameters=(_BOOLS,),
        returns=BOOL,
        implementation=_alltrue,
    ),
    Function(
        name="anytrue",
        description="Whether any element is true; false for an empty list.",
        parameters=(_BOOLS,),
        returns=BOOL,
        implementation=_anytrue,
    ),
    Function(
        name="chunklist",
        description="The list cut into lists of a size; 0 makes one chunk.",
        parameters=(_ANY_LIST, Parameter(name="size", type=NUMBER)),
        returns=ListType(ListType(DYNAMIC)),
        implementation=_chunklist,
    ),
    Function(
        name="coalesce",
        description="The first argument that is neither null nor an empty string.",
        variadic=_VALUES,
        implementation=_coalesce,
    ),
    Function(
        name="coalescelist",
        description="The first argument that is neither null nor an empty list.",
        variadic=_VALUES,
        implementation=_coalescelist,
    ),
    Function(
        name="compact",
        description="The list without null and empty strings.",
        parameters=(_STRINGS,),
        returns=ListType(STRING),
        implementation=_compact,
    ),
    Function(
        name="concat",
        description="The elements of all lists, one list after the other.",
        variadic=Parameter(name="seqs", shallow=True),
        implementation=_concat,
    ),
    Function(
        name="contains",
        description="Whether a list, tuple or set has an element equal to a value.",
        parameters=(Parameter(name="list", shallow=True), Parameter(name="value")),
        returns=BOOL,
        implementation=_contains,
    ),
    Function(
        name="distinct",
        description="The list without repeated elements.",
        parameters=(Parameter(name="list", type=ListType(DYNAMIC)),),
        returns=ListType(DYNAMIC),
        result_type=_same_type,
        implementation=_distinct,
    ),
    Function(
        name="element",
        description="The element at an index; the index wraps around at the end.",
        parameters=(_SHALLOW, Parameter(name="index", type=NUMBER)),
        result_type=_element_type,
        implementation=_element,
    ),
    Function(
        name="flatten",
        description="The elements of a list and of the lists inside it, at any depth.",
        parameters=(_SHALLOW,),
        implementation=_flatten,
    ),
    Function(
        name="index",
        description="The position of the first element equal to a value.",
        parameters=(Parameter(name="list"), Parameter(name="value")),
        returns=NUMBER,
        implementation=_index,
    ),
    Function(
        name="length",
        description="How many elements, attributes or characters the value has.",
        parameters=(Parameter(name="value", shallow=True),),
        returns=NUMBER,
        implementation=_checked_length,
    ),
    Function(
        name="matchkeys",
        description="The values whose key is in the search set.",
        parameters=(
            Parameter(name="values", type=ListType(DYNAMIC)),
            Parameter(name="keys", type=ListType(DYNAMIC)),
            Parameter(name="searchset", type=ListType(DYNAMIC)),
        ),
        returns=ListType(DYNAMIC),
        result_type=_same_type,
        implementation=_matchkeys,
    ),
    Function(
        name="one",
        description="The only element of a list, set or tuple, or null if it is empty.",
        parameters=(_SHALLOW,),
        result_type=_one_type,
        implementation=_one,
    ),
    Function(
        name="range",
        description="The numbers from a start up to but without an end, by a step.",
        variadic=Parameter(name="params", type=NUMBER),
        returns=ListType(NUMBER),
        implementation=_range,
    ),
    Function(
        name="reverse",
        description="The elements in reverse.",
        parameters=(_SHALLOW,),
        result_type=_same_type,
        implementation=_reverse,
    ),
    Function(
        name="slice",
        description="The elements from a start index up to but without an end index.",
        parameters=(
            _SHALLOW,
            Parameter(name="start_index", type=NUMBER),
            Parameter(name="end_index", type=NUMBER),
        ),
        result_type=_same_type,
        implementation=_slice,
    ),
    Function(
        name="sort",
        description="The strings in order of their characters.",
        parameters=(_STRINGS,),
        returns=ListType(STRING),
        implementation=_sort,
    ),
)
