"""Functions on lists, tuples and sets taken as sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mlform.lang import numbers
from mlform.lang.construct import (
    amount,
    has_unknown,
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
from mlform.lang.functions.wholes import whole
from mlform.lang.numbers import Amount, number_value
from mlform.lang.ranges import length_bounds, range_of, unknown_in
from mlform.lang.type_text import type_name
from mlform.lang.types import (
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.unification import unify
from mlform.lang.values import (
    NO_MARKS,
    NOT_NULL,
    UNKNOWN,
    Mark,
    Range,
    Value,
    unknown,
)

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


def _chunklist(values: Value, size: Value) -> Value:
    count = whole(size)
    if count < 0:
        raise FunctionError("the size argument must be positive")
    items = items_of(values)
    step = count or max(len(items), 1)
    chunks = [_like(values.type, items[at : at + step]) for at in range(0, len(items), step)]
    return list_of(chunks, values.type)


def _chunks_type(values: Value, size: Value) -> Type:
    if size.is_known and whole(size) < 0:
        raise FunctionError("the size argument must be positive")
    return ListType(values.type)


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


def _concat_type(*sequences: Value) -> Type:
    for position, each in enumerate(sequences):
        if not isinstance(each.type, ListType | TupleType) and each.type is not DYNAMIC:
            raise ArgumentError(position, "all arguments must be lists or tuples")
    if all(isinstance(each.type, ListType) for each in sequences):
        return unify([each.type for each in sequences]) or DYNAMIC
    elements: list[Type] = []
    for each in sequences:
        if isinstance(each.type, TupleType):
            elements.extend(each.type.elements)
        elif isinstance(each.payload, tuple):
            elements.extend(item.type for item in each.payload)
        else:
            return DYNAMIC
    return TupleType(tuple(elements))


def _distinct(values: Value) -> Value:
    kept: dict[object, Value] = {}
    for item in items_of(values):
        kept.setdefault(identity(item), item)
    return _like(values.type, list(kept.values()))


def _element(values: Value, index: Value) -> Value:
    _element_type(values, index)
    items = items_of(values)
    if not items:
        raise FunctionError("cannot use element function with an empty list")
    return items[whole(index) % len(items)]


def _element_type(values: Value, index: Value) -> Type:
    if values.type is DYNAMIC:
        return DYNAMIC
    if not isinstance(values.type, ListType | TupleType):
        raise FunctionError(f"cannot read elements from {type_name(values.type)}")
    length = length_bounds(values)[1]
    if isinstance(values.type, ListType) and not values.is_known:
        return values.type.element
    position = whole(index) if index.is_known else None
    is_tuple = isinstance(values.type, TupleType)
    if is_tuple and position is not None and position < 0 and length and position % length:
        raise FunctionError(
            "cannot use element function with a negative index of a tuple; use tolist(…)"
        )
    if isinstance(values.type, ListType):
        return values.type.element
    if position is None:
        return DYNAMIC
    if not values.type.elements:
        raise FunctionError("cannot use element function with an empty list")
    return values.type.elements[position % len(values.type.elements)]


def _flatten(values: Value) -> Value:
    if not is_sequence(values.type):
        raise FunctionError("can only flatten lists, sets and tuples")
    flat: list[Value] = []
    marks: set[Mark] = set()
    known = _flatten_into(values, flat, marks)
    result = tuple_of(flat) if known else unknown(DYNAMIC)
    return result.with_marks(frozenset(marks))


def _flatten_into(values: Value, flat: list[Value], marks: set[Mark]) -> bool:
    """Append the elements at any depth; return whether they are all known to be there.

    The marks of the sequences inside are collected: how many elements there are hangs on them.
    """
    known = True
    for item in items_of(values):
        if item.payload is not None and is_sequence(item.type):
            marks |= item.marks
            if item.payload is UNKNOWN or not _flatten_into(item, flat, marks):
                known = False
        elif item.payload is UNKNOWN and item.type is DYNAMIC:
            marks |= item.marks
            known = False
        else:
            flat.append(item)
    return known


def _length(value: Value) -> Value:
    if isinstance(value.payload, str):
        return number_value(len(graphemes(value.payload)))
    if is_sequence(value.type) or is_mapping(value.type):
        least, most = length_bounds(value)
        return unknown_in(NUMBER, Range(not_null=True, lower=least, upper=most))
    raise _NO_LENGTH


def _length_early(value: Value) -> Value:
    """Return the length of an unknown value as far as its type or what is known of it tells."""
    type_ = value.type
    if isinstance(type_, TupleType):
        return number_value(len(type_.elements))
    if isinstance(type_, ObjectType):
        return number_value(len(type_.attributes))
    if is_sequence(type_) or is_mapping(type_) or type_ is STRING or type_ is DYNAMIC:
        known = range_of(value)
        return unknown_in(NUMBER, Range(not_null=True, lower=known.least, upper=known.most))
    raise _NO_LENGTH


_NO_LENGTH: Final = FunctionError(
    "argument must be a string, a collection type, or a structural type"
)


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


def _range(*limits: Value) -> Value:
    amounts = [amount(each) for each in limits]
    if len(amounts) not in _FROM_STOP_STEP:
        raise FunctionError("must have one, two, or three arguments")
    start, end = (0, amounts[0]) if len(amounts) == 1 else (amounts[0], amounts[1])
    step = amounts[2] if len(amounts) == _FROM_STOP_STEP[-1] else (-1 if end < start else 1)
    if step == 0:
        raise FunctionError("the step must not be zero")
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


def _reverse_type(values: Value) -> Type:
    if isinstance(values.type, TupleType):
        return TupleType(values.type.elements[::-1])
    if not is_sequence(values.type) and values.type is not DYNAMIC:
        raise ArgumentError(0, "can only reverse list or tuple values")
    return _same_type(values)


def _slice(values: Value, start: Value, end: Value) -> Value:
    begin, stop = _slice_bounds(values, start, end)
    return _like(values.type, items_of(values)[begin:stop])


def _slice_bounds(values: Value, start: Value, end: Value) -> tuple[int | None, int | None]:
    """Return the checked indices, None where they are not known yet."""
    if not isinstance(values.type, ListType | TupleType):
        raise ArgumentError(0, "cannot slice a value that is no list or tuple; use tolist(…)")
    _, length = length_bounds(values)
    if isinstance(values.type, TupleType):
        length = len(values.type.elements)
    begin, stop = _slice_index(start, 1, length), _slice_index(end, 2, length)
    if begin is not None and stop is not None and begin > stop:
        raise ArgumentError(1, "start index must not be greater than end index")
    return begin, stop


def _slice_index(index: Value, position: int, length: int | None) -> int | None:
    name = "start" if position == 1 else "end"
    if not index.is_known:
        return None
    try:
        found = whole(index)
    except FunctionError as error:
        raise ArgumentError(position, f"invalid {name} index: {error}") from error
    if found < 0:
        raise ArgumentError(position, f"{name} index must not be less than zero")
    if length is not None and found > length:
        message = f"{name} index must not be greater than the length of the list"
        raise ArgumentError(position, message)
    return found


def _slice_type(values: Value, start: Value, end: Value) -> Type:
    if values.type is DYNAMIC:
        return DYNAMIC
    begin, stop = _slice_bounds(values, start, end)
    if isinstance(values.type, TupleType):
        if begin is None or stop is None:
            return DYNAMIC
        return TupleType(values.type.elements[begin:stop])
    return _same_type(values)


def _sort(values: Value) -> Value:
    if not values.is_known:
        return unknown(ListType(STRING))
    items = items_of(values)
    for position, item in enumerate(items):
        if item.is_null:
            raise FunctionError(
                f"given list element {position} is null; a null string cannot be sorted"
            )
    if has_unknown(values):
        return list_of([Value(STRING, UNKNOWN, NO_MARKS, NOT_NULL)] * len(items), STRING)
    return list_of([string_value(each) for each in sorted(map(text, items))], STRING)


def _same_type(values: Value, *_: Value) -> Type:
    if isinstance(values.type, SetType):
        return ListType(values.type.element)
    return values.type if isinstance(values.type, ListType) else DYNAMIC


_ANY_LIST: Final = Parameter(name="list", type=ListType(DYNAMIC), shallow=True)
_SHALLOW: Final = Parameter(name="list", shallow=True)
_STRINGS: Final = Parameter(name="list", type=ListType(STRING))

FUNCTIONS: Final = (
    Function(
        name="chunklist",
        description="The list cut into lists of a size; 0 makes one chunk.",
        parameters=(_ANY_LIST, Parameter(name="size", type=NUMBER)),
        returns=ListType(ListType(DYNAMIC)),
        result_type=_chunks_type,
        implementation=_chunklist,
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
        result_type=_concat_type,
        implementation=_concat,
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
        nullable=True,
        implementation=_element,
    ),
    Function(
        name="flatten",
        description="The elements of a list and of the lists inside it, at any depth.",
        parameters=(_SHALLOW,),
        implementation=_flatten,
    ),
    Function(
        name="length",
        description="How many elements, attributes or characters the value has.",
        parameters=(Parameter(name="value", shallow=True),),
        returns=NUMBER,
        early=_length_early,
        implementation=_length,
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
        result_type=_reverse_type,
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
        result_type=_slice_type,
        implementation=_slice,
    ),
    Function(
        name="sort",
        description="The strings in order of their characters.",
        parameters=(Parameter(name="list", type=ListType(STRING), unknown=True),),
        returns=ListType(STRING),
        implementation=_sort,
    ),
)
