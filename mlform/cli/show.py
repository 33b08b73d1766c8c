"""`mlform show`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlform import __version__
from mlform.cli.modes import refuse_both
from mlform.cli.planning import show_markdown, show_plan
from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.cli.arguments import ShowArguments
    from mlform.cli.session import Session
    from mlform.operations.environment import Environment
    from mlform.state.snapshot import State


def run(arguments: ShowArguments, session: Session) -> int:
    """Show a saved plan, the state in a file, or the state."""
    from mlform.operations.show import read_state
    from mlform.operations.state import holds_state, read_state_file

    refuse_both(json=arguments.json, markdown=arguments.markdown)
    environment = session.environment()
    path = session.path(arguments.plan) if arguments.plan else None
    is_plan = path is not None and not holds_state(path)
    if is_plan:
        return _show_plan(arguments, session)
    if arguments.markdown:
        detail = "-markdown shows a saved plan: mlform show -markdown PLAN."
        raise UsageError("No plan to show", detail)
    state = read_state(environment) if path is None else read_state_file(environment, path)
    return _show_state(session, environment, state, as_json=arguments.json)


def _show_plan(arguments: ShowArguments, session: Session) -> int:
    from mlform.operations.saved_plans import load_plan
    from mlform.operations.show import planned_config
    from mlform.plan.moves import adopted_state, moved_state
    from mlform.views.documents import plan_document

    environment = session.environment()
    planned = load_plan(environment, session.path(arguments.plan))
    if arguments.markdown:
        show_markdown(session, environment, planned, saved=arguments.plan)
        return 0
    if not arguments.json:
        show_plan(session, environment, planned)
        return 0
    open_variables = {
        name: value["value"]
        for name, value in planned.variables.items()
        if isinstance(value, Mapping)
        and "value" in value  # an ephemeral one has none
        and name not in planned.sensitive_variables
    }
    document = plan_document(
        planned.plan,
        state=adopted_state(
            moved_state(planned.state, planned.plan.moves, environment.kinds), planned.plan.imports
        ),
        variables=open_variables,
        version=__version__,
        schemas={name: kind.schema for name, kind in environment.kinds.items()},
        config=planned_config(environment, planned),
    )
    session.out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    return 0


def _show_state(
    session: Session, environment: Environment, state: State | None, *, as_json: bool
) -> int:
    kinds = [address.kind for address, _ in state.objects] if state else []
    schemas = session.schemas(environment, kinds)
    if as_json:
        from mlform.views.documents import state_document

        document = state_document(state, version=__version__, schemas=schemas)
        session.out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
        return 0
    if state is None:
        session.out.write("No state.\n")
        return 0
    from mlform.views.human import render_state

    out = session.out
    out.write(render_state(state, schemas=schemas, color=out.color, width=out.width))
    return 0
