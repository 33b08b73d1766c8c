"""The reference of resource kinds, runtimes and backends in Markdown, from their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mlform.lang.type_text import type_expression
from mlform.schema import (
    Attribute,
    BlockSchema,
    NestedBlock,
    ResourceReference,
    ResourceSchema,
)

_HEAD: Final = "| name | type | default | meaning |\n| --- | --- | --- | --- |\n"

_SHARED = ("requirements", "retry")
"""Blocks that several kinds may hold."""


def kinds_page(
    kinds: Mapping[str, ResourceSchema], runtimes: Mapping[str, BlockSchema], *, note: str = ""
) -> str:
    """Return the page of resource kinds and runtimes.

    Args:
        kinds: By name.
        runtimes: Arguments by type.
        note: Put below the title, such as who wrote the page; ends in a line break.
    """
    names = [*(name for name in kinds if name != "mlform_data"), "mlform_data"]
    sections = (*names, *_SHARED, "runtimes")
    contents = " · ".join(f"[{name}](#{name})" for name in sections)
    text = (
        f"# Kinds of resources\n\n{note}\n{contents}\n\n"
        "`name *` is required. What a change of an argument does is said where it is not the usual "
        "thing, which is to make the object anew. Attributes are what expressions can read once "
        "the object was applied, as in `dataset.titanic.rows`; every argument can be read as "
        "well. Every kind also takes `count` or `for_each`, `depends_on`, `lifecycle` and "
        "`runtime = runtime.TYPE.NAME`.\n"
    )
    parts = [text, *(_kind(kinds[name]) for name in names)]
    parts.extend(_shared(kinds["model"]))
    parts.append(
        "\n## runtimes\n\n"
        'A block `runtime "TYPE" "NAME"` says where tasks and servers run; the one named `default` '
        'serves every resource that names none. Without any, `runtime "process" "default"` is '
        "implied.\n"
    )
    for name, schema in runtimes.items():
        parts.append(f"\n### {name}\n\n{_arguments(schema.attributes)}")
    return "".join(parts)


def kind_page(schema: ResourceSchema) -> str:
    """Return the part of the page that is about one kind."""
    return "".join((_kind(schema).lstrip("\n"), *_shared(schema)))


def _shared(schema: ResourceSchema) -> Iterator[str]:
    """Return what is said of the blocks that several kinds may hold."""
    for name in _SHARED:
        if (block := schema.body.block(name)) is not None:
            yield _block(block, "", 2)


def backends_page(backends: Mapping[str, BlockSchema], *, note: str = "") -> str:
    """Return the page of backends.

    Args:
        backends: Arguments by type.
        note: Put below the title, such as who wrote the page; ends in a line break.
    """
    contents = " · ".join(f"[{name}](#{name})" for name in backends)
    text = (
        f"# Backends\n\n{note}\n{contents}\n\n"
        'A block `backend "TYPE"` in the `mlform` block says where states are kept; without one, '
        "`local` is implied. [Keep states away from this machine](../how-to/remote-state.md) shows "
        "how. `name *` is required. Arguments marked secret are never shown. All may be "
        "expressions of variables and locals.\n"
    )
    parts = [text]
    for name, schema in backends.items():
        parts.append(f"\n## {name}\n\n{_arguments(schema.attributes)}")
    return "".join(parts)


def _kind(schema: ResourceSchema) -> str:
    text = f"\n## {schema.kind}\n\n{schema.description}\n\n"
    text += _arguments(item for item in schema.body.attributes if not item.computed)
    if schema.body.one_of:
        text += f"\nIt holds exactly one of these blocks: {_listed(schema.body.one_of)}.\n"
    own = [block for block in schema.body.blocks if block.name not in _SHARED]
    if len(own) < len(schema.body.blocks):
        named = " and ".join(f"[`{name}`](#{name})" for name in _SHARED)
        text += f"\nIt may hold blocks {named}.\n"
    text += "".join(_block(block, schema.kind, 3) for block in own)
    computed = [item for item in schema.body.attributes if item.computed]
    if computed:
        renamed = {value: key for key, value in schema.exposed.items()}
        text += "\n### Attributes of " + schema.kind + "\n\n| name | meaning |\n| --- | --- |\n"
        for item in computed:
            name = f"`{renamed.get(item.name, item.name)}`"
            if item.name in renamed:
                name += f" (`{item.name}` in plans)"
            text += f"| {name} | {_cell(item.description)} |\n"
    return text


def _block(block: NestedBlock, path: str, depth: int) -> str:
    heading = f"{path} → {block.name}" if path else block.name
    notes = [block.description]
    if block.required:
        notes.append("Required.")
    if block.repeated:
        notes.append("May be repeated.")
    notes += _effect(block.effect.value)
    if block.label and not block.variants:
        notes.append(f"Its label is the {block.label}.")
    text = f"\n{'#' * depth} {heading}\n\n{' '.join(notes)}\n"
    text += _body(block.body, heading, depth)
    for label, variant in block.variants.items():
        text += f'\n{"#" * (depth + 1)} {path} → {block.name} "{label}"\n'
        text += _body(variant, f'{heading} "{label}"', depth + 1) or "\nNo arguments.\n"
    return text


def _body(body: BlockSchema, path: str, depth: int) -> str:
    text = f"\n{_arguments(body.attributes)}" if body.attributes else ""
    return text + "".join(_block(block, path, depth + 1) for block in body.blocks)


def _arguments(attributes: Iterable[Attribute]) -> str:
    rows = "".join(_row(item) for item in attributes)
    return _HEAD + rows if rows else ""


def _row(item: Attribute) -> str:
    name = f"`{item.name}`" + (" *" if item.required else "")
    default = "" if item.default is None else f"`{json.dumps(item.default)}`"
    meaning = [item.description]
    if item.allowed:
        meaning.append(f"One of {_listed(item.allowed)}.")
    if item.sensitive:
        meaning.append("Secret.")
    meaning += _effect(item.effect.value)
    return f"| {name} | {_type(item)} | {default} | {_cell(' '.join(meaning))} |\n"


def _effect(effect: str) -> list[str]:
    said = {"update": "A change runs nothing.", "replace": "A change replaces the object."}
    return [said[effect]] if effect in said else []


def _type(item: Attribute) -> str:
    if isinstance(item.type, ResourceReference):
        kinds = " or ".join(item.type.kinds)
        return f"list of {kinds}" if item.type.many else kinds
    return _cell(type_expression(item.type))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
