"""`provider::mlform::` functions that look into files of data and code.

They see files through ports of the context, so that a plan sees what the planner sees: the
fingerprint is what mlform itself compares, and a table has the columns that a `dataset` of the file
has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.dataclass import dataclass
from mlform.lang.construct import list_of, object_of, string_value, text
from mlform.lang.conversion import ConversionError, convert
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.context import FunctionContext, TableFacts, TableOptions
from mlform.lang.functions.filesystem import located
from mlform.lang.numbers import number_value
from mlform.lang.types import BOOL, NUMBER, STRING, ListType, ObjectType, Type
from mlform.lang.values import Value, boolean

_NAMESPACE: Final = "provider::mlform::"
_COLUMN: Final = ObjectType.of({"name": STRING, "type": STRING, "nullable": BOOL})
_OPTION_TYPES: Final[Mapping[str, Type]] = {
    "format": STRING,
    "delimiter": STRING,
    "null_values": ListType(STRING),
}
_OPTIONS: Final = ObjectType(tuple(sorted(_OPTION_TYPES.items())), frozenset(_OPTION_TYPES))
_PATH: Final = Parameter(name="path", type=STRING)
_MORE: Final = Parameter(name="options", nullable=True)


@dataclass(frozen=True, slots=True)
class _Tables:
    """The implementations that see files through a context."""

    context: FunctionContext

    def file_fingerprint(self, path: Value) -> Value:
        if self.context.fingerprint is None:
            raise FunctionError("files cannot be read here")
        try:
            return string_value(self.context.fingerprint(located(text(path), self.context)))
        except OSError as error:
            raise ArgumentError(0, _unreadable(path, error)) from error

    def table_schema(self, path: Value, *options: Value) -> Value:
        columns = [
            object_of(
                {
                    "name": string_value(column.name),
                    "type": string_value(column.type),
                    "nullable": boolean(column.nullable),
                }
            )
            for column in self._facts(path, options).columns
        ]
        return list_of(columns, _COLUMN)

    def table_columns(self, path: Value, *options: Value) -> Value:
        names = [string_value(column.name) for column in self._facts(path, options).columns]
        return list_of(names, STRING)

    def table_rows(self, path: Value, *options: Value) -> Value:
        return number_value(self._facts(path, options).rows)

    def _facts(self, path: Value, options: tuple[Value, ...]) -> TableFacts:
        if self.context.read_table is None:
            raise FunctionError("tables cannot be read here")
        written = _options(options)
        try:
            return self.context.read_table(located(text(path), self.context), written)
        except OSError as error:
            raise ArgumentError(0, _unreadable(path, error)) from error
        except ValueError as error:
            raise ArgumentError(0, str(error).rstrip(".")) from error


def _unreadable(path: Value, error: OSError) -> str:
    return f'failed to read "{path.payload}": {error.strerror or error}'


def _options(options: tuple[Value, ...]) -> TableOptions:
    """Return the options of a table, given as one object at most."""
    if not options or options[0].payload is None:
        return TableOptions()
    if len(options) > 1:
        raise FunctionError('all options belong into one object, such as { delimiter = ";" }')
    given = options[0].payload
    if not isinstance(given, dict):
        raise ArgumentError(1, 'the options must be an object, such as { delimiter = ";" }')
    unknown = sorted(set(given) - set(_OPTION_TYPES))
    if unknown:
        raise ArgumentError(
            1, f'there is no option "{unknown[0]}"; there are {", ".join(sorted(_OPTION_TYPES))}'
        )
    try:
        found = convert(options[0], _OPTIONS)
    except ConversionError as error:
        raise ArgumentError(1, str(error)) from error
    return _read_options(found.payload if isinstance(found.payload, dict) else {})


def _read_options(given: dict[str, Value]) -> TableOptions:
    format_, delimiter = (given[name].payload for name in ("format", "delimiter"))
    texts = given["null_values"].payload
    return TableOptions(
        format=format_ if isinstance(format_, str) else None,
        delimiter=delimiter if isinstance(delimiter, str) else None,
        null_values=tuple(item.payload for item in texts if isinstance(item.payload, str))
        if isinstance(texts, tuple)
        else (),
    )


def table_functions(context: FunctionContext) -> tuple[Function, ...]:
    """Return the functions that look into files through a context."""
    tables = _Tables(context)
    return (
        Function(
            name=f"{_NAMESPACE}file_fingerprint",
            description="The digest of a file or folder, as mlform itself compares it.",
            parameters=(_PATH,),
            returns=STRING,
            implementation=tables.file_fingerprint,
        ),
        Function(
            name=f"{_NAMESPACE}table_schema",
            description="The columns of a csv, tsv, jsonl or parquet file: name, type, nullable.",
            parameters=(_PATH,),
            variadic=_MORE,
            returns=ListType(_COLUMN),
            implementation=tables.table_schema,
        ),
        Function(
            name=f"{_NAMESPACE}table_columns",
            description="The names of the columns of a table in a file, in order.",
            parameters=(_PATH,),
            variadic=_MORE,
            returns=ListType(STRING),
            implementation=tables.table_columns,
        ),
        Function(
            name=f"{_NAMESPACE}table_rows",
            description="How many rows a table in a file has.",
            parameters=(_PATH,),
            variadic=_MORE,
            returns=NUMBER,
            implementation=tables.table_rows,
        ),
    )
