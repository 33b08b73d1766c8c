"""What configurations may hold, as JSON for programs and as a list for people.

The JSON is in the form of `terraform providers schema -json` and `terraform metadata functions
-json`, joined in one document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mlform.digests import Json, JsonObject
from mlform.lang.function import Function, Parameter
from mlform.lang.json_types import type_to_json
from mlform.lang.type_text import type_expression
from mlform.schema import (
    Attribute,
    BlockSchema,
    Effect,
    NestedBlock,
    ResourceReference,
    ResourceSchema,
)
from mlform.views.paper import BLANK, Ink, Line, Piece, line, render

FORMAT: Final = "1.0"


def schemas_document(
    kinds: Mapping[str, ResourceSchema],
    *,
    blocks: Mapping[str, Mapping[str, BlockSchema]],
    functions: Mapping[str, Function],
    version: str,
) -> JsonObject:
    """Return everything as `mlform schema -json` prints it; empty parts are left out.

    Args:
        kinds: Of resources.
        blocks: Blocks that are none of resources: arguments by type of each.
        functions: By name.
        version: Of mlform.
    """
    document: dict[str, Json] = {
        "format_version": FORMAT,
        "mlform_version": version,
        "resource_schemas": {name: _kind(schema) for name, schema in kinds.items()},
    }
    for block, schemas in blocks.items():
        document[f"{block}_schemas"] = {
            name: {"block": _body(schema)} for name, schema in schemas.items()
        }
    if functions:
        document["function_signatures"] = {
            name: _signature(function) for name, function in sorted(functions.items())
        }
    return document


def _kind(schema: ResourceSchema) -> JsonObject:
    block = _body(schema.body)
    block |= {"description": schema.description, "description_kind": "markdown"}
    document: dict[str, Json] = {"version": schema.version, "block": block}
    if schema.exposed:
        document["exposed"] = dict(schema.exposed)
    return document


def _body(schema: BlockSchema) -> dict[str, Json]:
    document: dict[str, Json] = {}
    if schema.attributes:
        document["attributes"] = {item.name: _attribute(item) for item in schema.attributes}
    if schema.blocks:
        document["block_types"] = {item.name: _nested(item) for item in schema.blocks}
    if schema.one_of:
        document["exactly_one_of"] = schema.one_of
    return document


def _attribute(item: Attribute) -> JsonObject:
    document: dict[str, Json] = {}
    if isinstance(item.type, ResourceReference):
        document["type"] = ["list", "dynamic"] if item.type.many else "dynamic"
        document["references"] = item.type.kinds
    else:
        document["type"] = type_to_json(item.type)
    document |= {"description": item.description, "description_kind": "markdown"}
    if item.computed:
        document["computed"] = True
    else:
        document["required" if item.required else "optional"] = True
        document["effect"] = item.effect.value
    if item.default is not None:
        document["default"] = item.default
    if item.allowed:
        document["allowed"] = item.allowed
    if item.sensitive:
        document["sensitive"] = True
    return document


def _nested(item: NestedBlock) -> JsonObject:
    document: dict[str, Json] = {
        "nesting_mode": "list" if item.repeated else "single",
        "block": {
            **_body(item.body),
            "description": item.description,
            "description_kind": "markdown",
        },
        "effect": item.effect.value,
    }
    if item.label:
        document["label"] = item.label
    if item.variants:
        document["variants"] = {name: _body(schema) for name, schema in item.variants.items()}
    if item.required:
        document["min_items"] = 1
    if not item.repeated:
        document["max_items"] = 1
    return document


def _signature(function: Function) -> JsonObject:
    document: dict[str, Json] = {
        "description": function.description,
        "return_type": type_to_json(function.returns),
    }
    if function.parameters:
        document["parameters"] = [_parameter(item) for item in function.parameters]
    if function.variadic is not None:
        document["variadic_parameter"] = _parameter(function.variadic)
    return document


def _parameter(item: Parameter) -> JsonObject:
    document: dict[str, Json] = {"name": item.name, "type": type_to_json(item.type)}
    return {**document, "is_nullable": True} if item.nullable else document


# For people


def render_overview(
    kinds: Mapping[str, ResourceSchema],
    *,
    blocks: Mapping[str, Mapping[str, BlockSchema]],
    functions: Mapping[str, Function],
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return a list of all there is; arguments as for `schemas_document`."""
    content: list[Line] = [line("Kinds of resources:", Ink.BOLD)]
    pad = max((len(name) for name in kinds), default=0)
    for name, schema in kinds.items():
        text = f"  {name.ljust(pad)}  {schema.description.replace('`', '')}"
        content.append(line(text, hang=pad + 4))
    content += [
        BLANK,
        *(
            line(f"Types of {block.replace('_', ' ')}s: {', '.join(schemas)}")
            for block, schemas in blocks.items()
        ),
        line(f"Functions: {len(functions)}"),
        BLANK,
        line(_MORE),
    ]
    return render(content, color=color, width=width)


