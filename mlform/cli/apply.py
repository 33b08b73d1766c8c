"""`mlform apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.applying import Work, carry_out, settle
from mlform.cli.modes import mode_of, refuse_with_saved_plan
from mlform.cli.planning import make_plan, plan_options, show_plan
from mlform.cli.watching import Watch

if TYPE_CHECKING:
    from mlform.cli.arguments import ApplyArguments
    from mlform.cli.session import Session


def run(arguments: ApplyArguments, session: Session) -> int:
    """Plan or load a plan, ask, and carry it out."""
    from mlform.operations.freshness import check_unmoved
    from mlform.operations.kept_variables import with_ephemeral
    from mlform.operations.saved_plans import load_plan

    if arguments.plan:
        refuse_with_saved_plan(arguments)
    options = plan_options(arguments, session, mode_of(arguments))
    watch = Watch(session)
    environment = session.environment(parallelism=arguments.parallelism, on_event=watch.on_event)
    if arguments.plan:
        saved = load_plan(environment, session.path(arguments.plan), options.variables)
        check_unmoved(environment, saved)
        planned = with_ephemeral(environment, saved, options.variables)
        if session.messages is not None:
            session.messages.planned(planned.plan.active)
        work = Work(environment, planned, watch, options.lock_timeout, saved=True)
        return carry_out(session, work)
    planned = make_plan(session, environment, options)
    show_plan(session, environment, planned)
    settle(session, planned.plan, approved=arguments.auto_approve)
    return carry_out(session, Work(environment, planned, watch, options.lock_timeout))
