"""`yamlencode` and `yamldecode`; plain scalars mean what they mean in Terraform."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from mlform.lang.construct import entries_of, items_of, object_of, string_value, text, tuple_of
from mlform.lang.conversion import convert
from mlform.lang.encode import json_text
from mlform.lang.function import Function, FunctionError, Parameter
from mlform.lang.numbers import Amount, number_value, parse_number
from mlform.lang.types import STRING
from mlform.lang.values import FALSE, NULL, TRUE, Value

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"))
_FALSE: Final = frozenset(
    ("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N")
)
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_PREFIXED: Final = re.compile(r"[-+]?0(?:x[0-9a-fA-F]+|o[0-7]+)", re.ASCII)
_TAG: Final = "tag:yaml.org,2002:"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INFINITIES: Final = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), Decimal("Infinity")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), Decimal("-Infinity")),
}
_PLAIN: Final = "plain"
_MERGE: Final = "<<"
_COLLECTION_TAGS: Final = frozenset((f"{_TAG}map", f"{_TAG}seq"))
_NOT_A_NUMBER: Final = frozenset((".nan", ".NaN", ".NAN"))


def _decode(source: Value) -> Value:
    import yaml

    class Loader(yaml.SafeLoader):
        """Tells plain scalars from those with a tag of their own."""

        def resolve(self, kind: type[yaml.Node], value: object, implicit: object) -> object:
            """Return the tag of a node that has none written."""
            if kind is yaml.ScalarNode and implicit == (True, False):
                return _PLAIN
            return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    try:
        node = yaml.compose(text(source), Loader=Loader)
    except yaml.YAMLError as error:
        raise FunctionError(f"the string is no YAML: {' '.join(str(error).split())}") from error
    if node is None:
        raise FunctionError("the string has no YAML document in it")
    return _value(node)


def _value(node: object) -> Value:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return _scalar(node.value, node.tag, is_plain=not node.style)
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTION_TAGS:
        raise FunctionError(f"a collection of the tag {node.tag} is not supported")
    if isinstance(node, yaml.SequenceNode):
        return tuple_of([_value(item) for item in node.value])
    if isinstance(node, yaml.MappingNode):
        return _mapping(node.value)
    raise TypeError(node)


def _mapping(pairs: list[tuple[object, object]]) -> Value:
    import yaml

    merged: dict[str, Value] = {}
    own: dict[str, Value] = {}
    for key_node, value_node in pairs:
        value = _value(value_node)
        if (
            isinstance(key_node, yaml.ScalarNode)
            and key_node.value == _MERGE
            and not key_node.style
        ):
            for each in items_of(value) if isinstance(value.payload, tuple) else (value,):
                if not isinstance(each.payload, dict):
                    raise FunctionError("what << merges must be mappings")
                merged = {**entries_of(each), **merged}
            continue
        if not isinstance(key_node, yaml.ScalarNode):
            raise FunctionError("only strings, numbers and bools can be keys of a mapping")
        own[_key(key_node.value, key_node.tag, is_plain=not key_node.style)] = value
    return object_of({**merged, **own})


def _key(content: str, tag: str, *, is_plain: bool) -> str:
    key = convert(_scalar(content, tag, is_plain=is_plain), STRING)
    if key.payload is None:
        raise FunctionError("a key of a mapping must not be null")
    return text(key)


def _scalar(content: str, tag: str, *, is_plain: bool) -> Value:
    kind = tag.removeprefix(_TAG)
    if kind == "null":
        return NULL
    if kind == "timestamp" or tag == _PLAIN or (is_plain and kind in {"int", "float", "bool"}):
        return _plain(content)
    if not tag.startswith(_TAG):
        raise FunctionError(f"unsupported tag {tag}")
    return string_value(content)


def _plain(content: str) -> Value:
    if content in _NULLS:
        return NULL
    if content in _TRUE or content in _FALSE:
        return TRUE if content in _TRUE else FALSE
    if content in _NOT_A_NUMBER:
        raise FunctionError("floating point NaN is not supported")
    number = _number(content)
    if number is not None:
        return number_value(number)
    if _DATE.fullmatch(content):
        return string_value(f"{content}T00:00:00Z")
    return string_value(content)


def _number(content: str) -> Amount | None:
    if _NUMBER.fullmatch(content):
        return parse_number(content)
    if _PREFIXED.fullmatch(content):
        return int(content, 0)
    return _INFINITIES.get(content)


def _encode(value: Value) -> Value:
    lines: list[str] = []
    _write(value, 0, lines)
    if not isinstance(value.payload, str | tuple | dict):
        lines.append("...")  # the end of a document that is one plain scalar
    return string_value("\n".join(lines) + "\n")


def _inline(value: Value) -> str | None:
    """Return a scalar or empty collection on one line, or None for a block."""
    payload = value.payload
    if isinstance(payload, tuple | dict) and payload:
        return None
    if isinstance(payload, str) and "\n" in payload and _fits_block(payload):
        return None
    if isinstance(payload, Decimal) and not payload.is_finite():
        raise FunctionError("cannot serialize infinity as YAML")
    return _quoted(payload) if isinstance(payload, str) else json_text(value)


def _fits_block(content: str) -> bool:
    """Whether a string can stand in a literal block: no line ends in a space, all is printable."""
    return all(
        not line.endswith(" ") and (line.isprintable() or "\t" in line)
        for line in content.split("\n")
    )


def _quoted(content: str) -> str:
    escaped = json_text(string_value(content))
    for code, character in (("\\u003c", "<"), ("\\u003e", ">"), ("\\u0026", "&")):
        escaped = escaped.replace(code, character)
    return escaped


def _write(value: Value, depth: int, lines: list[str]) -> None:
    pad = "  " * depth
    payload = value.payload
    if isinstance(payload, dict) and payload:
        for key, item in payload.items():
            _write_item(f"{pad}{_quoted(key)}:", item, depth, lines)
    elif isinstance(payload, tuple) and payload:
        for item in payload:
            _write_element(pad, item, depth, lines)
    else:
        _write_item("", value, depth, lines)


def _write_item(label: str, value: Value, depth: int, lines: list[str]) -> None:
    inline = _inline(value)
    space = " " if label else ""
    if inline is not None:
        lines.append(f"{label}{space}{inline}")
    elif isinstance(value.payload, str):
        lines.append(f"{label}{space}{_block_header(value.payload)}")
        lines.extend(_block_lines(value.payload, "  " * (depth + 1)))
    else:
        lines.append(label)
        # a sequence stands under its key without further indentation
        _write(value, depth if isinstance(value.payload, tuple) else depth + 1, lines)


def _write_element(pad: str, item: Value, depth: int, lines: list[str]) -> None:
    inline = _inline(item)
    if inline is not None:
        lines.append(f"{pad}- {inline}")
    elif isinstance(item.payload, str):
        lines.append(f"{pad}- {_block_header(item.payload)}")
        lines.extend(_block_lines(item.payload, f"{pad}  "))
    else:
        inner: list[str] = []
        _write(item, depth + 1, inner)
        inner[0] = f"{pad}- {inner[0].lstrip(' ')}"
        lines.extend(inner)


def _block_header(content: str) -> str:
    indicator = "2" if content.startswith((" ", "\n")) else ""
    if not content.endswith("\n"):
        return f"|{indicator}-"
    return f"|{indicator}+" if content.endswith("\n\n") or content == "\n" else f"|{indicator}"


def _block_lines(content: str, pad: str) -> list[str]:
    body = content.removesuffix("\n")
    return [f"{pad}{line}" if line else "" for line in body.split("\n")]


FUNCTIONS: Final = (
    Function(
        name="yamlencode",
        description="The value as YAML.",
        parameters=(Parameter(name="value", nullable=True),),
        returns=STRING,
        implementation=_encode,
    ),
    Function(
        name="yamldecode",
        description="The value that a YAML document holds.",
        parameters=(Parameter(name="src", type=STRING),),
        nullable=True,
        implementation=_decode,
    ),
)
