"""Bodies as their schema sees them: JSON properties sorted, `dynamic` blocks read, references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, SourceRange
from mlform.hcl import ast
from mlform.hcl.json_tree import JsonProperty, bare, json_problems, with_blocks
from mlform.lang.references import Reference, references
from mlform.schema import BlockSchema

DYNAMIC_BLOCK = "dynamic"
"""The type of the blocks that stand for any number of others."""
_CONTENT = {"content": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicBlock:
    """`dynamic "type" { … }`, as far as it is written; what lacks is not said here.

    Attributes:
        type: Of the blocks it stands for.
        iterator: The argument that names what its content sees the element as, or None.
        labels: The argument with the labels of the blocks, or None.
        contents: Its `content` blocks, of which there should be one.
        other: Arguments and blocks that mean nothing.
        range: The header.
        type_range: The label.
    """

    type: str
    for_each: ast.Attribute | None
    iterator: ast.Attribute | None
    labels: ast.Attribute | None
    contents: tuple[ast.Block, ...]
    other: tuple[ast.Attribute | ast.Block, ...]
    range: SourceRange
    type_range: SourceRange

    @property
    def iterator_name(self) -> str | None:
        """What its content sees the element as, or None if what names it is no name."""
        if self.iterator is None:
            return self.type
        name = _bare_expression(self.iterator)
        return name.name if isinstance(name, ast.Variable) else None

    @property
    def label_expressions(self) -> tuple[ast.Expression, ...] | None:
        """The labels of the blocks, or None if they are not written out in brackets."""
        if self.labels is None:
            return ()
        expression = self.labels.expression
        return expression.items if isinstance(expression, ast.Tuple) else None


def sorted_body(
    body: ast.Body, schema: BlockSchema | None
) -> tuple[ast.Body, tuple[Diagnostic, ...]]:
    """Return a body with blocks for the JSON properties that are blocks, and what is wrong.

    Args:
        body: Of either syntax; one of native syntax is returned as it is.
        schema: What may stand in it, or None if that is not known: no property is a block then.
    """
    if schema is None or not any(isinstance(item, JsonProperty) for item in body.attributes):
        return body, ()
    labels = {block.name: (block.label,) if block.label else () for block in schema.blocks}
    return with_blocks(body, {**labels, DYNAMIC_BLOCK: ("type",)} if labels else labels)


def read_dynamic(block: ast.Block) -> tuple[DynamicBlock, tuple[Diagnostic, ...]]:
    """Return the parts of a `dynamic` block that has one label, and what is wrong with them."""
    body, problems = with_blocks(block.body, _CONTENT)
    given = {each.name: each for each in body.attributes}
    named = tuple(given.pop(name, None) for name in ("for_each", "iterator", "labels"))
    contents = tuple(each for each in body.blocks if each.type in _CONTENT)
    others = (each for each in body.blocks if each.type not in _CONTENT)
    problems = (*problems, *json_problems(body.attributes))
    dynamic = DynamicBlock(
        type=block.labels[0],
        for_each=named[0],
        iterator=named[1],
        labels=named[2],
        contents=contents,
        other=(*given.values(), *others),
        range=block.range,
        type_range=block.label_ranges[0],
    )
    return dynamic, problems


def _bare_expression(attribute: ast.Attribute) -> ast.Expression:
    if isinstance(attribute, JsonProperty):
        return bare(attribute.value)[0] or attribute.expression
    return attribute.expression


def body_references(body: ast.Body, schema: BlockSchema | None) -> Iterator[Reference]:
    """Return the references of all expressions in a body, in source order of arguments.

    What the content of a `dynamic` block sees its element as is no reference.

    Args:
        body: Of either syntax.
        schema: What may stand in it, which says what is a block in JSON; or None if that is not
            known.
    """
    yield from _of_body(body, schema, frozenset())


def references_at(
    body: ast.Body, schema: BlockSchema | None, path: Sequence[str | int]
) -> Iterator[Reference]:
    """Return the references of the narrowest place in a body that a path into arguments leads to.

    Args:
        body: Of either syntax.
        schema: As for `body_references`.
        path: Names of arguments and blocks, positions of repeated blocks and of items.
    """
    if not path:
        yield from body_references(body, schema)
        return
    name, rest = path[0], path[1:]
    sorted_, _ = sorted_body(body, schema)
    for attribute in sorted_.attributes:
        if attribute.name == name:
            yield from references(expression_at(attribute.expression, rest))
    position = rest[0] if rest and isinstance(rest[0], int) else None
    inside = rest if position is None else rest[1:]
    given = [each for each in sorted_.blocks if each.type == name]
    for at, block in enumerate(given):
        if position in {None, at}:
            label = block.labels[0] if block.labels else None
            yield from references_at(block.body, _inside(schema, block.type, label), inside)
    for block in sorted_.blocks:
        if block.type == DYNAMIC_BLOCK and block.labels[:1] == (name,):
            yield from _of_dynamic(read_dynamic(block)[0], schema, frozenset())


def expression_at(expression: ast.Expression, path: Sequence[str | int]) -> ast.Expression:
    """Return the narrowest part of an expression, as it is written, that a path leads to."""
    if path and isinstance(expression, ast.Tuple) and isinstance(path[0], int):
        if path[0] < len(expression.items):
            return expression_at(expression.items[path[0]], path[1:])
    elif path and isinstance(expression, ast.Object):
        for item in expression.items:
            if isinstance(item.key, ast.Template) and item.key.constant == path[0]:
                return expression_at(item.value, path[1:])
    return expression


def _of_body(
    body: ast.Body, schema: BlockSchema | None, bound: frozenset[str]
) -> Iterator[Reference]:
    sorted_, _ = sorted_body(body, schema)
    yield from _of_expressions((each.expression for each in sorted_.attributes), bound)
    for block in sorted_.blocks:
        if block.type == DYNAMIC_BLOCK and len(block.labels) == 1:
            yield from _of_dynamic(read_dynamic(block)[0], schema, bound)
        else:
            label = block.labels[0] if block.labels else None
            yield from _of_body(block.body, _inside(schema, block.type, label), bound)


def _of_dynamic(
    dynamic: DynamicBlock, schema: BlockSchema | None, bound: frozenset[str]
) -> Iterator[Reference]:
    if dynamic.for_each is not None:
        yield from _of_expressions((dynamic.for_each.expression,), bound)
    inner = bound | {dynamic.iterator_name or dynamic.type}
    labels = dynamic.label_expressions or ()
    yield from _of_expressions(labels, inner)
    label = next((each.constant for each in labels if isinstance(each, ast.Template)), None)
    for content in dynamic.contents:
        yield from _of_body(content.body, _inside(schema, dynamic.type, label), inner)


def _of_expressions(
    expressions: Iterable[ast.Expression], bound: frozenset[str]
) -> Iterator[Reference]:
    for expression in expressions:
        yield from (each for each in references(expression) if each.root not in bound)


def _inside(schema: BlockSchema | None, type_: str, label: str | None) -> BlockSchema | None:
    block = None if schema is None else schema.block(type_)
    return None if block is None else block.schema_of(label)
