"""`mlform state show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.cli.session import read_address

if TYPE_CHECKING:
    from mlform.cli.arguments import StateShowArguments
    from mlform.cli.session import Session


def run(arguments: StateShowArguments, session: Session) -> int:
    """Print the attributes of one object, and of what it replaced and is still there."""
    from mlform.operations.show import find_objects
    from mlform.state.snapshot import CURRENT
    from mlform.views.human import render_record

    address = read_address(arguments.address)
    environment = session.environment()
    objects = find_objects(environment, address)
    schema = session.schemas(environment, [address.kind]).get(address.kind)
    out = session.out
    if arguments.json:
        from mlform.views.attributes import plain_attributes

        record = objects.get(CURRENT) or next(iter(objects.values()))
        document = dict(plain_attributes(record.attributes, schema))
        out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return 0
    shown = [
        render_record(record, deposed=key, schema=schema, color=out.color, width=out.width)
        for key, record in objects.items()
    ]
    out.write("\n".join(shown))
    return 0
