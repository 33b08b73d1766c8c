"""`mlform apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.applying import Work, carry_out, settle
from mlform.cli.planning import asker, plan_options, show_plan
from mlform.cli.watching import Watch
from mlform.errors import UsageError
from mlform.plan.changes import Mode

if TYPE_CHECKING:
    from mlform.cli.arguments import ApplyArguments
    from mlform.cli.session import Session


def run(arguments: ApplyArguments, session: Session) -> int:
    """Plan or load a plan, ask, and carry it out."""
    from mlform.operations.kept_variables import with_ephemeral
    from mlform.operations.plan import load_plan, make_plan

    if arguments.plan and (arguments.target or arguments.replace):
        detail = "A saved plan is carried out as it is: -target and -replace belong to plan."
        raise UsageError("Options do not go with a saved plan", detail)
    mode = Mode.DESTROY if arguments.destroy else Mode.NORMAL
    options = plan_options(arguments, session, mode)
    watch = Watch(session)
    environment = session.environment(parallelism=arguments.parallelism, on_event=watch.on_event)
    if arguments.plan:
        saved = load_plan(session.path(arguments.plan))
        planned = with_ephemeral(environment, saved, options.variables)
        return carry_out(session, Work(environment, planned, watch))
    planned = make_plan(environment, options, asker(session))
    show_plan(session, environment, planned)
    settle(session, planned.plan, approved=arguments.auto_approve)
    return carry_out(session, Work(environment, planned, watch))
