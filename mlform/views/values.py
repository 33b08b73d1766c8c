"""Values as HCL text.

`format_value` follows what `terraform console` and `terraform output` print; `inline` and `literal`
print plain JSON the way it is written in configuration, for plans and states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from mlform.digests import Json
from mlform.lang.construct import entries_of, items_of
from mlform.lang.numbers import format_number
from mlform.lang.type_text import collection_kind, type_name
from mlform.lang.types import (
    DYNAMIC,
    ListType,
    MapType,
    ObjectType,
    Primitive,
    SetType,
    TupleType,
    Type,
)
from mlform.lang.values import Mark, Value

KNOWN_AFTER_APPLY: Final = "(known after apply)"
SENSITIVE_VALUE: Final = "(sensitive value)"
SENSITIVE_OUTPUT: Final = "<sensitive>"
"""What `output` and `apply` show of a sensitive output, as in Terraform."""
EPHEMERAL_VALUE: Final = "(ephemeral value)"
_IDENTIFIER: Final = r"[^\W\d][\w-]*"
_DIGEST: Final = r"(sha256:[0-9a-f]{12})[0-9a-f]{52}"
_CALLS: Final[Mapping[type, str]] = {ListType: "tolist", SetType: "toset", MapType: "tomap"}
_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_TYPE_STEP: Final = 4
"""Columns that the parts of a type are indented by."""
_FIRST_WIDE: Final = 0x80
"""The first code point that is escaped by four digits."""
_FIRST_LONG: Final = 0x10000
"""The first code point that is escaped by eight digits."""


def quoted(text: str) -> str:
    """Return a string as HCL writes it, so that templates in it are escaped."""
    body = visible(json.dumps(text, ensure_ascii=False))
    return body.replace("${", "$${").replace("%{", "%%{")


def visible(text: str) -> str:
    """Return text in which what cannot be seen, or turns what follows, is written as an escape."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _character(letter) for letter in text)


def visible_line(text: str) -> str:
    """Return `visible` text that keeps its tabs."""
    return "\t".join(map(visible, text.split("\t")))


def key_text(key: str) -> str:
    """Return a key of an object as HCL writes it: bare where it is an identifier."""
    return key if re.fullmatch(_IDENTIFIER, key) else quoted(key)


def shortened(text: str) -> str:
    """Return text with each digest cut to its first 12 digits, for people."""
    return re.sub(_DIGEST, r"\1…", text)


