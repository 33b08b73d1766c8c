"""`mlform`, `runtime`, `variable`, `locals` and `output` blocks."""

from __future__ import annotations

from mlform.config.blocks import (
    BackendBlock,
    Condition,
    LocalValue,
    OutputBlock,
    RequiredVersion,
    RuntimeBlock,
    VariableBlock,
)
from mlform.config.reading import Content, Reader, Shape
from mlform.config.static import (
    check_name,
    constant,
    constant_bool,
    constant_text,
    resource_reference,
    static_list,
)
from mlform.hcl.ast import Attribute, Block, Expression
from mlform.lang.constraints import type_from_expression
from mlform.lang.conversion import ConversionError, apply_defaults, convert
from mlform.lang.references import Reference, references
from mlform.lang.types import DYNAMIC, Type

_LATER = "is not supported by this version of mlform. Remove it."
_MLFORM = Shape(
    optional=("required_version",),
    blocks={"backend": ("type",)},
    elsewhere={
        "required_providers": "mlform has no providers. Declare where tasks run with a block "
        'runtime "docker" "default" { … }.',
        "cloud": "mlform has no cloud block. Say where state is kept with a block "
        'backend "local" {}.',
        "experiments": "mlform has no experiments. Remove this argument.",
        "provider_meta": "mlform has no providers. Remove this block.",
    },
)
_VARIABLE = Shape(
    optional=("type", "default", "description", "sensitive", "nullable"),
    blocks={"validation": ()},
    elsewhere={"ephemeral": f'The argument "ephemeral" of a variable {_LATER}'},
)
_OUTPUT = Shape(
    required=("value",),
    optional=("description", "sensitive", "depends_on"),
    elsewhere={
        "ephemeral": f'The argument "ephemeral" of an output {_LATER}',
        "precondition": "A precondition of an output is not supported by this version of mlform. "
        "Put a postcondition on the resource whose value it is.",
    },
)
_CONDITION = Shape(required=("condition", "error_message"))

RESERVED_VARIABLES = (
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "locals",
    "providers",
    "source",
    "version",
)
"""Names that mean something inside module blocks, where variables are set."""


def decode_settings(
    block: Block, reader: Reader
) -> tuple[RequiredVersion | None, tuple[BackendBlock, ...]]:
    """Read a `mlform` block: its required version and its backends."""
    content = reader.read(block.body, _MLFORM, block.range)
    required: RequiredVersion | None = None
    version = content.arguments.get("required_version")
    if version is not None:
        constraint = constant_text(version.expression, reader.diagnostics)
        if constraint is not None:
            required = RequiredVersion(constraint=constraint, range=version.expression.range)
    backends = tuple(
        BackendBlock(type=each.labels[0], body=each.body, range=each.range)
        for each in content.blocks
    )
    return required, backends


def decode_runtime(block: Block, reader: Reader) -> RuntimeBlock | None:
    """Read a `runtime` block; its arguments are left to the runtime it names."""
    checks = [
        check_name(label, place, what, reader.diagnostics)
        for label, place, what in zip(
            block.labels, block.label_ranges, ("runtime type", "runtime"), strict=True
        )
    ]
    if not all(checks):
        return None
    return RuntimeBlock(
        type=block.labels[0], name=block.labels[1], body=block.body, range=block.range
    )


def decode_variable(block: Block, reader: Reader) -> VariableBlock | None:
    """Read a `variable` block."""
    name = block.labels[0]
    content = reader.read(block.body, _VARIABLE, block.range)
    if not check_name(name, block.label_ranges[0], "variable", reader.diagnostics):
        return None
    if name in RESERVED_VARIABLES:
        reader.diagnostics.error(
            "Invalid variable name",
            f'The variable name "{name}" is reserved due to its special meaning inside module '
            "blocks. Choose another one.",
            range=block.label_ranges[0],
        )
        return None
    type_ = _type(content, reader)
    nullable = flag(content, "nullable", reader, default=True)
    default = content.arguments.get("default")
    if default is not None:
        _check_default(default, type_, reader, nullable=nullable)
    conditions = (
        decode_condition(each, "validation", reader) for each in content.blocks_of("validation")
    )
    return VariableBlock(
        name=name,
        type=type_,
        untyped="type" not in content.arguments,
        default=None if default is None else default.expression,
        description=_description(content, reader),
        sensitive=flag(content, "sensitive", reader, default=False),
        nullable=nullable,
        validations=tuple(
            each for each in conditions if each is not None and _tests(each, name, reader)
        ),
        range=block.range,
    )


