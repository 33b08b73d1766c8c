"""`mlform`, `runtime`, `locals` and `output` blocks."""

from __future__ import annotations

from mlform.config.blocks import (
    BackendBlock,
    EncryptionBlock,
    LocalValue,
    OutputBlock,
    RequiredVersion,
    RuntimeBlock,
)
from mlform.config.conditions import conditions_of
from mlform.config.decoding import Decoding
from mlform.config.dependencies import dependencies
from mlform.config.encryption_blocks import decode_encryption
from mlform.config.reading import Reader, Shape
from mlform.config.static import check_name
from mlform.dataclass import dataclass
from mlform.hcl.ast import Block

SETTINGS = Shape(
    optional=("required_version",),
    blocks={"backend": ("type",), "encryption": ()},
    elsewhere={
        "required_providers": "mlform has no providers. Declare where tasks run with a block "
        'runtime "docker" "default" { … }.',
        "cloud": "mlform has no cloud block. Say where state is kept with a block "
        'backend "local" {}.',
        "experiments": "mlform has no experiments. Remove this argument.",
        "provider_meta": "mlform has no providers. Remove this block.",
    },
)
"""Of the `mlform` block."""
_OUTPUT = Shape(
    required=("value",),
    optional=("description", "sensitive", "ephemeral", "deprecated", "depends_on"),
    blocks={"precondition": ()},
    literal=("description", "deprecated"),
    bare=("depends_on",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsBlock:
    """What a `mlform` block says."""

    required: RequiredVersion | None
    backends: tuple[BackendBlock, ...]
    encryptions: tuple[EncryptionBlock, ...]


def decode_settings(block: Block, decoding: Decoding) -> SettingsBlock:
    """Read a `mlform` block."""
    content = decoding.reader.read(block.body, SETTINGS, block.range)
    required: RequiredVersion | None = None
    version = content.arguments.get("required_version")
    if version is not None:
        constraint = decoding.text(content, "required_version")
        if constraint is not None:
            required = RequiredVersion(constraint=constraint, range=version.expression.range)
    backends = _of_root(
        content.blocks_of("backend"), "Backend", "Where the state is kept", decoding
    )
    encryptions = _of_root(
        content.blocks_of("encryption"), "Encryption", "How the state is encrypted", decoding
    )
    return SettingsBlock(
        required=required,
        backends=tuple(
            BackendBlock(
                type=each.labels[0],
                body=decoding.reader.native(each.body, Shape()),
                range=each.range,
            )
            for each in backends
        ),
        encryptions=tuple(
            decode_encryption(each.body, each.range, decoding.reader) for each in encryptions
        ),
    )


def _of_root(
    blocks: tuple[Block, ...], named: str, what: str, decoding: Decoding
) -> tuple[Block, ...]:
    """Return blocks that only the root module may have, or none."""
    if not decoding.path:
        return blocks
    for block in blocks:
        decoding.diagnostics.error(
            f"{named} in a module",
            f"{what} is said in the root module only: all modules share one state. "
            "Remove this block.",
            range=block.range,
        )
    return ()


def decode_runtime(block: Block, decoding: Decoding) -> RuntimeBlock | None:
    """Read a `runtime` block; its arguments are left to the runtime it names."""
    checks = [
        check_name(label, place, what, decoding.diagnostics)
        for label, place, what in zip(
            block.labels, block.label_ranges, ("runtime type", "runtime"), strict=True
        )
    ]
    if not all(checks):
        return None
    if decoding.path:
        decoding.diagnostics.error(
            "Runtime in a module",
            "Runtimes are declared in the root module only, and resources of all modules name "
            f"them as runtime.{block.labels[0]}.{block.labels[1]}. Move this block there.",
            range=block.range,
        )
        return None
    return RuntimeBlock(
        type=block.labels[0], name=block.labels[1], body=block.body, range=block.range
    )


def decode_locals(block: Block, reader: Reader) -> tuple[LocalValue, ...]:
    """Read a `locals` block."""
    for inner in block.body.blocks:
        reader.diagnostics.error(
            f'Unexpected "{inner.type}" block',
            "Blocks are not allowed here. To give a local value several parts, write an object: "
            f"{inner.type} = {{ … }}.",
            range=inner.type_range,
        )
    return tuple(
        LocalValue(name=each.name, expression=each.expression, range=each.name_range)
        for each in reader.native(block.body, Shape()).attributes
    )


def decode_output(block: Block, decoding: Decoding) -> OutputBlock | None:
    """Read an `output` block."""
    reader = decoding.reader
    content = reader.read(block.body, _OUTPUT, block.range)
    named = check_name(block.labels[0], block.label_ranges[0], "output", reader.diagnostics)
    depends_on = dependencies(content, reader)
    description = decoding.constant_text(content, "description")
    deprecated = decoding.constant_text(content, "deprecated")
    sensitive = bool(decoding.flag(content, "sensitive"))
    ephemeral = bool(decoding.flag(content, "ephemeral"))
    preconditions = conditions_of(content, "precondition", reader)
    if ephemeral and not decoding.path:
        reader.diagnostics.error(
            "Ephemeral output not allowed",
            "Outputs of the root module are kept in the state, which ephemeral values never are. "
            "Only outputs of other modules may be ephemeral; to hide this one use "
            "sensitive = true.",
            range=content.arguments["ephemeral"].name_range,
        )
    value = content.arguments.get("value")
    if value is None or not named:
        return None
    return OutputBlock(
        name=block.labels[0],
        value=value.expression,
        description=description,
        sensitive=sensitive,
        ephemeral=ephemeral,
        deprecated=deprecated,
        depends_on=depends_on,
        preconditions=preconditions,
        range=block.range,
    )
