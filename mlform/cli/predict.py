"""`mlform predict`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform.cli.rows import read_file, read_json, read_row
from mlform.cli.session import read_address
from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.cli.arguments import PredictArguments
    from mlform.cli.session import Session
    from mlform.digests import JsonObject


def run(arguments: PredictArguments, session: Session) -> int:
    """Score rows and print the answer as JSON."""
    from mlform.operations.predict import predict

    address = read_address(arguments.address)
    rows = _rows(arguments, session)
    if not rows:
        raise UsageError("No rows", "Give at least one row with -row, -file or standard input.")
    answer = predict(session.environment(), address, rows)
    session.out.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    return 0


def _rows(arguments: PredictArguments, session: Session) -> list[JsonObject]:
    rows = [read_row(text) for text in arguments.row]
    if arguments.file and arguments.file != "-":
        return rows + read_file(session.path(arguments.file))
    if arguments.file == "-" or not rows:
        if session.stdin.isatty():
            session.err.write("Reading rows as JSON from standard input, until Ctrl-D.\n")
        rows += read_json(session.stdin.read(), "standard input")
    return rows
