"""Override files: blocks that change blocks of other files, argument by argument.

After Terraform's rules: arguments replace arguments, nested blocks of a type replace all of that
type, `lifecycle` is merged argument by argument, locals by name, and there has to be something to
override.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mlform.config.reading import Reader
from mlform.diagnostics import Diagnostics, did_you_mean
from mlform.hcl.ast import Attribute, Block, Body
from mlform.hcl.json_tree import with_blocks

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "variable": ("Missing base variable declaration to override", "variable"),
    "output": ("Missing base output definition to override", "output"),
    "module": ("Missing module call to override", "module call"),
    "resource": ("Missing resource to override", "resource"),
    "runtime": ("Missing runtime to override", "runtime"),
}
_COMMON: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "resource": {"lifecycle": (), "dynamic": ("type",)},
    "module": {"lifecycle": ()},
}
"""Blocks that have rules of their own here, by type of the block they are in."""
_NEVER: Final = ("moved", "removed", "import", "check")


def is_override(stem: str) -> bool:
    """Whether a file is one of overrides, by its name without the suffix of configurations."""
    return stem == "override" or stem.endswith("_override")


def overridden(
    primary: Iterable[Block], overrides: Iterable[Block], reader: Reader
) -> tuple[Block, ...]:
    """Return the blocks of primary files as override files change them.

    Args:
        primary: Of all primary files, in order.
        overrides: Of all override files, in order; later ones win.
        reader: Collects the problems.
    """
    blocks = list(primary)
    for override in overrides:
        if override.type in _NEVER:
            reader.diagnostics.error(
                f'Cannot override "{override.type}" blocks',
                f'Blocks of type "{override.type}" can appear only in normal files, not in '
                "override files. Move it to another file.",
                range=override.range,
            )
        elif override.type == "locals":
            blocks = _with_locals(blocks, override, reader.diagnostics)
        elif override.type == "mlform":
            blocks = _with_settings(blocks, override)
        else:
            _replace(blocks, override, reader)
    return tuple(blocks)


def _replace(blocks: list[Block], override: Block, reader: Reader) -> None:
    for at, block in enumerate(blocks):
        if (block.type, block.labels) == (override.type, override.labels):
            blocks[at] = _merged(block, override, reader)
            return
    summary, word = _WORDS[override.type]
    name = override.labels[-1]
    known = {each.labels for each in blocks if each.type == override.type}
    nearest = did_you_mean(name, [labels[-1] for labels in known])
    what = f"{override.labels[0]} {word}" if len(override.labels) > 1 else word
    if override.type == "runtime" or override.labels not in known:
        reader.diagnostics.error(
            summary,
            f'There is no {what} named "{name}".{nearest} An override file can only override what '
            "is declared in another file, whose name does not end in _override. Declare it there, "
            "or rename this file.",
            range=override.range,
        )


def _merged(base: Block, override: Block, reader: Reader) -> Block:
    for attribute in override.body.attributes:
        if attribute.name == "depends_on":
            reader.diagnostics.error(
                "Unsupported override",
                "The depends_on argument may not be overridden. Change it where the block is "
                f"declared, at {base.range}.",
                range=attribute.name_range,
            )
    common = _COMMON.get(base.type, {})
    body = _merged_bodies(base.body, override.body, common)
    return Block(base.type, base.labels, body, base.range, base.type_range, base.label_ranges)


def _merged_bodies(base: Body, override: Body, common: Mapping[str, tuple[str, ...]]) -> Body:
    base, override = _with_blocks(base, common), _with_blocks(override, common)
    lifecycles = [each for each in base.blocks if each.type == "lifecycle"]
    changed = _without(base, {*_names(override), *_expanded(override)} - {"lifecycle"})
    blocks = [each for each in changed.blocks if each.type != "lifecycle"]
    for block in override.blocks:
        if block.type == "lifecycle" and lifecycles:
            first = lifecycles[0]
            inner = _merged_bodies(first.body, block.body, {})
            lifecycles[0] = Block(
                first.type, first.labels, inner, first.range, first.type_range, first.label_ranges
            )
        else:
            blocks.append(block)
    return Body((*changed.attributes, *override.attributes), (*blocks, *lifecycles), base.range)


def _with_blocks(body: Body, common: Mapping[str, tuple[str, ...]]) -> Body:
    """Return a body in which some properties of JSON syntax are the blocks they mean."""
    # What is wrong with them is found when the merged block is read: they are left as they are.
    changed, problems = with_blocks(body, common)
    return body if problems else changed


def _names(body: Body) -> set[str]:
    return {each.name for each in body.attributes} | {each.type for each in body.blocks}


def _expanded(body: Body) -> set[str]:
    """Return the types of blocks that `dynamic` blocks make."""
    return {each.labels[0] for each in body.blocks if each.type == "dynamic" and each.labels}


def _without(body: Body, names: set[str]) -> Body:
    """Return a body without the arguments and blocks of some names."""

    def stays(block: Block) -> bool:
        is_dynamic = block.type == "dynamic" and bool(block.labels)
        return (block.labels[0] if is_dynamic else block.type) not in names

    attributes = tuple(each for each in body.attributes if each.name not in names)
    return Body(attributes, tuple(each for each in body.blocks if stays(each)), body.range)


def _with_locals(blocks: list[Block], override: Block, diagnostics: Diagnostics) -> list[Block]:
    declared = {
        each.name for block in blocks if block.type == "locals" for each in block.body.attributes
    }
    given: dict[str, Attribute] = {}
    for attribute in override.body.attributes:
        if attribute.name in declared:
            given[attribute.name] = attribute
            continue
        diagnostics.error(
            "Missing base local value definition to override",
            f'There is no local value named "{attribute.name}".'
            f"{did_you_mean(attribute.name, declared)} An override file can only override a local "
            "value that is declared in another file, whose name does not end in _override.",
            range=attribute.name_range,
        )
    changed: list[Block] = []
    for block in blocks:
        if block.type == "locals" and any(each.name in given for each in block.body.attributes):
            attributes = tuple(given.get(each.name, each) for each in block.body.attributes)
            body = Body(attributes, block.body.blocks, block.body.range)
            changed.append(_with_body(block, body))
        else:
            changed.append(block)
    return changed


def _with_settings(blocks: list[Block], override: Block) -> list[Block]:
    """Return the blocks with settings replaced: all versions asked for, and the backend."""
    names = _names(override.body)
    changed = [
        _with_body(block, _without(block.body, names)) if block.type == "mlform" else block
        for block in blocks
    ]
    return [*changed, override]


def _with_body(block: Block, body: Body) -> Block:
    return Block(block.type, block.labels, body, block.range, block.type_range, block.label_ranges)
