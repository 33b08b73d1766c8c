"""`dynamic` blocks: one block for each element of a collection.

Terraform's rules: the content sees the element as the iterator, an object of `key` and `value`; a
collection that is not known yet makes all blocks of the type unknown together.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.graph.bodies import DYNAMIC_BLOCK, DynamicBlock, read_dynamic
from mlform.hcl import ast
from mlform.lang.construct import object_of
from mlform.lang.convert import ConversionError, convert, type_name
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import DYNAMIC, STRING, ListType, MapType, ObjectType, SetType, TupleType
from mlform.lang.values import UNKNOWN, UNKNOWN_VALUE, Mark, Value, number, string
from mlform.schema import BlockSchema, NestedBlock

_INVALID = "Invalid dynamic for_each value"
_BAD_LABEL = "Invalid dynamic block label"
_EXAMPLE = 'dynamic "{type}" {{ for_each = … content {{ … }} }}'
_COLLECTIONS = (ListType, SetType, TupleType, MapType, ObjectType)


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block with what its expressions can see.

    Attributes:
        block: Written as such, or one that a `dynamic` block stands for.
        scope: Where its names are looked up.
        is_certain: Whether it is there; otherwise it stands for those of a collection that is
            not known yet, and its value says nothing.
    """

    block: ast.Block
    scope: Scope
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Expansion:
    """The blocks of a body.

    Attributes:
        blocks: In source order.
        open_types: Types of which it is not known what blocks there are, because a collection is
            not known yet or a `dynamic` block is wrong.
    """

    blocks: tuple[PlacedBlock, ...]
    open_types: frozenset[str]

    def of_type(self, type_: str) -> tuple[PlacedBlock, ...]:
        """Return the blocks of one type that are certain."""
        return tuple(each for each in self.blocks if each.block.type == type_ and each.is_certain)


def expand(
    blocks: tuple[ast.Block, ...], schema: BlockSchema, scope: Scope, diagnostics: Diagnostics
) -> Expansion:
    """Return the blocks of a body with those that `dynamic` blocks stand for.

    Args:
        blocks: As written; JSON properties are sorted already.
        schema: What may stand in the body.
        scope: What the body sees.
        diagnostics: Takes what is wrong with `dynamic` blocks.
    """
    placed: list[PlacedBlock] = []
    open_types: set[str] = set()
    for block in blocks:
        if block.type != DYNAMIC_BLOCK:
            placed.append(PlacedBlock(block, scope))
            continue
        nested = _nested_of(block, schema, diagnostics)
        if nested is None:
            continue
        dynamic, problems = read_dynamic(block)
        diagnostics.extend(problems)
        found = None if problems else _Generator(nested, dynamic, scope, diagnostics).blocks()
        if found is None or not all(each.is_certain for each in found):
            open_types.add(nested.name)
        placed.extend(found or ())
    return Expansion(tuple(placed), frozenset(open_types))


def _nested_of(
    block: ast.Block, schema: BlockSchema, diagnostics: Diagnostics
) -> NestedBlock | None:
    if len(block.labels) != 1:
        diagnostics.error(
            f"{'Extraneous label' if block.labels else 'Missing type'} for dynamic",
            "A dynamic block has one label, the type of the blocks it stands for: "
            f"{_EXAMPLE.format(type='TYPE')}.",
            range=block.label_ranges[1] if block.labels else block.range,
        )
        return None
    type_ = block.labels[0]
    nested = schema.block(type_)
    if nested is None:
        known = [each.name for each in schema.blocks]
        listing = f" Blocks here are: {', '.join(known)}." if known else ""
        if schema.attribute(type_) is not None:
            listing = f' There is an argument of that name: set it with "{type_} = [for … : …]".'
        diagnostics.error(
            "Unsupported block type",
            f'Blocks of type "{type_}" are not expected here.{did_you_mean(type_, known)}{listing}',
            range=block.label_ranges[0],
        )
    return nested


