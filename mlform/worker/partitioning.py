"""The strategies of a split: which partition a row goes to.

Every function returns, for each row, the index of its partition in the names given, or -1 for a
row that is left out. Rounding gives each partition the whole part of its share and the rows left
over to the largest remainders, ties by name. The order of partitions in the configuration means
nothing; where order matters (`sorted`), it is that of the argument `order`, or else the training
partition comes first, then the others by name, and `test` and `holdout` last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from mlform.digests import canonical_json
from mlform.features.arguments import Arguments
from mlform.features.problems import TaskFailure, require_columns, unknown_column
from mlform.features.rows import value_to_json
from mlform.worker.predicates import check_predicate, parse_predicate

if TYPE_CHECKING:
    import numpy as np

_LAST = ("test", "holdout")
_TOLERANCE = 1e-9


def partition_names(strategy: Arguments, train: str) -> list[str]:
    """Return the names of the partitions in the order given, else in the order above."""
    given = strategy.values.get("order")
    if isinstance(given, list | tuple):
        return [str(name) for name in given]
    return sorted(
        strategy.block("partitions").values,
        key=lambda name: (name != train, name in _LAST, name),
    )


def assign(frame: pl.DataFrame, arguments: Arguments, names: Sequence[str]) -> np.ndarray:
    """Return the partition of each row, shape (rows,), int64.

    Raises:
        TaskFailure: If a column is unknown or the strategy cannot be carried out.
    """
    strategy = arguments.block("strategy")
    kind = strategy.text("type")
    if kind == "by_column":
        return _by_column(frame, strategy, names)
    fractions = _fractions(strategy, names)
    if kind == "ratio":
        return _ratio(frame, strategy, fractions, arguments.whole("seed", 0))
    if kind == "sorted":
        return _sorted(frame, strategy, fractions)
    if kind == "hash":
        return _hash(frame, strategy, fractions)
    message = f"unknown strategy {kind}"
    raise ValueError(message)


def _fractions(strategy: Arguments, names: Sequence[str]) -> list[float]:
    partitions = strategy.block("partitions")
    fractions = [float(partitions.number(name)) for name in names]
    if any(fraction <= 0 for fraction in fractions) or abs(sum(fractions) - 1) > _TOLERANCE:
        detail = f"The fractions must be positive and sum to 1, not {sum(fractions):.10g}."
        raise TaskFailure("Fractions do not sum to 1", detail, "strategy.partitions")
    return fractions


def _shares(count: int, fractions: Sequence[float]) -> list[int]:
    """Return how many of `count` each partition gets."""
    exact = [count * fraction for fraction in fractions]
    # A product such as 0.1 * 30 may fall short of a whole number by rounding.
    shares = [int(share + _TOLERANCE) for share in exact]
    remainders = sorted(range(len(exact)), key=lambda index: shares[index] - exact[index])
    for index in remainders[: count - sum(shares)]:
        shares[index] += 1
    return shares


def _ratio(
    frame: pl.DataFrame, strategy: Arguments, fractions: Sequence[float], seed: int
) -> np.ndarray:
    import numpy as np

    stratify, group = strategy.optional_text("stratify"), strategy.optional_text("group")
    draws = np.random.Generator(np.random.PCG64(seed))
    if stratify is not None and group is not None:
        detail = "A ratio split can keep groups together or classes in proportion, not both."
        raise TaskFailure("Stratify and group", detail, "strategy.group")
    if group is not None:
        return _grouped(_codes(frame, group, "strategy.group"), fractions, draws)
    rows = np.arange(frame.height)
    if stratify is None:
        return _shuffled(rows, fractions, draws, frame.height)
    codes = _codes(frame, stratify, "strategy.stratify")
    counts = np.bincount(codes)
    if counts.min() < len(fractions):
        small = int(np.argmax(counts < len(fractions)))
        value = frame[stratify][int(np.argmax(codes == small))]
        detail = (
            f'Column "{stratify}" has only {counts[small]} rows of {value!r}, fewer than the '
            f"{len(fractions)} partitions; leave that class out with `where`, or do not stratify."
        )
        raise TaskFailure("Class too small to stratify", detail, "strategy.stratify")
    result = np.full(frame.height, -1, dtype=np.int64)
    for code in range(len(counts)):
        members = rows[codes == code]
        result[members] = _shuffled(members, fractions, draws, len(members))
    return result


def _shuffled(
    rows: np.ndarray, fractions: Sequence[float], draws: np.random.Generator, count: int
) -> np.ndarray:
    """Return a partition for each of some rows, in random order with exact shares."""
    import numpy as np

    result = np.empty(count, dtype=np.int64)
    order = np.argsort(draws.random(len(rows)), kind="stable")
    result[order] = np.repeat(np.arange(len(fractions)), _shares(count, fractions))
    return result


def _grouped(
    codes: np.ndarray, fractions: Sequence[float], draws: np.random.Generator
) -> np.ndarray:
    """Give whole groups, in random order, to the partition that lacks most rows."""
    import numpy as np

    counts = np.bincount(codes)
    lacking = [fraction * len(codes) for fraction in fractions]
    chosen = np.empty(len(counts), dtype=np.int64)
    for group in np.argsort(draws.random(len(counts)), kind="stable"):
        target = max(range(len(lacking)), key=lambda index: (lacking[index], -index))
        chosen[group] = target
        lacking[target] -= int(counts[group])
    return np.asarray(chosen[codes])


def _codes(frame: pl.DataFrame, column: str, argument: str) -> np.ndarray:
    """Return the index of each row's value among the sorted distinct ones; missing is first."""
    if column not in frame.columns:
        raise unknown_column(column, frame.columns, argument)
    ranks = frame[column].rank("dense").fill_null(0).cast(pl.Int64)
    first = 0 if frame[column].null_count() else 1
    indices: np.ndarray = (ranks - first).to_numpy()
    return indices


