"""Gates that would fail with what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.config.blocks import Config
from mlform.diagnostics import Diagnostic, Severity
from mlform.graph.arguments import range_of
from mlform.plan.changes import Change
from mlform.resources.base import AnyKind, kind_of


def gate_warnings(
    changes: Iterable[Change], kinds: Mapping[str, AnyKind], config: Config
) -> tuple[Diagnostic, ...]:
    """Return a warning for each gate that is known to fail."""
    found = []
    for change in changes:
        kind = kind_of(kinds, change.address)
        if kind.sort != "artifact" or change.after is None or change.after_unknown:
            continue
        block = config.resource(change.address.block)
        for problem in kind.failures(change.after):
            place = None if block is None else range_of(block.body, problem.path, block.range)
            found.append(
                Diagnostic(
                    severity=Severity.WARNING,
                    summary=problem.summary,
                    detail=f"{problem.detail}. What requires {change.address} is not created or "
                    "replaced until it passes.",
                    range=place,
                    address=str(change.address),
                )
            )
    return tuple(found)
