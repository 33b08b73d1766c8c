"""Whether endpoints of one plan would listen on the same port, as far as that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.config.blocks import Config
from mlform.diagnostics import Diagnostics
from mlform.graph.arguments import range_of
from mlform.plan.changes import Action, Change, Plan
from mlform.resources.base import AnyKind, kind_of

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on


def check_ports(plan: Plan, config: Config, kinds: Mapping[str, AnyKind]) -> None:
    """Refuse a plan after which two endpoints would need one port.

    Args:
        plan: The plan.
        config: It was made from.
        kinds: By name.

    Raises:
        ConfigurationError: With each endpoint whose port another one has.
    """
    diagnostics = Diagnostics()
    by_port: dict[int, list[tuple[str, Change]]] = {}
    for change in plan.changes:
        if kind_of(kinds, change.address).sort != "server":
            continue  # what it will be need not be found out
        place = _place(change)
        if place is not None:
            host, port = place
            by_port.setdefault(port, []).append((host, change))
    for port, serving in by_port.items():
        for at, (there, second) in enumerate(serving):
            for host, first in serving[:at]:
                is_new = {first.action, second.action} != {Action.NO_OP}
                if is_new and (host == there or {host, there} & _EVERYWHERE):
                    taken = f"{first.address} serves on port {port} of {host}"
                    _report(taken, second, config, diagnostics)
                    break
    diagnostics.raise_if_errors()


def _report(taken: str, change: Change, config: Config, diagnostics: Diagnostics) -> None:
    block = config.resource(change.address.block)
    diagnostics.error(
        "Port is given twice",
        f"{taken}. Give {change.address} another `port`.",
        range=None if block is None else range_of(block.body, ("port",), block.range),
        address=str(change.address),
    )


def _place(change: Change) -> tuple[str, int] | None:
    """Return on which host and port one listens afterwards; None if it goes or nobody knows."""
    if change.after is None or change.action is Action.FORGET:
        return None
    host, port = change.after.get("host"), change.after.get("port")
    return (host, int(port)) if isinstance(host, str) and isinstance(port, int | float) else None