def _sorted(frame: pl.DataFrame, strategy: Arguments, fractions: Sequence[float]) -> np.ndarray:
    import numpy as np

    column = strategy.text("by")
    if column not in frame.columns:
        raise unknown_column(column, frame.columns, "strategy.by")
    missing = frame[column].null_count()
    if missing:
        detail = (
            f'Column "{column}" is missing in {missing} rows, so they have no place in the order; '
            "leave them out with `where` of the data set."
        )
        raise TaskFailure("Missing values in the order", detail, "strategy.by")
    order = (
        frame.select(column)
        .with_row_index("__mlform_row")
        .sort(column, descending=strategy.flag("descending"), maintain_order=True)
    )["__mlform_row"].to_numpy()
    result = np.empty(frame.height, dtype=np.int64)
    result[order] = np.repeat(np.arange(len(fractions)), _shares(frame.height, fractions))
    return result


def _by_column(frame: pl.DataFrame, strategy: Arguments, names: Sequence[str]) -> np.ndarray:
    import numpy as np

    result = np.full(frame.height, -1, dtype=np.int64)
    for index, name in enumerate(names):
        rule = strategy.block("partitions").block(name)
        argument = f"strategy.partitions.{name}"
        keep = frame.select(_membership(frame, strategy, rule, argument).alias("keep"))["keep"]
        mask = keep.fill_null(value=False).to_numpy()
        both = mask & (result >= 0)
        if both.any():
            row = int(np.argmax(both))
            detail = (
                f'{int(both.sum())} rows, the first of them row {row + 1}, belong to "{name}" and '
                f'to "{names[int(result[row])]}"; make the partitions exclude each other.'
            )
            raise TaskFailure("Overlapping partitions", detail, argument)
        result[mask] = index
    return result


def _membership(
    frame: pl.DataFrame, strategy: Arguments, rule: Arguments, argument: str
) -> pl.Expr:
    where, values = rule.optional_text("where"), rule.items("values")
    if where is not None:
        predicate = parse_predicate(where, frame.columns, f"{argument}.where")
        check_predicate(where, predicate, frame.schema, f"{argument}.where")
        return predicate
    column = strategy.optional_text("column")
    if column is None or values is None:
        detail = "A partition needs `where`, or `values` together with `column` of the strategy."
        raise TaskFailure("Incomplete partition", detail, argument)
    if column not in frame.columns:
        raise unknown_column(column, frame.columns, "strategy.column")
    dtype = frame.schema[column]
    try:
        listed = pl.Series(list(values), dtype=dtype, strict=True)
    except (pl.exceptions.PolarsError, TypeError) as error:
        detail = f'Column "{column}" is {dtype}, but the values are {list(values)}.'
        raise TaskFailure("Values of the wrong type", detail, f"{argument}.values") from error
    return pl.col(column).is_in(listed.implode())


def _hash(frame: pl.DataFrame, strategy: Arguments, fractions: Sequence[float]) -> np.ndarray:
    """Place rows by the hash of their key, so that a row never moves when others come or go.

    The hash is BLAKE2b (8 bytes, big endian) of the canonical JSON of the list of key values,
    keyed with the salt; its share of 2**64 is compared with the cumulative fractions.
    """
    import numpy as np

    keys = strategy.texts("key")
    require_columns(keys, frame.columns, "strategy.key")
    salt = hashlib.sha256((strategy.optional_text("salt") or "").encode()).digest()
    bounds = np.cumsum(fractions)[:-1]
    seen: dict[tuple[object, ...], int] = {}
    result = np.empty(frame.height, dtype=np.int64)
    for row, values in enumerate(frame.select(keys).iter_rows()):
        place = seen.get(values)
        if place is None:
            content = canonical_json([value_to_json(value) for value in values])
            digest = hashlib.blake2b(content, digest_size=8, key=salt).digest()
            share = int.from_bytes(digest, "big") / 2.0**64
            place = seen[values] = int(np.searchsorted(bounds, share, side="right"))
        result[row] = place
    return result


def count_rows(places: np.ndarray, names: Sequence[str]) -> Mapping[str, int]:
    """Return how many rows each partition has.

    Raises:
        TaskFailure: If one has none.
    """
    counts = {name: int((places == index).sum()) for index, name in enumerate(names)}
    for name, count in counts.items():
        if count == 0:
            listed = ", ".join(f'"{other}" {rows}' for other, rows in counts.items())
            detail = (
                f'Partition "{name}" has no row of {len(places)} (rows by partition: {listed}); '
                "change its share or condition, or take more data."
            )
            raise TaskFailure("Empty partition", detail, f"strategy.partitions.{name}")
    return counts