@dataclass(frozen=True, slots=True)
class _Generator:
    """Makes the blocks of one `dynamic` block."""

    nested: NestedBlock
    dynamic: DynamicBlock
    scope: Scope
    diagnostics: Diagnostics

    def blocks(self) -> tuple[PlacedBlock, ...] | None:
        """Return the blocks, or None if the `dynamic` block is wrong."""
        content = self._content()
        iterator = self._iterator()
        labels = self._labels()
        collection = self._collection()
        if content is None or iterator is None or labels is None or collection is None:
            return None
        if collection.payload is UNKNOWN:
            return self._unknown(content, iterator, labels)
        made = [
            self._made(content, labels, self._seeing(iterator, key, value))
            for key, value in _elements_of(collection)
        ]
        return None if None in made else tuple(each for each in made if each is not None)

    def _content(self) -> ast.Block | None:
        for other in self.dynamic.other:
            is_block = isinstance(other, ast.Block)
            name = other.type if isinstance(other, ast.Block) else other.name
            self._error(
                "Unsupported block type" if is_block else "Unsupported argument",
                f'"{name}" is not expected in a dynamic block, which has for_each, iterator, '
                "labels and a content block. What belongs to the blocks it stands for goes into "
                f"content.{did_you_mean(name, ('for_each', 'iterator', 'labels', 'content'))}",
                other.type_range if isinstance(other, ast.Block) else other.name_range,
            )
        contents = self.dynamic.contents
        if not contents:
            self._error(
                "Missing dynamic content block",
                "What each of the blocks holds stands in a content block: "
                f"{_EXAMPLE.format(type=self.dynamic.type)}.",
                self.dynamic.range,
            )
        for extra in contents[1:]:
            self._error(
                "Extraneous dynamic content block",
                f"A dynamic block has one content block, and there is one at {contents[0].range} "
                "already. Join the two.",
                extra.range,
            )
        return contents[0] if len(contents) == 1 and not self.dynamic.other else None

    def _iterator(self) -> str | None:
        name = self.dynamic.iterator_name
        if name is None and self.dynamic.iterator is not None:
            self._error(
                "Invalid dynamic iterator name",
                "The iterator is one plain name, such as iterator = each_column, by which the "
                "content refers to the element.",
                self.dynamic.iterator.expression.range,
            )
        return name

    def _labels(self) -> tuple[ast.Expression, ...] | None:
        labels = self.dynamic.label_expressions
        given = self.dynamic.labels
        place = self.dynamic.range if given is None else given.expression.range
        label = self.nested.label
        if labels is None:
            self._error(
                _BAD_LABEL,
                "The labels are a list written out in brackets: labels = [ … ].",
                place,
            )
            return None
        if label is None and given is not None:
            self._error(
                "Unsupported argument",
                f"Blocks of type {self.nested.name} have no labels. Remove this argument.",
                given.name_range,
            )
            return None
        if len(labels) != (0 if label is None else 1):
            fault = "Extraneous" if labels else "Insufficient"
            self._error(
                f"{fault} dynamic block label{'' if labels else 's'}",
                f"Each {self.nested.name} block has one label, its {label}. Write it as labels = "
                f"[{self.dynamic.iterator_name}.key], for example.",
                labels[1].range if labels else place,
            )
            return None
        return labels

    def _collection(self) -> Value | None:
        given = self.dynamic.for_each
        if given is None:
            self._error(
                "Missing required argument",
                'The argument "for_each" is required: the collection with one element for each '
                f"{self.dynamic.type} block.",
                self.dynamic.range,
            )
            return None
        value = self._resolved(given.expression, self.scope)
        if value is None:
            return None
        fault = _fault(value)
        if fault:
            self._error(_INVALID, fault, given.expression.range)
            return None
        return value

    def _resolved(self, expression: ast.Expression, scope: Scope) -> Value | None:
        """Return the value of an expression, or None after recording why it has none."""
        found = Diagnostics()
        value = resolve(expression, scope, found)
        self.diagnostics.extend(found)
        return None if found.has_errors else value

    def _seeing(self, iterator: str, key: Value, value: Value) -> Scope:
        return self.scope.child({iterator: object_of({"key": key, "value": value})})

    def _unknown(
        self, content: ast.Block, iterator: str, labels: tuple[ast.Expression, ...]
    ) -> tuple[PlacedBlock, ...]:
        """Return one block that stands for all, so that what is wrong inside is found."""
        scope = self._seeing(iterator, UNKNOWN_VALUE, UNKNOWN_VALUE)
        constant = [each.constant for each in labels if isinstance(each, ast.Template)]
        names = tuple(each for each in constant if each is not None)
        block = self._block(content, names, labels)
        return (PlacedBlock(block, scope, is_certain=False),)

    def _made(
        self, content: ast.Block, labels: tuple[ast.Expression, ...], scope: Scope
    ) -> PlacedBlock | None:
        names = tuple(name for each in labels if (name := self._label(each, scope)) is not None)
        if len(names) != len(labels):
            return None
        return PlacedBlock(self._block(content, names, labels), scope)

    def _label(self, expression: ast.Expression, scope: Scope) -> str | None:
        value = self._resolved(expression, scope)
        if value is None:
            return None
        fault = ""
        try:
            value = convert(value, STRING)
        except ConversionError as error:
            fault = f"A label is a string: {error.message}."
        name = value.payload
        if value.marks:
            fault = "A sensitive or ephemeral value cannot be a label, because labels are shown."
        elif value.is_null:
            fault = "A label cannot be null."
        elif name is UNKNOWN:
            fault = "The label is known only after apply, and labels have to be known in the plan."
        if fault or not isinstance(name, str):
            self._error(_BAD_LABEL, fault, expression.range)
            return None
        return name

    def _block(
        self, content: ast.Block, names: tuple[str, ...], labels: tuple[ast.Expression, ...]
    ) -> ast.Block:
        return ast.Block(
            self.dynamic.type,
            names,
            content.body,
            self.dynamic.range,
            self.dynamic.type_range,
            tuple(each.range for each in labels),
        )

    def _error(self, summary: str, detail: str, place: SourceRange) -> None:
        self.diagnostics.error(summary, detail, range=place)


def _fault(value: Value) -> str:
    """Say why there cannot be one block for each element of a value, if so."""
    if Mark.SENSITIVE in value.marks:
        return (
            "A sensitive value cannot be used here: how many blocks there are shows in the plan. "
            "Use nonsensitive() where its number of elements is no secret."
        )
    if Mark.EPHEMERAL in value.marks:
        return "An ephemeral value cannot be used here: the blocks are kept in the state."
    if value.is_null:
        return "The value is null. Use an empty list for no blocks."
    if value.type == DYNAMIC or isinstance(value.type, _COLLECTIONS):
        return ""
    return (
        f"A list, set, tuple, map or object is needed, with one element for each block, but this "
        f"is {type_name(value.type)}."
    )


def _elements_of(value: Value) -> Iterator[tuple[Value, Value]]:
    payload = value.payload
    if isinstance(payload, dict):
        yield from ((string(key), payload[key]) for key in sorted(payload))
    elif isinstance(payload, tuple):
        for position, item in enumerate(payload):
            yield (item if isinstance(value.type, SetType) else number(position)), item
