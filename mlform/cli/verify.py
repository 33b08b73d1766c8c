"""`mlform verify`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.cli.session import read_addresses
from mlform.digests import short
from mlform.views.paper import Ink, Line, Piece, line, render

if TYPE_CHECKING:
    from mlform.cli.arguments import VerifyArguments
    from mlform.cli.session import Session
    from mlform.operations.results import Verified


def run(arguments: VerifyArguments, session: Session) -> int:
    """Make objects again and say whether they came out the same; 1 if one did not."""
    from mlform.operations.verify import verify

    found = verify(session.environment(), read_addresses(arguments.address))
    if arguments.json:
        text = json.dumps([_document(item) for item in found], indent=2, ensure_ascii=False) + "\n"
    else:
        content = [row for item in found for row in _lines(item)]
        same = sum(item.same for item in found)
        content.append(line(f"Verified {len(found)}: {same} the same to the byte.", Ink.BOLD))
        text = render(content, color=session.out.color, width=session.out.width)
    session.out.write(text)
    return 0 if all(item.same for item in found) else 1


def _document(item: Verified) -> dict[str, object]:
    return {
        "address": str(item.address),
        "same": item.same,
        "expected": item.expected,
        "found": item.found,
        "differences": list(item.differences),
    }


def _lines(item: Verified) -> list[Line]:
    name = Piece(f"{item.address}: ", Ink.BOLD)
    if item.same:
        return [Line((name, Piece("same", Ink.GOOD), Piece(f", {short(item.expected)}")), hang=4)]
    made = short(item.found) if item.found else "nothing"
    text = f", expected {short(item.expected)}, made {made}"
    first = Line((name, Piece("differs", Ink.ALARM), Piece(text)), hang=4)
    return [first, *(line(f"    {difference}", hang=6) for difference in item.differences)]
