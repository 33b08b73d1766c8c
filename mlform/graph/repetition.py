"""How many instances of a resource or module there are: `count`, `for_each` and `enabled`."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import InstanceKey
from mlform.config.blocks import ModuleCall, ResourceBlock
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Expression
from mlform.lang.construct import object_of
from mlform.lang.convert import ConversionError, convert
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL, NUMBER, STRING, SetType
from mlform.lang.values import UNKNOWN, UNKNOWN_VALUE, Mark, Value, number, string, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """The instances of one block.

    Attributes:
        keys: One for each instance.
        items: What `each.value` is, by key.
        supposed: What expressions see of `count` and `each` where one instance without key stands
            for any number of them, which are not known; else None.
    """

    keys: tuple[InstanceKey, ...]
    items: Mapping[str, Value] = field(default_factory=dict)
    supposed: Mapping[str, Value] | None = None

    def names(self, key: InstanceKey) -> Mapping[str, Value]:
        """Return what expressions of one instance can see besides the rest: `count`, `each`."""
        if self.supposed is not None:
            return self.supposed
        if isinstance(key, int):
            return {"count": object_of({"index": number(key)})}
        if isinstance(key, str):
            item = self.items.get(key, UNKNOWN_VALUE)
            return {"each": object_of({"key": string(key), "value": item})}
        return {}


SINGLE = Repetition(keys=(None,))
"""Of a block without `count`, `for_each` and `enabled`."""


def repetition_of(
    block: ResourceBlock | ModuleCall, scope: Scope, diagnostics: Diagnostics
) -> Repetition:
    """Return the instances that a block asks for; none after a problem was recorded."""
    if block.count is not None:
        return _counted(block.count, resolve(block.count, scope, diagnostics), diagnostics)
    if block.for_each is not None:
        return for_each_of(block.for_each, scope, diagnostics)
    enabled = block.enabled if isinstance(block, ModuleCall) else block.lifecycle.enabled
    if enabled is not None and not _is_enabled(enabled, scope, diagnostics):
        return Repetition(keys=())
    return SINGLE


def for_each_of(expression: Expression, scope: Scope, diagnostics: Diagnostics) -> Repetition:
    """Return one instance for each member of a map or set."""
    value = resolve(expression, scope, diagnostics)
    items = _for_each_items(expression, value, diagnostics)
    return Repetition(keys=tuple(items), items=items)


def supposed_repetition(
    block: ResourceBlock | ModuleCall, scope: Scope, diagnostics: Diagnostics
) -> Repetition:
    """Return one instance that stands for all that a block may ask for, however many.

    For checks without values: how many there are may be unknown, but must not be wrong. Where there
    are none, variables and locals are unknown: with theirs, the block is never looked at.
    """
    enabled = block.enabled if isinstance(block, ModuleCall) else block.lifecycle.enabled
    asked: object
    if block.count is not None:
        value = resolve(block.count, scope, diagnostics)
        asked = not _is_said(value) or _counted(block.count, value, diagnostics).keys
        supposed = _ANY_COUNT
    elif block.for_each is not None:
        value = resolve(block.for_each, scope, diagnostics)
        asked = not _is_said(value) or _for_each_items(block.for_each, value, diagnostics)
        supposed = _ANY_KEY
    elif enabled is not None:
        value = resolve(enabled, scope, diagnostics)
        asked = not _is_said(value) or _is_enabled(enabled, scope, diagnostics)
        supposed = _PERHAPS
    else:
        return SINGLE
    return supposed if asked else _but_absent(supposed)


def _is_said(value: Value) -> bool:
    """Whether a value can be judged already, be it only by its marks."""
    return value.is_known or bool(value.marks)


def _but_absent(repetition: Repetition) -> Repetition:
    """Return the same for a block without instances: what it says of values is never resolved."""
    names = {**(repetition.supposed or {}), "var": UNKNOWN_VALUE, "local": UNKNOWN_VALUE}
    return replace(repetition, supposed=names)


_ANY_COUNT = Repetition(keys=(None,), supposed={"count": object_of({"index": unknown(NUMBER)})})
_ANY_KEY = Repetition(
    keys=(None,), supposed={"each": object_of({"key": unknown(STRING), "value": UNKNOWN_VALUE})}
)
_PERHAPS = Repetition(keys=(None,), supposed={})


def _is_enabled(expression: Expression, scope: Scope, diagnostics: Diagnostics) -> bool:
    value = resolve(expression, scope, diagnostics)
    problem = ""
    if value.marks:
        problem = "Sensitive and ephemeral values cannot be used: what there is shows everywhere."
    else:
        try:
            truth = convert(value, BOOL).payload
        except ConversionError as error:
            problem = f"It must be true or false: {error.message}."
        else:
            if isinstance(truth, bool):
                return truth
            problem = (
                "It must be true or false, not null."
                if truth is None
                else "It depends on values that are known only after apply. Use a value that is "
                "known now."
            )
    diagnostics.error("Invalid enabled argument", problem, range=expression.range)
    return False


def _counted(expression: Expression, value: Value, diagnostics: Diagnostics) -> Repetition:
    problem = _marked(value, "how many instances there are shows everywhere")
    amount: object = None
    if not problem:
        try:
            amount = convert(value, NUMBER).payload
        except ConversionError as error:
            problem = f"The count cannot be used: the value is not suitable: {error.message}."
    if amount is UNKNOWN:
        problem = (
            "The count depends on values that are known only after apply, so the number of "
            "instances cannot be planned. Use a value that is known now."
        )
    elif not problem and (not isinstance(amount, int) or amount < 0):
        problem = "The count cannot be used: it must be a whole number of at least 0."
    if problem:
        diagnostics.error("Invalid count argument", problem, range=expression.range)
        return Repetition(keys=())
    assert isinstance(amount, int)  # noqa: S101 - looked at above
    return Repetition(keys=tuple(range(amount)))


def _marked(value: Value, reason: str) -> str:
    if value.is_sensitive:
        return f"Sensitive values cannot be used: {reason}."
    if Mark.EPHEMERAL in value.marks:
        return "Ephemeral values cannot be used: what there is has to be kept in the state."
    return ""


def _for_each_items(
    expression: Expression, value: Value, diagnostics: Diagnostics
) -> dict[str, Value]:
    problem = _marked(value, "they would show in addresses")
    payload = value.payload
    if problem:
        pass
    elif payload is UNKNOWN:
        problem = (
            "It depends on values that are known only after apply, so the instances cannot be "
            "planned. Use keys that are known now."
        )
    elif isinstance(payload, dict):
        return payload
    elif isinstance(value.type, SetType) and isinstance(payload, tuple):
        if all(isinstance(item.payload, str) for item in payload):
            return {str(item.payload): item for item in payload}
        problem = "A set must hold known, non-null strings."
    else:
        problem = "It must be a map or a set of strings. Use toset() for a list."
    diagnostics.error("Invalid for_each argument", problem, range=expression.range)
    return {}
