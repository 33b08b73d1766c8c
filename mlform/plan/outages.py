"""Endpoints that answer nobody while they are replaced, because their block wants it so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.config.blocks import Config
from mlform.diagnostics import Diagnostic, Severity
from mlform.plan.changes import Action, Change
from mlform.resources.base import AnyKind, kind_of

_FIRST = {Action.DELETE_THEN_CREATE, Action.FORGET_THEN_CREATE}


def outage_warnings(
    changes: Iterable[Change], kinds: Mapping[str, AnyKind], config: Config
) -> tuple[Diagnostic, ...]:
    """Return a warning for each server that is stopped before the next one is tried."""
    found = []
    for change in changes:
        if change.action in _FIRST and kind_of(kinds, change.address).sort == "server":
            block = config.resource(change.address.block)
            found.append(
                Diagnostic(
                    severity=Severity.WARNING,
                    summary="Endpoint is stopped before it is replaced",
                    detail="Its block sets create_before_destroy = false: requests are refused "
                    "until the new server is ready, and for good if it fails. Remove that line, "
                    "unless the machine cannot hold both models.",
                    range=None if block is None else block.range,
                    address=str(change.address),
                )
            )
    return tuple(found)
