"""`mlform destroy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.applying import Work, carry_out, settle
from mlform.cli.planning import make_plan, plan_options, show_plan
from mlform.cli.watching import Watch
from mlform.plan.changes import Mode

if TYPE_CHECKING:
    from mlform.cli.arguments import DestroyArguments
    from mlform.cli.session import Session


def run(arguments: DestroyArguments, session: Session) -> int:
    """Plan to destroy everything, ask, and do it."""
    options = plan_options(arguments, session, Mode.DESTROY)
    watch = Watch(session)
    environment = session.environment(parallelism=arguments.parallelism, on_event=watch.on_event)
    planned = make_plan(session, environment, options)
    show_plan(session, environment, planned)
    settle(session, planned.plan, approved=arguments.auto_approve)
    return carry_out(session, Work(environment, planned, watch, options.lock_timeout))
