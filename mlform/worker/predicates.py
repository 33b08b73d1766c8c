"""SQL predicates over rows, such as `age > 30 AND sex IN ('male', 'female')`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mlform.features.problems import TaskFailure, unknown_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def parse_predicate(text: str, known: Iterable[str], argument: str) -> pl.Expr:
    """Return the predicate as an expression.

    Raises:
        TaskFailure: If the text is no SQL expression or names an unknown column.
    """
    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise _malformed(text, error, argument) from error
    columns = list(known)
    for name in sorted(set(expression.meta.root_names())):
        if name not in columns:
            raise unknown_column(name, columns, argument)
    return expression


def check_predicate(
    text: str, expression: pl.Expr, schema: Mapping[str, pl.DataType], argument: str
) -> None:
    """Check on no rows that a predicate gives a boolean.

    Raises:
        TaskFailure: If it does not, or compares what cannot be compared.
    """
    try:
        kind = pl.DataFrame(schema=schema).select(expression.alias("keep")).schema["keep"]
    except pl.exceptions.PolarsError as error:
        raise _malformed(text, error, argument) from error
    if kind != pl.Boolean:
        detail = f"`{text}` gives {kind}, not true or false; compare it with something."
        raise TaskFailure("Not a predicate", detail, argument)


def _malformed(text: str, error: Exception, argument: str) -> TaskFailure:
    reason = str(error).split("\n", maxsplit=1)[0]
    detail = (
        f"`{text}` is not an SQL predicate over the columns: {reason}. Write one such as "
        "`age >= 18 AND city = 'Oslo'` (strings in single quotes)."
    )
    return TaskFailure("Malformed predicate", detail, argument)
