"""`resource` blocks: the meta-arguments that every kind has, and the rest left to the kind."""

from __future__ import annotations

from typing import Literal

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Lifecycle, ResourceBlock
from mlform.config.conditions import conditions_of
from mlform.config.decoding import Decoding, expression_of
from mlform.config.dependencies import dependencies
from mlform.config.reading import Content, Shape
from mlform.config.runtime_references import decode_runtime_reference
from mlform.config.static import (
    RESERVED_ROOTS,
    check_name,
    prefix_problem,
    static_list,
    static_reference,
)
from mlform.hcl.ast import Block, Expression, GetAttribute, Index, Variable
from mlform.lang.references import Reference, constant_step, references

_RESOURCE = Shape(
    optional=("count", "for_each", "depends_on", "runtime"),
    blocks={"lifecycle": ()},
    bare=("depends_on", "runtime"),
    elsewhere={
        "provider": "mlform has no providers. Choose where the resource's tasks run with "
        "runtime = runtime.TYPE.NAME.",
        "provisioner": "mlform has no provisioners: what runs for a resource follows from its "
        "kind.",
        "connection": "mlform has no provisioners and no connections to them.",
    },
    is_open=True,
)
_LIFECYCLE = Shape(
    optional=(
        "create_before_destroy",
        "prevent_destroy",
        "enabled",
        "destroy",
        "ignore_changes",
        "replace_triggered_by",
    ),
    blocks={"precondition": (), "postcondition": ()},
    bare=("ignore_changes", "replace_triggered_by"),
)
_RESERVED_KINDS = frozenset({*RESERVED_ROOTS, "data", "locals", "output", "resource", "variable"})
_REPEATING = {"each": ("key",), "count": ("index",)}
_TRIGGERS = "Invalid replace_triggered_by expression"


def decode_resource(block: Block, decoding: Decoding) -> ResourceBlock | None:
    """Read a `resource` block; None if it cannot be named."""
    kind, name = block.labels
    reader = decoding.reader
    named = _check_kind(block, decoding)
    named = check_name(name, block.label_ranges[1], "resource", reader.diagnostics) and named
    content = reader.read(block.body, _RESOURCE, block.range)
    lifecycle = reader.single(content.blocks_of("lifecycle"), "resource")
    decoded = Lifecycle() if lifecycle is None else _decode_lifecycle(lifecycle, decoding)
    check_repetition(content, decoded.enabled, "resources", decoding)
    depends_on = dependencies(content, reader)
    runtime = expression_of(content, "runtime")
    address = ResourceAddress(kind, name, module=decoding.path)
    wanted = None if runtime is None else decode_runtime_reference(runtime, address, decoding)
    if not named:
        return None
    return ResourceBlock(
        address=address,
        body=content.rest,
        count=expression_of(content, "count"),
        for_each=expression_of(content, "for_each"),
        depends_on=depends_on,
        lifecycle=decoded,
        runtime=wanted,
        runtime_range=None if runtime is None else runtime.range,
        range=block.range,
    )


def _check_kind(block: Block, decoding: Decoding) -> bool:
    kind, place = block.labels[0], block.label_ranges[0]
    if kind in _RESERVED_KINDS:
        decoding.diagnostics.error(
            "Invalid resource kind",
            f'"{kind}" cannot be the kind of a resource: references that start with it mean '
            "something else.",
            range=place,
        )
        return False
    return check_name(kind, place, "resource kind", decoding.diagnostics)


def check_repetition(
    content: Content, enabled: Expression | None, what: str, decoding: Decoding
) -> None:
    """Record a problem if more than one of `count`, `for_each` and `enabled` is set."""
    repeating = [name for name in ("count", "for_each") if name in content.arguments]
    if len(repeating) > 1:
        decoding.diagnostics.error(
            'Invalid combination of "count" and "for_each"',
            'The "count" and "for_each" meta-arguments are mutually-exclusive. Keep one, to be '
            f"explicit about the number of {what} to be created.",
            range=content.arguments["for_each"].name_range,
        )
    elif repeating and enabled is not None:
        decoding.diagnostics.error(
            f'Invalid combination of "{repeating[0]}" and "enabled"',
            f'With "{repeating[0]}" there is no instance to switch off by "enabled". Keep one of '
            f"the two: {repeating[0]} may give no instance itself.",
            range=enabled.range,
        )


