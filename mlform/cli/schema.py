"""`mlform schema`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform import __version__
from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.cli.arguments import SchemaArguments
    from mlform.cli.session import Session
    from mlform.operations.schema import Vocabulary


def run(arguments: SchemaArguments, session: Session) -> int:
    """Show what configurations may hold."""
    from mlform.operations.schema import read_vocabulary

    if arguments.json and arguments.markdown:
        raise UsageError("Conflicting options", "Give either -json or -markdown.")
    known = read_vocabulary(session.environment(), arguments.kind)
    if arguments.json:
        session.out.write(_document(known))
    elif arguments.markdown:
        session.out.write(_markdown(known, arguments.kind))
    else:
        session.out.write(_text(known, arguments.kind, session))
    return 0


def _document(known: Vocabulary) -> str:
    from mlform.views.schemas import schemas_document

    document = schemas_document(
        known.kinds,
        blocks=known.blocks,
        functions=known.functions,
        version=__version__,
    )
    return json.dumps(document, ensure_ascii=False) + "\n"


def _markdown(known: Vocabulary, kind: str) -> str:
    from mlform.views.reference import kind_page, kinds_page

    return (
        kind_page(known.kinds[kind]) if kind else kinds_page(known.kinds, known.blocks["runtime"])
    )


def _text(known: Vocabulary, kind: str, session: Session) -> str:
    from mlform.views.schemas import render_kind, render_overview

    color, width = session.out.color, session.out.width
    if kind:
        return render_kind(known.kinds[kind], color=color, width=width)
    return render_overview(
        known.kinds,
        blocks=known.blocks,
        functions=known.functions,
        color=color,
        width=width,
    )