_MORE: Final = (
    'Run "mlform schema KIND" to see the arguments and attributes of a kind, and "mlform schema '
    '-json" for everything.'
)


def render_kind(schema: ResourceSchema, *, color: bool = False, width: int | None = None) -> str:
    """Return one kind with its arguments, blocks and attributes."""
    content = [
        Line((Piece(schema.kind, Ink.BOLD), Piece(f": {schema.description.replace('`', '')}"))),
        *_arguments(schema.body, 0),
    ]
    computed = [item for item in schema.body.attributes if item.computed]
    if computed:
        renamed = {value: key for key, value in schema.exposed.items()}
        content += [BLANK, line("Attributes after apply:", Ink.BOLD)]
        content += _table([(renamed.get(item.name, item.name), item) for item in computed], 0)
    return render(content, color=color, width=width)


def _arguments(schema: BlockSchema, depth: int) -> Iterator[Line]:
    given = [item for item in schema.attributes if not item.computed]
    if given and depth == 0:
        yield from (BLANK, line("Arguments:", Ink.BOLD))
    yield from _table([(item.name, item) for item in given], depth)
    for block in schema.blocks:
        yield from _nested_lines(block, depth, chosen=block.name in schema.one_of)


def _nested_lines(block: NestedBlock, depth: int, *, chosen: bool) -> Iterator[Line]:
    pad = "  " * (depth + 1)
    notes = [
        word
        for word, holds in (
            ("required", block.required),
            ("repeated", block.repeated),
            ("exactly one of these blocks", chosen),
        )
        if holds
    ]
    tail = f" ({', '.join(notes)})" if notes else ""
    label = f" {block.label.upper()}" if block.label and not block.variants else ""
    pieces = (
        Piece(pad),
        Piece(f"{block.name}{label} {{ … }}", Ink.BOLD),
        Piece(f"{tail}: {block.description.replace('`', '')}"),
    )
    yield from (BLANK, Line(pieces, hang=len(pad) + 4))
    yield from _arguments(block.body, depth + 1)
    for name, variant in block.variants.items():
        yield line(f'{pad}  {block.name} "{name}"', Ink.BOLD)
        yield from _arguments(variant, depth + 2)


def _table(rows: list[tuple[str, Attribute]], depth: int) -> Iterator[Line]:
    pad = max((len(name) for name, _ in rows), default=0)
    start = "  " * (depth + 1)
    for name, item in rows:
        notes = ", ".join(_notes(item))
        text = f"{start}{name.ljust(pad)}  {notes}: {item.description.replace('`', '')}"
        yield line(text, hang=len(start) + pad + 4)


def _notes(item: Attribute) -> Iterator[str]:
    if isinstance(item.type, ResourceReference):
        kinds = " or ".join(item.type.kinds)
        yield f"list of {kinds}" if item.type.many else kinds
    else:
        yield type_expression(item.type)
    if item.required:
        yield "required"
    if item.default is not None:
        from mlform.views.values import inline

        yield f"default {inline(item.default)}"
    if item.allowed:
        yield f"one of {', '.join(item.allowed)}"
    if not item.computed and item.effect is not Effect.REBUILD:
        yield {Effect.UPDATE: "a change runs nothing", Effect.REPLACE: "a change replaces"}[
            item.effect
        ]
