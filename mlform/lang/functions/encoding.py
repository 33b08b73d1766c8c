"""Functions that encode and decode: JSON, base64, CSV, URLs, gzip, character sets."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from mlform.lang.construct import (
    is_mapping,
    is_sequence,
    list_of,
    object_of,
    string_value,
    text,
)
from mlform.lang.encode import json_text, parse_json
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.charsets import codec_of, decoded, encoded
from mlform.lang.functions.records import RecordFault, records
from mlform.lang.ranges import range_of
from mlform.lang.types import DYNAMIC, STRING, ListType
from mlform.lang.values import NO_MARKS, UNKNOWN, Range, Value

_STRING: Final = Parameter(name="str", type=STRING)
_BEST: Final = 9


def _jsonencode(value: Value) -> Value:
    try:
        return string_value(json_text(value))
    except ValueError as error:
        raise FunctionError(str(error)) from error


def _encoded_early(value: Value) -> Value:
    """Return an unknown string that begins as the JSON of the value must."""
    begins = ""
    if range_of(value).not_null:
        if value.type is STRING:
            begins = '"'
        elif is_mapping(value.type):
            begins = "{"
        elif is_sequence(value.type):
            begins = "["
    return Value(STRING, UNKNOWN, NO_MARKS, Range(not_null=True, prefix=begins))


def _jsondecode(source: Value) -> Value:
    try:
        return parse_json(text(source))
    except RecursionError as error:
        raise FunctionError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise FunctionError(f"the string is no JSON: {error}") from error


def _base64encode(value: Value) -> Value:
    return string_value(base64.b64encode(text(value).encode()).decode())


def decoded_base64(source: str) -> bytes:
    """Return the bytes of standard base64.

    Raises:
        FunctionError: If the string is no base64.
    """
    try:
        return base64.b64decode(source, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FunctionError(f'failed to decode base64 data "{source}"') from error


def _base64decode(value: Value) -> Value:
    try:
        return string_value(decoded_base64(text(value)).decode())
    except UnicodeDecodeError as error:
        message = "the result of decoding the provided string is not valid UTF-8"
        raise FunctionError(message) from error


def _base64gzip(value: Value) -> Value:
    import gzip

    packed = gzip.compress(text(value).encode(), compresslevel=_BEST, mtime=0)
    return string_value(base64.b64encode(packed).decode())


def _urlencode(value: Value) -> Value:
    from urllib.parse import quote_plus

    return string_value(quote_plus(text(value), safe=""))


def _codec(name: str, position: int) -> str:
    found = codec_of(name)
    if found is None:
        message = f'"{name}" is not a supported IANA encoding name or alias'
        raise ArgumentError(position, message)
    return found


def _textencodebase64(value: Value, encoding: Value) -> Value:
    try:
        content = encoded(text(value), _codec(text(encoding), 1))
    except UnicodeEncodeError as error:
        message = (
            f"the given string contains characters that cannot be represented in {text(encoding)}"
        )
        raise ArgumentError(0, message) from error
    return string_value(base64.b64encode(content).decode())


def _textdecodebase64(source: Value, encoding: Value) -> Value:
    codec = _codec(text(encoding), 1)
    try:
        content = base64.b64decode(text(source), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ArgumentError(0, "the given value is not valid base64") from error
    try:
        return string_value(decoded(content, codec))
    except UnicodeDecodeError as error:
        message = f"the given string contains symbols that are not defined for {text(encoding)}"
        raise ArgumentError(0, message) from error


def _csvdecode(source: Value) -> Value:
    try:
        rows = records(text(source))
    except RecordFault as error:
        raise FunctionError(f"CSV parse error {error}") from error
    if not rows:
        raise FunctionError("missing header line")
    header = rows[0][1]
    for position, name in enumerate(header):
        if name in header[:position]:
            raise FunctionError(f'duplicate column name "{name}"')
    found: list[Value] = []
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise FunctionError(f"CSV parse error on line {number}: wrong number of fields")
        fields = zip(header, row, strict=True)
        found.append(object_of({name: string_value(field) for name, field in fields}))
    element = (
        found[0].type if found else object_of({name: string_value("") for name in header}).type
    )
    return list_of(found, element)


FUNCTIONS: Final = (
    Function(
        name="jsonencode",
        description="The value as JSON.",
        parameters=(Parameter(name="val", nullable=True),),
        returns=STRING,
        early=_encoded_early,
        implementation=_jsonencode,
    ),
    Function(
        name="jsondecode",
        description="The value that a string of JSON holds.",
        parameters=(_STRING,),
        nullable=True,
        implementation=_jsondecode,
    ),
    Function(
        name="base64encode",
        description="The UTF-8 bytes of a string in base64.",
        parameters=(_STRING,),
        returns=STRING,
        implementation=_base64encode,
    ),
    Function(
        name="base64decode",
        description="The string whose UTF-8 bytes are in base64.",
        parameters=(_STRING,),
        returns=STRING,
        implementation=_base64decode,
    ),
    Function(
        name="base64gzip",
        description="The UTF-8 bytes of a string, compressed by gzip, in base64.",
        parameters=(_STRING,),
        returns=STRING,
        implementation=_base64gzip,
    ),
    Function(
        name="urlencode",
        description="The string escaped for the query of a URL.",
        parameters=(_STRING,),
        returns=STRING,
        implementation=_urlencode,
    ),
    Function(
        name="textencodebase64",
        description="The bytes of a string in a character encoding, in base64.",
        parameters=(
            Parameter(name="string", type=STRING),
            Parameter(name="encoding", type=STRING),
        ),
        returns=STRING,
        implementation=_textencodebase64,
    ),
    Function(
        name="textdecodebase64",
        description="The string whose bytes in a character encoding are in base64.",
        parameters=(
            Parameter(name="source", type=STRING),
            Parameter(name="encoding", type=STRING),
        ),
        returns=STRING,
        implementation=_textdecodebase64,
    ),
    Function(
        name="csvdecode",
        description="The records of a string of CSV with a header line, as a list of objects.",
        parameters=(_STRING,),
        returns=ListType(DYNAMIC),
        implementation=_csvdecode,
    ),
)
