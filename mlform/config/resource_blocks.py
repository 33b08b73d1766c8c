"""`resource` blocks: the meta-arguments that every kind has, and the rest left to the kind."""

from __future__ import annotations

from mlform.addresses import ModulePath, ResourceAddress
from mlform.config.blocks import Condition, Lifecycle, ResourceBlock
from mlform.config.declarations import decode_condition, dependencies, flag
from mlform.config.reading import Content, Reader, Shape
from mlform.config.static import (
    RESERVED_ROOTS,
    check_name,
    constant_bool,
    resource_reference,
    static_list,
    static_reference,
)
from mlform.hcl.ast import Block, Expression, Template, Variable
from mlform.lang.references import Reference, references

_RESOURCE = Shape(
    optional=("count", "for_each", "depends_on", "runtime"),
    blocks={"lifecycle": ()},
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
        "ignore_changes",
        "replace_triggered_by",
    ),
    blocks={"precondition": (), "postcondition": ()},
)
_RESERVED_KINDS = frozenset({*RESERVED_ROOTS, "data", "locals", "output", "resource", "variable"})
_RUNTIME_STEPS = 2


def decode_resource(block: Block, path: ModulePath, reader: Reader) -> ResourceBlock | None:
    """Read a `resource` block; None if it cannot be named."""
    kind, name = block.labels
    named = _check_kind(block, reader)
    named = check_name(name, block.label_ranges[1], "resource", reader.diagnostics) and named
    content = reader.read(block.body, _RESOURCE, block.range)
    _check_repetition(content, reader)
    lifecycle = reader.single(content.blocks_of("lifecycle"), "resource")
    decoded = Lifecycle() if lifecycle is None else _decode_lifecycle(lifecycle, reader)
    depends_on = dependencies(content, reader)
    runtime = _runtime(content, reader)
    runtime_argument = _expression(content, "runtime")
    if not named:
        return None
    return ResourceBlock(
        address=ResourceAddress(kind, name, module=path),
        body=content.rest,
        count=_expression(content, "count"),
        for_each=_expression(content, "for_each"),
        depends_on=depends_on,
        lifecycle=decoded,
        runtime=runtime,
        runtime_range=None if runtime_argument is None else runtime_argument.range,
        range=block.range,
    )


def _check_kind(block: Block, reader: Reader) -> bool:
    kind, place = block.labels[0], block.label_ranges[0]
    if kind in _RESERVED_KINDS:
        reader.diagnostics.error(
            "Invalid resource kind",
            f'"{kind}" cannot be the kind of a resource: references that start with it mean '
            "something else.",
            range=place,
        )
        return False
    return check_name(kind, place, "resource kind", reader.diagnostics)


def _expression(content: Content, name: str) -> Expression | None:
    argument = content.arguments.get(name)
    return None if argument is None else argument.expression


def _check_repetition(content: Content, reader: Reader) -> None:
    if "count" in content.arguments and "for_each" in content.arguments:
        reader.diagnostics.error(
            'Invalid combination of "count" and "for_each"',
            'The "count" and "for_each" meta-arguments are mutually-exclusive. Keep one, to be '
            "explicit about the number of resources to be created.",
            range=content.arguments["for_each"].name_range,
        )


def _runtime(content: Content, reader: Reader) -> str | None:
    expression = _expression(content, "runtime")
    if expression is None:
        return None
    wanted = "Name a runtime block as runtime.TYPE.NAME, such as runtime.docker.default."
    if isinstance(expression, Template):
        detail = f"A runtime is named without quotes. {wanted}"
    else:
        reference = static_reference(expression, reader.diagnostics)
        if reference is None:
            return None
        if reference.root == "runtime" and len(reference.steps) == _RUNTIME_STEPS:
            return ".".join(str(step) for step in reference.steps)
        detail = wanted
    reader.diagnostics.error("Invalid runtime reference", detail, range=expression.range)
    return None


def _decode_lifecycle(block: Block, reader: Reader) -> Lifecycle:
    content = reader.read(block.body, _LIFECYCLE, block.range)
    create_first = _expression(content, "create_before_destroy")
    return Lifecycle(
        create_before_destroy=(
            None if create_first is None else constant_bool(create_first, reader.diagnostics)
        ),
        prevent_destroy=flag(content, "prevent_destroy", reader, default=False),
        ignore_changes=_ignored(content, reader),
        replace_triggered_by=_triggers(content, reader),
        preconditions=_conditions(content, "precondition", reader),
        postconditions=_conditions(content, "postcondition", reader),
    )


def _conditions(content: Content, type_: str, reader: Reader) -> tuple[Condition, ...]:
    found = (decode_condition(each, type_, reader) for each in content.blocks_of(type_))
    return tuple(each for each in found if each is not None)


def _ignored(content: Content, reader: Reader) -> tuple[str, ...]:
    expression = _expression(content, "ignore_changes")
    if expression is None:
        return ()
    if isinstance(expression, Variable) and expression.name == "all":
        return ("all",)
    names: list[str] = []
    for item in static_list(expression, reader.diagnostics):
        reference = static_reference(item, reader.diagnostics)
        if reference is None:
            continue
        if reference.root == "all" and not reference.steps:
            reader.diagnostics.error(
                "Invalid ignore_changes keyword",
                "To ignore all changes write ignore_changes = all, without brackets.",
                range=item.range,
            )
        else:
            names.append(str(reference))
    return tuple(names)


def _triggers(content: Content, reader: Reader) -> tuple[Reference, ...]:
    expression = _expression(content, "replace_triggered_by")
    if expression is None:
        return ()
    found: list[Reference] = []
    for item in static_list(expression, reader.diagnostics):
        if any(each.root in {"each", "count"} for each in references(item)):
            reader.diagnostics.error(
                "Invalid replace_triggered_by expression",
                "Keys with each.key or count.index are not supported here by this version of "
                "mlform. Name the whole resource, or one instance with a constant key.",
                range=item.range,
            )
            continue
        reference = resource_reference(item, "replace_triggered_by", reader.diagnostics)
        if reference is not None:
            found.append(reference)
    return tuple(found)
