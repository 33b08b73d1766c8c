"""`variable` blocks, which are read before anything can be referred to."""

from __future__ import annotations

from mlform.config.blocks import Condition, VariableBlock
from mlform.config.conditions import conditions_of
from mlform.config.reading import Content, Reader, Shape
from mlform.config.static import check_name, constant, constant_bool, constant_text
from mlform.hcl.ast import Attribute, Block
from mlform.lang.constraints import type_from_expression
from mlform.lang.conversion import ConversionError, apply_defaults, convert
from mlform.lang.references import references
from mlform.lang.types import DYNAMIC, Type

_VARIABLE = Shape(
    optional=(
        "type",
        "default",
        "description",
        "sensitive",
        "nullable",
        "ephemeral",
        "deprecated",
    ),
    blocks={"validation": ()},
    literal=("default", "description", "deprecated"),
    bare=("type",),
)

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
    nullable = _flag(content, "nullable", reader, default=True)
    default = content.arguments.get("default")
    if default is not None:
        _check_default(default, type_, reader, nullable=nullable)
    conditions = conditions_of(content, "validation", reader)
    return VariableBlock(
        name=name,
        type=type_,
        untyped="type" not in content.arguments,
        default=None if default is None else default.expression,
        description=_text(content, "description", reader),
        sensitive=_flag(content, "sensitive", reader, default=False),
        nullable=nullable,
        ephemeral=_flag(content, "ephemeral", reader, default=False),
        deprecated=_text(content, "deprecated", reader),
        validations=tuple(each for each in conditions if _tests(each, name, reader)),
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


def _tests(validation: Condition, name: str, reader: Reader) -> bool:
    """Whether a validation refers to its own variable."""
    found = references(validation.condition)
    if any(each.root == "var" and each.steps[:1] == (name,) for each in found):
        return True
    reader.diagnostics.error(
        "Invalid variable validation condition",
        f'The condition for variable "{name}" must refer to var.{name} in order to test '
        "incoming values.",
        range=validation.condition.range,
    )
    return False


def _flag(content: Content, name: str, reader: Reader, *, default: bool) -> bool:
    argument = content.arguments.get(name)
    if argument is None:
        return default
    value = constant_bool(argument.expression, reader.diagnostics)
    return default if value is None else value


def _text(content: Content, name: str, reader: Reader) -> str:
    argument = content.arguments.get(name)
    if argument is None:
        return ""
    return constant_text(argument.expression, reader.diagnostics) or ""
