"""Arguments of the backend that the configuration leaves to `init -backend-config`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from mlform.config.blocks import BackendBlock
from mlform.config.load import read_file
from mlform.config.variable_sources import OptionFile, OptionValue, parse_values
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostics
from mlform.digests import JsonObject
from mlform.hcl.ast import Attribute, Body

_SHOWN = "-backend-config.json"
"""What the arguments of the command line are called where something is wrong with them."""


def given_arguments(
    options: Sequence[OptionValue | OptionFile], diagnostics: Diagnostics
) -> tuple[Attribute, ...]:
    """Return what `-backend-config` gives, the last of each name.

    Args:
        options: `KEY=VALUE` and files, in the order given.
        diagnostics: Takes what is wrong with them.
    """
    found: dict[str, Attribute] = {}
    for option in options:
        for attribute in _attributes(option, diagnostics):
            found[attribute.name] = attribute
    return tuple(found.values())


def _attributes(option: OptionValue | OptionFile, diagnostics: Diagnostics) -> Iterable[Attribute]:
    if isinstance(option, OptionValue):
        name, equals, value = option.text.partition("=")
        if not equals:
            diagnostics.error(
                "Invalid backend configuration argument",
                f'"{option.text}" is neither KEY=VALUE nor a file that is there.',
            )
            return ()
        return remembered_arguments({name.strip(): value}, diagnostics)
    content = read_file(option.path, option.shown, diagnostics)
    return (
        () if content is None else parse_values(option.shown, content, diagnostics).body.attributes
    )


def remembered_arguments(values: JsonObject, diagnostics: Diagnostics) -> tuple[Attribute, ...]:
    """Return values as arguments of a block; strings are no templates."""
    content = json.dumps(values, ensure_ascii=False).encode()
    return parse_values(_SHOWN, content, diagnostics).body.attributes


def with_arguments(block: BackendBlock, given: Sequence[Attribute]) -> BackendBlock:
    """Return a backend block in which arguments are what was given for them."""
    names = {attribute.name for attribute in given}
    own = (each for each in block.body.attributes if each.name not in names)
    body = Body((*own, *given), block.body.blocks, block.body.range)
    return replace(block, body=body)
