"""`mlform state list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.cli.arguments import StateListArguments
    from mlform.cli.session import Session


def run(arguments: StateListArguments, session: Session) -> int:
    """Print the addresses of the objects."""
    from mlform.operations.show import read_state

    state = read_state(session.environment())
    if state is None:
        detail = "Nothing was applied here yet. Run mlform apply, or choose the folder with -chdir."
        raise UsageError("No state", detail)
    names = [str(record.address) for record in state.records]
    names += [f"{record.address} (deposed object {key})" for key, record in state.deposed]
    shown = [name for name in sorted(names) if _wanted(name, arguments.address)]
    session.out.write("".join(f"{name}\n" for name in shown))
    return 0


def _wanted(name: str, addresses: tuple[str, ...]) -> bool:
    """Whether a name is one of these, an instance of one, or inside one."""
    return not addresses or any(
        name == address or name.startswith((f"{address}[", f"{address}.", f"{address} "))
        for address in addresses
    )
