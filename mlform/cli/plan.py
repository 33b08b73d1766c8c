"""`mlform plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.failures import CHANGES_PENDING
from mlform.cli.modes import check_generation, mode_of, refuse_both
from mlform.cli.planning import make_plan, plan_options, show_markdown, show_plan
from mlform.dataclass import replace

if TYPE_CHECKING:
    from mlform.cli.arguments import PlanArguments
    from mlform.cli.session import Session


def run(arguments: PlanArguments, session: Session) -> int:
    """Plan, show the plan, and save it where asked."""
    refuse_both(json=arguments.json, markdown=arguments.markdown)
    mode = mode_of(arguments)
    check_generation(arguments, mode)
    options = plan_options(arguments, session, mode)
    generated = arguments.generate_config_out
    if generated:
        options = replace(options, generate_config_out=session.path(generated))
    if arguments.out:
        from mlform.operations.saved_plans import check_place

        check_place(session.path(arguments.out))
    environment = session.environment(parallelism=arguments.parallelism)
    planned = make_plan(session, environment, options)
    if arguments.markdown:
        session.report(planned.plan.warnings)
        show_markdown(session, environment, planned, saved=arguments.out)
    else:
        show_plan(session, environment, planned)
    if arguments.out:
        from mlform.operations.saved_plans import save_plan

        save_plan(planned, session.path(arguments.out))
    if not arguments.markdown:
        if generated and session.path(generated).exists():
            _tell_generated(generated, session)
        _advise(arguments.out, session, has_changes=planned.plan.has_changes)
    if arguments.detailed_exitcode and planned.plan.has_changes:
        return CHANGES_PENDING
    return 0


def _tell_generated(path: str, session: Session) -> None:
    if session.messages is not None:
        return
    from mlform.views.human import render_generated

    session.out.write(render_generated(path, color=session.out.color, width=session.out.width))


def _advise(out: str, session: Session, *, has_changes: bool) -> None:
    """Say what to do with the plan."""
    if session.messages is not None or session.automation or not (has_changes or out):
        return
    from mlform.views.human import render_saved

    session.out.write(render_saved(out, color=session.out.color, width=session.out.width))
