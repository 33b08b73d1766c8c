"""`module` blocks: what they call and with which arguments."""

from __future__ import annotations

from mlform.addresses import ModuleStep
from mlform.config.blocks import ModuleCall
from mlform.config.decoding import Decoding, expression_of
from mlform.config.dependencies import dependencies
from mlform.config.reading import Shape
from mlform.config.resource_blocks import check_repetition
from mlform.config.static import check_name
from mlform.dataclass import dataclass
from mlform.diagnostics import SourceRange
from mlform.hcl.ast import Block, Expression

_MODULE = Shape(
    required=("source",),
    optional=("version", "count", "for_each", "depends_on"),
    blocks={"lifecycle": ()},
    bare=("depends_on",),
    elsewhere={
        "providers": "mlform has no providers. Runtimes are declared in the root module, and "
        "resources of a module name them as runtime.TYPE.NAME. Remove this argument.",
        "provider": "mlform has no providers. Remove this.",
        "locals": "Local values are declared in the module itself. Remove this.",
    },
    is_open=True,
)
_LIFECYCLE = Shape(
    optional=("enabled",),
    elsewhere={
        name: f'Of the lifecycle of a module call only "enabled" can be set. Set "{name}" on the '
        "resources in the module."
        for name in (
            "create_before_destroy",
            "prevent_destroy",
            "destroy",
            "ignore_changes",
            "replace_triggered_by",
            "precondition",
            "postcondition",
        )
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledModule:
    """A module call with where its module is to be found.

    Attributes:
        call: The decoded block.
        source: Where the module comes from, or None if that could not be told.
        version: Constraint on its version, or None.
        source_range: Of the value of `source`.
        version_range: Of the value of `version`, if it is set.
    """

    call: ModuleCall
    source: str | None
    version: str | None
    source_range: SourceRange
    version_range: SourceRange | None


def decode_call(block: Block, decoding: Decoding) -> CalledModule | None:
    """Read a `module` block; None if it cannot be named."""
    reader = decoding.reader
    name = block.labels[0]
    named = check_name(name, block.label_ranges[0], "module", reader.diagnostics)
    content = reader.read(block.body, _MODULE, block.range)
    for inner in content.rest.blocks:
        reader.diagnostics.error(
            f'Unexpected "{inner.type}" block',
            "The arguments of a module call are values of the module's variables, and blocks are "
            f"none. To give an object write {inner.type} = {{ … }}.",
            range=inner.type_range,
        )
    lifecycle = reader.single(content.blocks_of("lifecycle"), "module call")
    enabled = _enabled(lifecycle, decoding)
    check_repetition(content, enabled, "instances of the module", decoding)
    depends_on = dependencies(content, reader)
    source, version = expression_of(content, "source"), expression_of(content, "version")
    if not named:
        return None
    return CalledModule(
        call=ModuleCall(
            name=name,
            path=(*decoding.path, ModuleStep(name)),
            source=decoding.text(content, "source") or "",
            arguments={each.name: each for each in content.rest.attributes},
            count=expression_of(content, "count"),
            for_each=expression_of(content, "for_each"),
            enabled=enabled,
            depends_on=depends_on,
            range=block.range,
        ),
        source=decoding.text(content, "source"),
        version=decoding.text(content, "version"),
        source_range=block.range if source is None else source.range,
        version_range=None if version is None else version.range,
    )


def _enabled(lifecycle: Block | None, decoding: Decoding) -> Expression | None:
    if lifecycle is None:
        return None
    content = decoding.reader.read(lifecycle.body, _LIFECYCLE, lifecycle.range)
    return expression_of(content, "enabled")
