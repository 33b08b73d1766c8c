"""The schema of a data set: declared types, and rules for values.

A value that cannot be read as the declared type is a violation like any other. Booleans are read
from text as true/false, yes/no, t/f, y/n and 1/0 in any case; dates and times in ISO form. A
`pattern` has to match the whole text (syntax of Rust's regex crate). Rows are counted from 1 in
the order of the files, without headers, before `where`, `sample` and the like.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from mlform.dataclass import dataclass
from mlform.digests import Json
from mlform.features.arguments import Arguments
from mlform.features.columns import (
    DATETIME,
    DTYPES,
    INTEGERS,
    NUMBERS,
    SYNONYMS,
    Column,
    Schema,
    type_name,
)
from mlform.features.problems import TaskFailure, quoted, require_columns, suggestion

ROW = "__mlform_row"
_RAW = "__mlform_raw_"
_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRule:
    """What the schema says of a column.

    Attributes:
        name: The column.
        type: Its type name, or None for what the file holds.
        nullable: Whether values may be missing.
        rules: The other arguments of the block.
    """

    name: str
    type: str | None
    nullable: bool
    rules: Arguments


def column_rules(arguments: Arguments) -> tuple[ColumnRule, ...]:
    """Read the `schema` block of the arguments.

    Raises:
        TaskFailure: If a type is unknown.
    """
    rules = []
    for index, block in enumerate(arguments.block("schema").blocks("columns")):
        declared = block.optional_text("type")
        kind = SYNONYMS.get(declared, declared) if declared is not None else None
        if kind is not None and kind not in DTYPES:
            detail = (
                f'There is no column type "{kind}".{suggestion(kind, DTYPES)} '
                f"The types are {quoted(DTYPES)}."
            )
            raise TaskFailure("Unknown type", detail, f"schema.columns[{index}].type")
        rules.append(
            ColumnRule(
                name=block.text("name"), type=kind, nullable=block.flag("nullable"), rules=block
            )
        )
    return tuple(rules)


def require_declared(rules: Iterable[ColumnRule], known: Iterable[str]) -> None:
    """Check that the declared columns exist.

    Raises:
        TaskFailure: If one does not.
    """
    require_columns((rule.name for rule in rules), list(known), "schema.columns")


def typed(frame: pl.LazyFrame, rules: Iterable[ColumnRule]) -> pl.LazyFrame:
    """Give the columns their declared types; what cannot be read becomes missing.

    The texts that could not be read stay in hidden columns for `check`.
    """
    schema = frame.collect_schema()
    casts: list[pl.Expr] = []
    for rule in rules:
        if rule.type is None or schema[rule.name] == DTYPES[rule.type]:
            continue
        value = pl.col(rule.name)
        cast = _cast(value, schema[rule.name], rule.type)
        failed = value.is_not_null() & cast.is_null()
        casts.append(cast.alias(rule.name))
        casts.append(
            pl.when(failed).then(value.cast(pl.String)).otherwise(None).alias(_RAW + rule.name)
        )
    return frame.with_columns(casts)


def check(frame: pl.DataFrame, rules: Iterable[ColumnRule], undeclared: Iterable[str]) -> None:
    """Check the values of a frame that `typed` made and that has the column `ROW`.

    Args:
        frame: The rows.
        rules: The rules of the declared columns.
        undeclared: Columns to refuse: those a strict schema does not declare.

    Raises:
        TaskFailure: With every violated rule, how many rows violate it and the first of them.
    """
    found = [f'Column "{name}" is not declared, and the schema is strict.' for name in undeclared]
    for rule in rules:
        for wanted, violated in _violations(frame, rule):
            bad = frame.filter(violated)
            if bad.height:
                found.append(_describe(bad, rule, wanted))
    if found:
        raise TaskFailure("Schema violation", "\n".join(found), "schema")


def schema_of(frame: pl.DataFrame, rules: Iterable[ColumnRule]) -> Schema:
    """Return the schema: nullable as declared, else whether a value is missing."""
    declared = {rule.name: rule.nullable for rule in rules}
    columns = []
    for name, dtype in frame.schema.items():
        kind = type_name(dtype)
        if kind is None:
            message = f"column {name} is {dtype}"
            raise TypeError(message)
        nullable = declared.get(name, frame[name].null_count() > 0)
        columns.append(Column(name=name, type=kind, nullable=nullable))
    return tuple(columns)


def _cast(value: pl.Expr, found: pl.DataType, wanted: str) -> pl.Expr:
    if found == pl.String:
        return _parse(value.str.strip_chars(), wanted)
    if wanted in INTEGERS and found in {pl.Float32, pl.Float64}:
        whole = value.cast(DTYPES[wanted], strict=False)
        return pl.when(whole.cast(found) == value).then(whole).otherwise(None)
    if wanted == "bool" and (found.is_numeric()):
        return pl.when(value.is_in([0, 1])).then(value == 1).otherwise(None)
    if wanted == "string" and found == pl.Boolean:
        return value.cast(pl.String)
    return value.cast(DTYPES[wanted], strict=False)


def _parse(text: pl.Expr, wanted: str) -> pl.Expr:
    if wanted == "bool":
        lowered = text.str.to_lowercase()
        return (
            pl.when(lowered.is_in(["true", "t", "yes", "y", "1"]))
            .then(True)  # noqa: FBT003 - a value
            .when(lowered.is_in(["false", "f", "no", "n", "0"]))
            .then(False)  # noqa: FBT003 - a value
            .otherwise(None)
        )
    if wanted == "date":
        return text.str.to_date("%Y-%m-%d", strict=False)
    if wanted == "datetime":
        spaced = text.str.replace("T", " ", literal=True).str.strip_suffix("Z")
        return pl.coalesce(
            spaced.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False),
            spaced.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False),
            spaced.str.to_date("%Y-%m-%d", strict=False).cast(DATETIME),
        )
    if wanted == "time":
        return text.str.to_time("%H:%M:%S%.f", strict=False)
    number = text.cast(DTYPES[wanted], strict=False)
    return number.fill_nan(None) if wanted.startswith("float") else number


def _violations(frame: pl.DataFrame, rule: ColumnRule) -> list[tuple[str, pl.Expr]]:
    """Return what each rule wants and which rows violate it."""
    value = pl.col(rule.name)
    read = rule.rules
    found: list[tuple[str, pl.Expr]] = []
    unread = pl.lit(False)  # noqa: FBT003 - a value
    if _RAW + rule.name in frame.columns:
        unread = pl.col(_RAW + rule.name).is_not_null()
        found.append((f"be {rule.type}", unread))
    if not rule.nullable:
        found.append(("not be missing", value.is_null() & ~unread))
    low, high = read.optional_number("min"), read.optional_number("max")
    if low is not None:
        found.append((f"be at least {low:g}", _number(frame, rule, "min") < low))
    if high is not None:
        found.append((f"be at most {high:g}", _number(frame, rule, "max") > high))
    allowed = read.items("values")
    if allowed is not None:
        listed = pl.Series(_allowed(frame, rule, list(allowed)), dtype=frame.schema[rule.name])
        found.append((f"be one of {list(allowed)}", ~value.is_in(listed.implode())))
    pattern = read.optional_text("pattern")
    if pattern is not None:
        found.append((f"match {pattern}", ~_text(frame, rule, pattern)))
    if read.flag("unique"):
        found.append(("be unique", value.is_not_null() & value.is_duplicated()))
    return found


def _number(frame: pl.DataFrame, rule: ColumnRule, argument: str) -> pl.Expr:
    kind = type_name(frame.schema[rule.name])
    if kind not in NUMBERS:
        detail = f'Column "{rule.name}" is {kind}; `{argument}` needs a number.'
        raise TaskFailure("Rule on the wrong type", detail, f"schema.{rule.name}.{argument}")
    return pl.col(rule.name)


def _text(frame: pl.DataFrame, rule: ColumnRule, pattern: str) -> pl.Expr:
    argument = f"schema.{rule.name}.pattern"
    if frame.schema[rule.name] != pl.String:
        kind = type_name(frame.schema[rule.name])
        detail = f'Column "{rule.name}" is {kind}; `pattern` needs a string.'
        raise TaskFailure("Rule on the wrong type", detail, argument)
    anchored = f"^(?:{pattern})$"
    try:
        pl.Series([""]).str.contains(anchored)
    except pl.exceptions.PolarsError as error:
        detail = f"`{pattern}` is not a regular expression: {str(error).splitlines()[0]}"
        raise TaskFailure("Malformed pattern", detail, argument) from error
    return pl.col(rule.name).str.contains(anchored)


def _allowed(frame: pl.DataFrame, rule: ColumnRule, values: list[Json]) -> list[object]:
    try:
        return pl.Series(values, dtype=frame.schema[rule.name], strict=True).to_list()
    except (pl.exceptions.PolarsError, TypeError) as error:
        kind = type_name(frame.schema[rule.name])
        detail = f'Column "{rule.name}" is {kind}, but the allowed values are {values}.'
        raise TaskFailure("Rule on the wrong type", detail, f"schema.{rule.name}.values") from error


def _describe(bad: pl.DataFrame, rule: ColumnRule, wanted: str) -> str:
    shown = []
    raw = _RAW + rule.name
    for row in bad.head(_EXAMPLES).iter_rows(named=True):
        value = row.get(raw) if row.get(raw) is not None else row[rule.name]
        text = "missing" if value is None else repr(value) if isinstance(value, str) else str(value)
        shown.append(f"row {row[ROW]}: {text}")
    more = ", …" if bad.height > _EXAMPLES else ""
    return (
        f'Column "{rule.name}" must {wanted}, but {bad.height} '
        f"{'row does' if bad.height == 1 else 'rows do'} not comply ({', '.join(shown)}{more})."
    )