def scalar(value: Json) -> str:
    """Return a JSON scalar as HCL."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return format_number(Decimal(repr(value)))
    return json.dumps(value)


def inline(value: Json, limit: int | None = None) -> str:
    """Return JSON as HCL on one line; what is longer than `limit` becomes `{...}` or `[...]`."""
    if limit is None or not isinstance(value, Mapping | Sequence) or isinstance(value, str):
        return "".join(_pieces(value))
    text = _within(_pieces(value), limit)
    if text is None:
        return "{...}" if isinstance(value, Mapping) else "[...]"
    return text


def fitting(value: Json, limit: int) -> str | None:
    """Return JSON as HCL on one line, with each digest cut, or None if it is longer than that."""
    return _within(map(shortened, _pieces(value)), limit)


def _pieces(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        lead = "{ "
        for key, item in value.items():
            yield f"{lead}{key_text(key)} = "
            yield from _pieces(item)
            lead = ", "
        yield " }" if value else "{}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        lead = "["
        for item in value:
            yield lead
            yield from _pieces(item)
            lead = ", "
        yield "]" if value else "[]"
    else:
        yield scalar(value)


def _within(pieces: Iterable[str], limit: int) -> str | None:
    """Return the pieces put together, or None once they are too long: none is made after that."""
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > limit:
            return None
    return text


def format_value(value: Value, depth: int = 0) -> str:
    """Return a value as `terraform console` prints it.

    Args:
        value: May be unknown, sensitive or null, as a whole or in parts.
        depth: Columns that the lines after the first are indented by.
    """
    if value.is_sensitive:
        return SENSITIVE_VALUE
    if Mark.EPHEMERAL in value.marks:
        return EPHEMERAL_VALUE
    if not value.is_known:
        return KNOWN_AFTER_APPLY
    if value.is_null:
        return _null(value.type)
    if isinstance(value.type, Primitive):
        return _primitive(value, depth)
    return _collection(value, depth)


def _collection(value: Value, depth: int) -> str:
    mapping = isinstance(value.type, MapType | ObjectType)
    body = _entries(value, depth) if mapping else _items(value, depth)
    call = _CALLS.get(type(value.type))
    return f"{call}({body})" if call else body


def _null(type_: Type) -> str:
    if isinstance(type_, Primitive):
        return "null" if type_ is DYNAMIC else f"to{type_.name}(null)"
    if isinstance(type_, ListType | SetType | MapType):
        return f"{_CALLS[type(type_)]}(null) /* of {type_name(type_.element)} */"
    return f"null /* {type_name(type_)} */"


def _primitive(value: Value, depth: int) -> str:
    payload = value.payload
    if isinstance(payload, bool):
        return "true" if payload else "false"
    if isinstance(payload, int | Decimal):
        return format_number(payload)
    text = payload if isinstance(payload, str) else ""
    return _heredoc(text, depth) if "\n" in text else _escaped(text)


def _escaped(text: str) -> str:
    """Return a string as Go's `%q` writes it, which Terraform prints."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    code = ord(letter)
    if letter.isprintable():
        return letter
    if code < _FIRST_WIDE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _FIRST_LONG else f"\\U{code:08x}"


def _heredoc(text: str, depth: int) -> str:
    content = text.split("\n")
    taken = {item.strip() for item in content}
    end = "EOT"
    while end in taken:
        end += "_"
    pad = " " * depth
    body = "\n".join(f"{pad}{item}" for item in content)
    return f"<<{'-' if depth else ''}{end}\n{body}\n{pad}{end}"


def _items(value: Value, depth: int) -> str:
    items = items_of(value)
    if not items:
        return "[]"
    pad = " " * (depth + 2)
    body = "".join(f"{pad}{format_value(item, depth + 2)},\n" for item in items)
    return f"[\n{body}{' ' * depth}]"


def _entries(value: Value, depth: int) -> str:
    entries = entries_of(value)
    if not entries:
        return "{}"
    pad = " " * (depth + 2)
    body = "".join(
        f"{pad}{_escaped(key)} = {format_value(item, depth + 2)}\n"
        for key, item in sorted(entries.items())
    )
    return f"{{\n{body}{' ' * depth}}}"


def format_type(type_: Type, depth: int = 0) -> str:
    """Return a type as `type(…)` in `terraform console` prints it.

    Args:
        type_: Of a value, so that no attribute of an object is optional.
        depth: Columns that the lines after the first are indented by.
    """
    inner = depth + _TYPE_STEP
    if isinstance(type_, ObjectType):
        fields = [f"{name}: {format_type(each, inner)}" for name, each in sorted(type_.attributes)]
        return _wrapped_type("object({", fields, "})", depth)
    if isinstance(type_, TupleType):
        return _wrapped_type(
            "tuple([", [format_type(e, inner) for e in type_.elements], "])", depth
        )
    if isinstance(type_, ListType | SetType | MapType):
        kind, element = collection_kind(type_), type_.element
        if not isinstance(element, ObjectType | TupleType):
            return f"{kind}({format_type(element, depth)})"
        return _wrapped_type(f"{kind}(", [format_type(element, inner)], ")", depth)
    return type_.name


def _wrapped_type(begin: str, parts: Sequence[str], end: str, depth: int) -> str:
    if not parts:
        return begin + end
    pad = " " * (depth + _TYPE_STEP)
    body = "".join(f"{pad}{part},\n" for part in parts)
    return f"{begin}\n{body}{' ' * depth}{end}"
