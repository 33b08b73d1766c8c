"""Values as HCL text.

`format_value` follows what `terraform console` and `terraform output` print; `inline` and `literal`
print plain JSON the way it is written in configuration, for plans and states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from mlform.digests import Json
from mlform.lang.construct import entries_of, items_of
from mlform.lang.numbers import format_number
from mlform.lang.type_text import type_name
from mlform.lang.types import DYNAMIC, ListType, MapType, ObjectType, Primitive, SetType, Type
from mlform.lang.values import Value

KNOWN_AFTER_APPLY: Final = "(known after apply)"
SENSITIVE_VALUE: Final = "(sensitive value)"
_IDENTIFIER: Final = re.compile(r"[^\W\d][\w-]*")
_DIGEST: Final = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
_CALLS: Final[Mapping[type, str]] = {ListType: "tolist", SetType: "toset", MapType: "tomap"}


def quoted(text: str) -> str:
    """Return a string as HCL writes it, so that templates in it are escaped."""
    body = json.dumps(text, ensure_ascii=False)
    return body.replace("${", "$${").replace("%{", "%%{")


def key_text(key: str) -> str:
    """Return a key of an object as HCL writes it: bare where it is an identifier."""
    return key if _IDENTIFIER.fullmatch(key) else quoted(key)


def shortened(text: str) -> str:
    """Return text with each digest cut to its first 12 digits, for people."""
    return _DIGEST.sub(r"\1…", text)


def scalar(value: Json) -> str:
    """Return a JSON scalar as HCL."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return format_number(Decimal(repr(value)))
    return json.dumps(value)


def inline(value: Json, limit: int | None = None) -> str:
    """Return JSON as HCL on one line; what is longer than `limit` becomes `{...}` or `[...]`."""
    if isinstance(value, Mapping):
        body = ", ".join(f"{key_text(key)} = {inline(item)}" for key, item in value.items())
        text, brief = (f"{{ {body} }}" if body else "{}"), "{...}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        text, brief = "[" + ", ".join(inline(item) for item in value) + "]", "[...]"
    else:
        return scalar(value)
    return brief if limit is not None and len(text) > limit else text


def format_value(value: Value, depth: int = 0) -> str:
    """Return a value as `terraform console` prints it.

    Args:
        value: May be unknown, sensitive or null, as a whole or in parts.
        depth: Columns that the lines after the first are indented by.
    """
    if value.is_sensitive:
        return SENSITIVE_VALUE
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
    return f"null /* {type_name(type_)} */"


def _primitive(value: Value, depth: int) -> str:
    payload = value.payload
    if isinstance(payload, bool):
        return "true" if payload else "false"
    if isinstance(payload, int | Decimal):
        return format_number(payload)
    text = payload if isinstance(payload, str) else ""
    if "\n" in text:
        return _heredoc(text, depth)
    return json.dumps(text, ensure_ascii=False)


def _heredoc(text: str, depth: int) -> str:
    content = text.split("\n")
    end = "EOT"
    while end in content:
        end += "_"
    pad = " " * depth
    body = "\n".join(f"{pad}{item}" if item else "" for item in content)
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
        f"{pad}{json.dumps(key, ensure_ascii=False)} = {format_value(item, depth + 2)}\n"
        for key, item in sorted(entries.items())
    )
    return f"{{\n{body}{' ' * depth}}}"