def _type(content: Content, reader: Reader) -> Type:
    declared = content.arguments.get("type")
    if declared is None:
        return DYNAMIC
    return type_from_expression(declared.expression, reader.diagnostics)


def _check_default(default: Attribute, type_: Type, reader: Reader, *, nullable: bool) -> None:
    value = constant(default.expression, reader.diagnostics)
    if value is None:
        return
    problem = ""
    if value.is_null and not nullable:
        problem = "A null default value is not valid when nullable = false."
    else:
        try:
            convert(apply_defaults(value, type_), type_)
        except ConversionError as error:
            problem = (
                "This default value is not compatible with the variable's type constraint: "
                f"{error}."
            )
    if problem:
        reader.diagnostics.error(
            "Invalid default value for variable", problem, range=default.expression.range
        )


def _tests(condition: Condition, name: str, reader: Reader) -> bool:
    """Whether a validation refers to its own variable, and to nothing but variables."""
    found = references(condition.condition)
    foreign = [
        each for each in (*found, *references(condition.error_message)) if each.root != "var"
    ]
    for reference in foreign:
        reader.diagnostics.error(
            "Invalid reference in variable validation",
            f'The validation of variable "{name}" may refer to variables only, as var.{name}: it '
            f"is checked before anything else has a value. {reference} is none; for that use a "
            "precondition in the lifecycle block of a resource.",
            range=reference.range,
        )
    if not any(each.root == "var" and each.steps[:1] == (name,) for each in found):
        reader.diagnostics.error(
            "Invalid variable validation condition",
            f'The condition for variable "{name}" must refer to var.{name} in order to test '
            "incoming values.",
            range=condition.condition.range,
        )
        return False
    return not foreign


def decode_condition(block: Block, what: str, reader: Reader) -> Condition | None:
    """Read a `validation`, `precondition` or `postcondition` block; `what` names it."""
    content = reader.read(block.body, _CONDITION, block.range)
    condition = content.arguments.get("condition")
    message = content.arguments.get("error_message")
    if condition is None or message is None:
        return None
    if not references(condition.expression):
        reader.diagnostics.error(
            f"Invalid {what} expression",
            "The condition expression must refer to at least one object from elsewhere in the "
            "configuration, or else its result would not be checking anything.",
            range=condition.expression.range,
        )
        return None
    return Condition(
        condition=condition.expression, error_message=message.expression, range=block.range
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
        for each in block.body.attributes
    )


def decode_output(block: Block, reader: Reader) -> OutputBlock | None:
    """Read an `output` block."""
    content = reader.read(block.body, _OUTPUT, block.range)
    named = check_name(block.labels[0], block.label_ranges[0], "output", reader.diagnostics)
    depends_on = dependencies(content, reader)
    description = _description(content, reader)
    sensitive = flag(content, "sensitive", reader, default=False)
    value = content.arguments.get("value")
    if value is None or not named:
        return None
    return OutputBlock(
        name=block.labels[0],
        value=value.expression,
        description=description,
        sensitive=sensitive,
        depends_on=depends_on,
        range=block.range,
    )


def dependencies(content: Content, reader: Reader) -> tuple[Reference, ...]:
    """Return the resources that `depends_on` names."""
    argument = content.arguments.get("depends_on")
    if argument is None:
        return ()
    found = [
        _whole_resource(item, reader)
        for item in static_list(argument.expression, reader.diagnostics)
    ]
    return tuple(each for each in found if each is not None)


def _whole_resource(item: Expression, reader: Reader) -> Reference | None:
    reference = resource_reference(item, "depends_on", reader.diagnostics)
    if reference is None:
        return None
    beyond = reference.steps[1:]
    if len(beyond) > 1 or (beyond and not _is_index(item)):
        reader.diagnostics.error(
            "Invalid depends_on reference",
            "References in depends_on must be to a whole resource, not to an attribute of one. "
            f"Write {reference.root}.{reference.steps[0]}.",
            range=item.range,
        )
        return None
    return reference


def _is_index(item: Expression) -> bool:
    return item.range.text.endswith("]")


def flag(content: Content, name: str, reader: Reader, *, default: bool) -> bool:
    """Return the constant truth value of an argument, or its default."""
    argument = content.arguments.get(name)
    if argument is None:
        return default
    value = constant_bool(argument.expression, reader.diagnostics)
    return default if value is None else value


def _description(content: Content, reader: Reader) -> str:
    argument = content.arguments.get("description")
    if argument is None:
        return ""
    return constant_text(argument.expression, reader.diagnostics) or ""
