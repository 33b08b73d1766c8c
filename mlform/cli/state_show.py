"""`mlform state show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.cli.session import read_address
from mlform.diagnostics import did_you_mean
from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.cli.arguments import StateShowArguments
    from mlform.cli.session import Session


def run(arguments: StateShowArguments, session: Session) -> int:
    """Print the attributes of one object."""
    from mlform.operations.show import read_state
    from mlform.views.human import render_record

    address = read_address(arguments.address)
    environment = session.environment()
    state = read_state(environment)
    record = state.current(address) if state else None
    if record is None:
        known = [str(item.address) for item in state.records] if state else []
        detail = f"The state has no object {address}.{did_you_mean(str(address), known)}"
        raise UsageError("No such object", f'{detail} "mlform state list" shows all of them.')
    schema = session.schemas(environment, [address.kind]).get(address.kind)
    if arguments.json:
        from mlform.views.attributes import plain_attributes

        document = dict(plain_attributes(record.attributes, schema))
        session.out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        out = session.out
        out.write(render_record(record, schema=schema, color=out.color, width=out.width))
    return 0
