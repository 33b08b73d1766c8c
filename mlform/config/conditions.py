"""`validation`, `precondition`, `postcondition` and `assert` blocks, and `check` around those."""

from __future__ import annotations

from mlform.config.blocks import CheckBlock, Condition
from mlform.config.reading import Content, Reader, Shape
from mlform.config.static import check_name
from mlform.hcl.ast import Block
from mlform.lang.references import references

_CONDITION = Shape(required=("condition", "error_message"))
_CHECK = Shape(
    blocks={"assert": ()},
    elsewhere={
        "data": "mlform has no data sources, so a check has none of its own. Refer to resources in "
        "the conditions of its assert blocks.",
        "depends_on": "A check waits for everything that its conditions refer to. Remove this "
        "argument.",
    },
)


def decode_condition(block: Block, what: str, reader: Reader) -> Condition | None:
    """Read a `validation`, `precondition`, `postcondition` or `assert` block; `what` names it."""
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


def conditions_of(content: Content, type_: str, reader: Reader) -> tuple[Condition, ...]:
    """Read all conditions of one type of block."""
    found = (decode_condition(each, type_, reader) for each in content.blocks_of(type_))
    return tuple(each for each in found if each is not None)


def decode_check(block: Block, reader: Reader) -> CheckBlock | None:
    """Read a `check` block."""
    content = reader.read(block.body, _CHECK, block.range)
    named = check_name(block.labels[0], block.label_ranges[0], "check", reader.diagnostics)
    if not content.blocks and not reader.is_broken(block.body):
        reader.diagnostics.error(
            "Zero assert blocks",
            "A check block must have at least one assert block. Write: assert { condition = … "
            'error_message = "…" }, one argument a line.',
            range=block.range,
        )
    assertions = conditions_of(content, "assert", reader)
    if not named:
        return None
    return CheckBlock(name=block.labels[0], assertions=assertions, range=block.range)
