"""`removed` blocks against what is declared."""

from __future__ import annotations

from mlform.addresses import ResourceAddress, print_path
from mlform.config.blocks import Config
from mlform.diagnostics import Diagnostics


def check_removals(config: Config, diagnostics: Diagnostics) -> None:
    """Record a problem for each `removed` block whose object is still declared."""
    for module in config.modules.values():
        for removed in module.removed:
            target = removed.target
            if isinstance(target, ResourceAddress):
                block = config.resource(target)
                if block is not None:
                    diagnostics.error(
                        "Removed resource still exists",
                        f"This statement declares that {target} was removed, but it is still "
                        f"declared at {block.range}. Remove one of the two.",
                        range=removed.range,
                    )
                continue
            caller = config.modules.get(target[:-1])
            call = None if caller is None else caller.calls.get(target[-1].name)
            if call is not None:
                diagnostics.error(
                    "Removed module still exists",
                    f"This statement declares that {print_path(target)} was removed, but it is "
                    f"still called at {call.range}. Remove one of the two.",
                    range=removed.range,
                )
