"""Writing configuration: the values of a resource as the text of a `resource` block.

The layout is python-hcl2's: it is given the tree of blocks, objects and lists. What needs care is
written here and put in its place afterwards: strings with their escapes, heredocs, short lists on
one line, references. So any string comes back as it was when the text is read again.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from mlform.addresses import ModulePath, ResourceAddress, parse_address
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Source
from mlform.hcl.formatter import format_source
from mlform.hcl.strings import escape_quoted
from mlform.lang.construct import has_unknown, marks_deep
from mlform.lang.encode import to_json
from mlform.lang.numbers import format_number
from mlform.lang.types import SetType
from mlform.lang.values import UNKNOWN, Value
from mlform.schema import Attribute, BlockSchema, NestedBlock, ResourceReference, ResourceSchema

_MARKER: Final = "mlform_text_"
_PLACE: Final = re.compile(rf"{_MARKER}(\d+)")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_KEYWORDS: Final = frozenset({"true", "false", "null", "for"})
_LINE: Final = 72
"""Columns that a list may take to stand on one line."""
_BLOCK: Final = "__is_block__"
"""How python-hcl2 tells a block from an object."""

_Tree: TypeAlias = "bool | str | None | list[_Tree] | dict[str, _Tree]"


def resource_text(
    address: ResourceAddress, schema: ResourceSchema, values: Mapping[str, Value]
) -> str:
    """Return a `resource` block that gives a resource these values; it ends in a line break.

    Required arguments are always written, optional ones where they differ from their default, and
    computed attributes never. A sensitive value is written as `null # sensitive`, as Terraform does
    it: secrets do not belong into files that are put under version control.

    Args:
        address: Of the block; keys are left out.
        schema: Of its kind.
        values: Its arguments and blocks by name; whole resources as their addresses.
    """
    writer = _Writer(module=address.block.module)
    body = writer.body(schema.body, values)
    header = {writer.quoted(address.kind): {writer.quoted(address.name): body}}
    text, _ = format_source(Source("generated", writer.text({"resource": [header]})))
    return text


def generated_text(blocks: Iterable[tuple[str, str]]) -> str:
    """Return the text of a file of generated configuration.

    Args:
        blocks: The id that each block was imported from, and its text.
    """
    return _HEADER + "".join(
        f"\n# __generated__ by mlform from {json.dumps(id_, ensure_ascii=False)}\n{text}"
        for id_, text in blocks
    )


def is_generated(content: bytes) -> bool:
    """Whether a file is one that `generated_text` made."""
    return content.startswith(_HEADER.encode())


_HEADER: Final = """\
# __generated__ by mlform
# Please review these resources and move them into your main configuration files.
"""


@dataclass(slots=True)
class _Writer:
    """One block on its way to text.

    Attributes:
        module: The module that the block is in.
        texts: What stands in the place of each marker.
    """

    module: ModulePath = ()
    texts: list[str] = field(default_factory=list)

    def body(self, schema: BlockSchema, values: Mapping[str, Value]) -> dict[str, _Tree]:
        """Return the tree of a body by its schema."""
        tree: dict[str, _Tree] = {_BLOCK: True}
        for attribute in schema.attributes:
            value = values.get(attribute.name)
            if not attribute.computed and (attribute.required or not _is_default(attribute, value)):
                tree[attribute.name] = self._argument(attribute, value)
        for block in schema.blocks:
            value = values.get(block.name)
            if value is not None and value.is_known and not value.is_null:
                found = [self._block(block, item) for item in _blocks_of(value)]
                if found:
                    tree[block.name] = found
        return tree

    def _block(self, block: NestedBlock, value: Value) -> _Tree:
        entries = value.payload if isinstance(value.payload, dict) else {}
        if block.label is None:
            return self.body(block.body, entries)
        label = entries[block.label].payload
        assert isinstance(label, str)  # noqa: S101 - labels are strings
        return {self.quoted(label): self.body(block.schema_of(label), entries)}

    def _argument(self, attribute: Attribute, value: Value | None) -> _Tree:
        if value is None or value.payload is UNKNOWN:
            return None
        if value.is_sensitive:
            return self.placed("null # sensitive")
        if isinstance(attribute.type, ResourceReference):
            return self._reference(value)
        return self._value(value)

    def _reference(self, value: Value) -> _Tree:
        """Return the reference to a resource, or to each of a list of them."""
        if isinstance(value.payload, tuple):
            texts = [_reference_text(str(item.payload), self.module) for item in value.payload]
            return self._listed(texts)
        if not isinstance(value.payload, str):
            return None
        return self.placed(_reference_text(value.payload, self.module))

    def _listed(self, texts: Sequence[str]) -> _Tree:
        line = f"[{', '.join(texts)}]"
        return self.placed(line) if len(line) <= _LINE else [self.placed(text) for text in texts]

    def _value(self, value: Value) -> _Tree:
        payload = value.payload
        if value.is_sensitive:
            return self.placed("null # sensitive")
        if isinstance(payload, dict):
            return {self._key(key): self._value(item) for key, item in payload.items()}
        if isinstance(payload, tuple):
            line = _inline(value)
            simple = not any(isinstance(item.payload, dict | tuple) for item in payload)
            if isinstance(value.type, SetType) or (simple and len(line) <= _LINE):
                return self.placed(line)
            return [self._item(item) for item in payload]
        if isinstance(payload, str):
            return self.placed(_heredoc(payload) or _quoted(payload))
        return self.placed(_inline(value))

    def _item(self, value: Value) -> _Tree:
        """Return the tree of an item of a list: after it comes a comma on the same line."""
        nested = isinstance(value.payload, dict | tuple) and not value.is_sensitive
        return self._value(value) if nested else self.placed(_inline(value))

    def _key(self, key: str) -> str:
        text = _key_text(key)
        return text if text == key and not key.startswith(_MARKER) else self.quoted(key)

    def quoted(self, text: str) -> str:
        """Return the marker of a quoted string."""
        return self.placed(_quoted(text))

    def placed(self, text: str) -> str:
        """Return the marker that stands for a text as long as python-hcl2 has it."""
        self.texts.append(text)
        return f"{_MARKER}{len(self.texts) - 1}"

    def text(self, tree: Mapping[str, object]) -> str:
        """Return the text of a tree with every marker replaced."""
        import hcl2

        options = hcl2.DeserializerOptions(object_elements_trailing_comma=False)
        written = hcl2.dumps({_BLOCK: True, **tree}, deserializer_options=options)
        # An empty line between blocks, and none with spaces in it.
        laid_out = re.sub(r"\n\s*\n", "\n\n", written).replace("{\n\n", "{\n").strip("\n")
        lines = [self._filled(line) for line in laid_out.split("\n")]
        return "\n".join(lines) + "\n"

    def _filled(self, line: str) -> str:
        """Return a line with its texts; a heredoc takes the indentation of its line."""
        pad = " " * (len(line) - len(line.lstrip(" ")))

        def text(match: re.Match[str]) -> str:
            found = self.texts[int(match[1])]
            if "\n" not in found:
                return found
            first, *rest = found.split("\n")
            *content, end = rest
            inside = [f"{pad}  {item}" if item else "" for item in content]
            return "\n".join([first, *inside, f"{pad}{end}"])

        return _PLACE.sub(text, line)


def _is_default(attribute: Attribute, value: Value | None) -> bool:
    """Whether an argument need not be written, since leaving it out gives the same."""
    if value is None or value.is_null or value.payload is UNKNOWN:
        return True
    if isinstance(attribute.type, ResourceReference):
        return value.payload == ()
    if marks_deep(value) or has_unknown(value):
        return False
    return to_json(value) == attribute.default


def _blocks_of(value: Value) -> tuple[Value, ...]:
    return value.payload if isinstance(value.payload, tuple) else (value,)


def _reference_text(address: str, module: ModulePath) -> str:
    """Return the reference to a resource as written in a module.

    A resource of another module cannot be referred to as a whole: its address is left as a comment.
    """
    try:
        found = parse_address(address)
    except ValueError:
        return "null"
    if found.module != module:
        return "null" if "*/" in address else f"null /* {address} */"
    return str(ResourceAddress(found.kind, found.name, found.key))


def _inline(value: Value) -> str:
    """Return a value as an expression on one line."""
    payload = value.payload
    if payload is None or payload is UNKNOWN or value.is_sensitive:
        return "null"
    if isinstance(payload, bool):
        return "true" if payload else "false"
    if isinstance(payload, int | Decimal):
        return format_number(payload)
    if isinstance(payload, tuple):
        text = f"[{', '.join(_inline(item) for item in payload)}]"
        return f"toset({text})" if isinstance(value.type, SetType) else text
    if isinstance(payload, dict):
        inside = ", ".join(f"{_key_text(key)} = {_inline(item)}" for key, item in payload.items())
        return f"{{ {inside} }}" if inside else "{}"
    return _quoted(str(payload))


def _key_text(key: str) -> str:
    bare = _IDENTIFIER.fullmatch(key) is not None and key not in _KEYWORDS
    return key if bare else _quoted(key)


def _quoted(text: str) -> str:
    """Return a string between double quotes; what cannot be seen is written by its number."""
    escaped = "".join(
        f"\\U{ord(letter):08x}" if _is_unseen(letter) else letter for letter in escape_quoted(text)
    )
    return f'"{escaped}"'


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN


_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})


def _heredoc(text: str) -> str | None:
    """Return a text of several lines as a heredoc without indentation; None if none gives it.

    A heredoc always ends in a line break, resolves no escapes, and takes away the indentation that
    all of its lines have in common.
    """
    if not text.endswith("\n") or text.count("\n") < _SEVERAL:
        return None
    content = text.removesuffix("\n").split("\n")
    unseen = any(_is_unseen(letter) for line in content for letter in line)
    blank = any(line and not line.strip() for line in content)
    outermost = any(line and not line[0].isspace() for line in content)
    if unseen or blank or not outermost:
        return None
    end = "EOT"
    while any(line.strip() == end for line in content):
        end += "_"
    body = text.replace("${", "$${").replace("%{", "%%{")
    return f"<<-{end}\n{body}{end}"


_SEVERAL: Final = 2