def _decode_lifecycle(block: Block, decoding: Decoding) -> Lifecycle:
    reader = decoding.reader
    content = reader.read(block.body, _LIFECYCLE, block.range)
    destroy = decoding.flag(content, "destroy")
    return Lifecycle(
        create_before_destroy=decoding.flag(content, "create_before_destroy"),
        prevent_destroy=bool(decoding.flag(content, "prevent_destroy")),
        enabled=expression_of(content, "enabled"),
        destroy=True if destroy is None else destroy,
        ignore_changes=_ignored(content, decoding),
        replace_triggered_by=_triggers(content, decoding),
        preconditions=conditions_of(content, "precondition", reader),
        postconditions=conditions_of(content, "postcondition", reader),
    )


def _ignored(
    content: Content, decoding: Decoding
) -> tuple[tuple[str | int, ...], ...] | Literal["all"]:
    expression = expression_of(content, "ignore_changes")
    if expression is None:
        return ()
    if isinstance(expression, Variable) and expression.name == "all":
        return "all"
    paths: list[tuple[str | int, ...]] = []
    for item in static_list(expression, decoding.diagnostics):
        reference = static_reference(item, decoding.diagnostics)
        if reference is None:
            continue
        if reference.root == "all" and not reference.steps:
            decoding.diagnostics.error(
                "Invalid ignore_changes keyword",
                "To ignore all changes write ignore_changes = all, without brackets.",
                range=item.range,
            )
        else:
            steps = (step for step in reference.steps if step is not None)
            paths.append((reference.root, *steps))
    return tuple(paths)


def _triggers(content: Content, decoding: Decoding) -> tuple[Expression, ...]:
    expression = expression_of(content, "replace_triggered_by")
    if expression is None:
        return ()
    items = static_list(expression, decoding.diagnostics)
    return tuple(item for item in items if _is_trigger(item, decoding))


def _is_trigger(item: Expression, decoding: Decoding) -> bool:
    """Whether an expression is a reference to a resource, with keys that are known."""
    node = item
    keys: list[Reference] = []
    while isinstance(node, GetAttribute | Index):
        if constant_step(node) is None and isinstance(node, Index):
            key = references(node.key)
            keys.extend(key)
            if len(key) != 1 or str(key[0]) != node.key.range.text:
                break
        node = node.target
    if isinstance(node, Index):
        decoding.diagnostics.error(
            _TRIGGERS,
            "Keys may only be constants, each.key or count.index here, without calculations.",
            range=node.key.range,
        )
        return False
    if not isinstance(node, Variable):
        static_reference(item, decoding.diagnostics)
        return False
    wrong = [each for each in keys if each.steps != _REPEATING.get(each.root)]
    for each in wrong:
        decoding.diagnostics.error(
            _TRIGGERS,
            f"Only each.key and count.index may be used as keys here, besides constants, not "
            f"{each}.",
            range=each.range,
        )
    return not wrong and _names_resource(references(item)[0], item, decoding)


def _names_resource(reference: Reference, item: Expression, decoding: Decoding) -> bool:
    steps = reference.steps
    prefix = prefix_problem(reference)
    is_named = bool(steps) and isinstance(steps[0], str)
    if is_named and not prefix and reference.root not in RESERVED_ROOTS:
        return True
    decoding.diagnostics.error(
        "Invalid replace_triggered_by reference",
        prefix
        or "Only resources of the same module may be named in replace_triggered_by, as KIND.NAME, "
        "such as dataset.titanic. For other values make a resource mlform_data with the value "
        "as input, and name that.",
        range=item.range,
    )
    return False
