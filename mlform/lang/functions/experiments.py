"""`provider::mlform::` functions on numbers and names that configurations of experiments need."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Final
from unicodedata import combining, normalize

from mlform.digests import canonical_json
from mlform.lang.construct import (
    amount,
    entries_of,
    is_mapping,
    is_sequence,
    items_of,
    list_of,
    object_of,
    string_value,
    text,
    tuple_of,
)
from mlform.lang.encode import to_json
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.wholes import whole
from mlform.lang.numbers import canonical, from_float, number_value
from mlform.lang.types import DYNAMIC, NUMBER, STRING, ListType
from mlform.lang.values import Value
from mlform.requirements import duration_seconds, memory_bytes

_NAMESPACE: Final = "provider::mlform::"
_MOST_COMBINATIONS: Final = 10_000
_MOST_STEPS: Final = 1024
_SEPARATED: Final = re.compile(r"[^a-z0-9]+")


def _measured(read: Callable[[str], float]) -> Callable[[Value], Value]:
    def implementation(written: Value) -> Value:
        try:
            return number_value(canonical(Decimal(repr(read(text(written))))))
        except ValueError as error:
            raise ArgumentError(0, str(error).rstrip(".")) from error

    return implementation


def _slugify(value: Value) -> Value:
    """Return lower-case ASCII letters and digits with single hyphens between."""
    folded = text(value).casefold()
    letters = [rune for rune in normalize("NFKD", folded) if not combining(rune)]
    slug = _SEPARATED.sub("-", "".join(letters)).strip("-")
    if not slug:
        raise ArgumentError(0, "nothing is left: the text has no Latin letter and no digit")
    return string_value(slug)


def _params_grid(choices: Value) -> Value:
    """Return all combinations; the last name in alphabetical order changes fastest."""
    if not is_mapping(choices.type):
        raise ArgumentError(0, "an object or map of lists is required, such as { depth = [3, 5] }")
    lists: dict[str, tuple[Value, ...]] = {}
    count = 1
    for name, values in entries_of(choices).items():
        if not is_sequence(values.type) or values.payload is None:
            raise ArgumentError(0, f'"{name}" must be a list of the values to try')
        lists[name] = items_of(values)
        count *= len(lists[name])
    if count > _MOST_COMBINATIONS:
        raise FunctionError(
            f"there are {count} combinations, more than {_MOST_COMBINATIONS}; leave values out"
        )
    rows = [object_of(dict(zip(lists, row, strict=True))) for row in product(*lists.values())]
    if rows and all(row.type == rows[0].type for row in rows):
        return list_of(rows, rows[0].type)
    return tuple_of(rows)


def _hash_fraction(key: Value, *salt: Value) -> Value:
    """Return the share of a key, with the hash of a split of strategy `hash`.

    That is BLAKE2b (8 bytes, big endian) of the canonical JSON of the list of key values, keyed
    with the SHA-256 of the salt, divided by 2**64.
    """
    if len(salt) > 1:
        raise FunctionError("a key and at most one salt are taken")
    values = items_of(key) if is_sequence(key.type) else (key,)
    if any(isinstance(item.payload, tuple | dict) for item in values) or is_mapping(key.type):
        raise ArgumentError(0, "the key must be a string, number or bool, or a list of them")
    secret = hashlib.sha256(text(salt[0]).encode() if salt else b"").digest()
    content = canonical_json([to_json(item) for item in values])
    digest = hashlib.blake2b(content, digest_size=8, key=secret).digest()
    return number_value(from_float(int.from_bytes(digest, "big") / 2.0**64))


def _steps(count: Value) -> int:
    steps = whole(count)
    if not 1 <= steps <= _MOST_STEPS:
        raise ArgumentError(2, f"the count must be between 1 and {_MOST_STEPS}")
    return steps


def _linspace(start: Value, stop: Value, count: Value) -> Value:
    steps = _steps(count)
    first, last = float(amount(start)), float(amount(stop))
    found = [first + (last - first) * at / max(steps - 1, 1) for at in range(steps)]
    return _numbers(found, last)


def _logspace(start: Value, stop: Value, count: Value) -> Value:
    steps = _steps(count)
    first, last = float(amount(start)), float(amount(stop))
    if first <= 0 or last <= 0:
        raise ArgumentError(0 if first <= 0 else 1, "the number must be greater than 0")
    found = [first * (last / first) ** (at / max(steps - 1, 1)) for at in range(steps)]
    return _numbers(found, last)


def _numbers(found: list[float], last: float) -> Value:
    if len(found) > 1:
        found[-1] = last
    # 12 digits: what rounding of 64-bit floats leaves is not shown in plans
    rounded = [from_float(float(f"{each:.12g}")) for each in found]
    return list_of([number_value(each) for each in rounded], NUMBER)


def _spaced(name: str, description: str, implementation: Callable[..., Value]) -> Function:
    return Function(
        name=f"{_NAMESPACE}{name}",
        description=description,
        parameters=(
            Parameter(name="start", type=NUMBER),
            Parameter(name="stop", type=NUMBER),
            Parameter(name="count", type=NUMBER),
        ),
        returns=ListType(NUMBER),
        implementation=implementation,
    )


FUNCTIONS: Final = (
    Function(
        name=f"{_NAMESPACE}duration_seconds",
        description='The seconds of a duration such as "30m"; units are s, m, h and d.',
        parameters=(Parameter(name="duration", type=STRING),),
        returns=NUMBER,
        implementation=_measured(duration_seconds),
    ),
    Function(
        name=f"{_NAMESPACE}bytes",
        description='The bytes of an amount of memory such as "4GiB" or "500MB".',
        parameters=(Parameter(name="size", type=STRING),),
        returns=NUMBER,
        implementation=_measured(memory_bytes),
    ),
    Function(
        name=f"{_NAMESPACE}slugify",
        description="The text as a name: lower-case letters and digits, hyphens between words.",
        parameters=(Parameter(name="text", type=STRING),),
        returns=STRING,
        implementation=_slugify,
    ),
    Function(
        name=f"{_NAMESPACE}params_grid",
        description="All combinations of the values of each parameter, as a list of objects.",
        parameters=(Parameter(name="choices"),),
        returns=DYNAMIC,
        implementation=_params_grid,
    ),
    Function(
        name=f"{_NAMESPACE}hash_fraction",
        description='A number from 0 to 1 that is always the same for a key, as in a "hash" split.',
        parameters=(Parameter(name="key"),),
        variadic=Parameter(name="salt", type=STRING),
        returns=NUMBER,
        implementation=_hash_fraction,
    ),
    _spaced("linspace", "So many numbers from start to stop, evenly spaced.", _linspace),
    _spaced("logspace", "So many numbers from start to stop, each the same factor up.", _logspace),
)
