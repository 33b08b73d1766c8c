"""`mlform state history`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlform import __version__
from mlform.cli.moments import read_moment
from mlform.cli.session import read_targets
from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.cli.arguments import StateHistoryArguments
    from mlform.cli.session import Session
    from mlform.diagnostics import Diagnostic
    from mlform.operations.environment import Environment
    from mlform.operations.history import Span


def run(arguments: StateHistoryArguments, session: Session) -> int:
    """Print what happened to objects, or what there was at a point in time."""
    from mlform.operations.history import Span

    if arguments.at and (arguments.since or arguments.until):
        raise UsageError("Options exclude each other", "-at does not go with -since or -until.")
    environment = session.environment()
    now = environment.now()
    since, until = arguments.since, arguments.until
    span = Span(
        targets=read_targets(arguments.address),
        since=read_moment(since, now, end_of_day=False) if since else "",
        until=read_moment(until, now, end_of_day=True) if until else "",
    )
    if arguments.at:
        moment = read_moment(arguments.at, now, end_of_day=True)
        return _show_then(session, environment, moment, span, as_json=arguments.json)
    return _show_history(session, environment, span, as_json=arguments.json)


def _show_history(session: Session, environment: Environment, span: Span, *, as_json: bool) -> int:
    from mlform.operations.history import read_history
    from mlform.views.history import history_document, render_history

    out, warnings = session.out, list["Diagnostic"]()
    happened = list(read_history(environment, span, warnings.append))
    session.report(warnings)
    if as_json:
        out.write(json.dumps(history_document(happened), ensure_ascii=False) + "\n")
    elif happened:
        out.write(render_history(happened, color=out.color, width=out.width))
    else:
        what = (
            "of that"
            if span.targets or span.since or span.until
            else "yet: nothing was applied here"
        )
        session.err.write(f"The history of the state tells nothing {what}.\n")
    return 0


def _show_then(
    session: Session, environment: Environment, moment: str, span: Span, *, as_json: bool
) -> int:
    from mlform.operations.history import state_at
    from mlform.views.documents import state_document, without_secrets
    from mlform.views.human import render_state

    out, warnings = session.out, list["Diagnostic"]()
    state = state_at(environment, moment, span, warnings.append)
    session.report(warnings)
    schemas = session.schemas(environment, [address.kind for address, _ in state.objects])
    if as_json:
        document = without_secrets(state_document(state, version=__version__, schemas=schemas))
        out.write(json.dumps({"at": moment, **document}, ensure_ascii=False) + "\n")
        return 0
    out.write(f"The state at {moment}:\n\n")
    out.write(render_state(state, schemas=schemas, color=out.color, width=out.width))
    return 0
