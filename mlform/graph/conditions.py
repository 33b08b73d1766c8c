"""Conditions that configurations state: preconditions, postconditions, validations, assertions."""

from __future__ import annotations

from enum import Enum

from mlform.config.blocks import Condition
from mlform.config.messages import error_message
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Severity
from mlform.lang.convert import ConversionError, convert
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL
from mlform.lang.values import UNKNOWN


class Status(Enum):
    """How a condition stands; the value is the name in Terraform's JSON."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the conditions of one thing stand.

    Attributes:
        kind: `resource`, `output_value`, `check` or `var`, as in Terraform's JSON.
        address: Of the thing, such as `check.health` or `dataset.titanic[0]`.
        block: The same without keys.
        status: The worst of its conditions.
        messages: Of those that failed.
    """

    kind: str
    address: str
    block: str
    status: Status
    messages: tuple[str, ...] = ()


_WORST = (Status.ERROR, Status.FAIL, Status.UNKNOWN, Status.PASS)


def worst(statuses: list[Status]) -> Status:
    """Return the worst of several; `PASS` where there are none."""
    return min(statuses, key=_WORST.index, default=Status.PASS)


def check_condition(
    condition: Condition,
    scope: Scope,
    diagnostics: Diagnostics,
    *,
    what: str,
    address: str | None = None,
    severity: Severity = Severity.ERROR,
) -> tuple[Status, str]:
    """Record a problem if a condition is known to be false, and return how it stands.

    Args:
        condition: The block.
        scope: Where its names are looked up.
        diagnostics: Where problems are recorded.
        what: What kind of condition it is, which starts the summary.
        address: What it belongs to.
        severity: Of a condition that does not hold, or cannot be resolved.

    Returns:
        The status, and the message where it failed.
    """
    found = Diagnostics()
    status, message = _checked(condition, scope, found, what=what, address=address)
    for problem in found:
        diagnostics.add(replace(problem, severity=severity))
    return status, message


def _checked(
    condition: Condition, scope: Scope, diagnostics: Diagnostics, *, what: str, address: str | None
) -> tuple[Status, str]:
    truth = resolve(condition.condition, scope, diagnostics)
    if diagnostics.has_errors:
        return Status.ERROR, ""
    try:
        payload = convert(truth, BOOL).payload
    except ConversionError as error:
        problem = f"The condition must be true or false: {error.message}."
    else:
        if payload is UNKNOWN:
            return Status.UNKNOWN, ""
        if payload is True:
            return Status.PASS, ""
        problem = "The condition must be true or false, not null." if payload is None else ""
    if problem:
        diagnostics.error(
            "Invalid condition result", problem, range=condition.condition.range, address=address
        )
        return Status.ERROR, ""
    from mlform.lang.failure import reference_values

    message = error_message(condition, scope, diagnostics)
    diagnostics.add(
        Diagnostic(
            summary=f"{what} failed",
            detail=message,
            range=condition.condition.range,
            address=address,
            values=reference_values(condition.condition, scope),
        )
    )
    return Status.FAIL, message
